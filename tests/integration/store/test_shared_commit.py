"""Works that share a commit share head, balances and counters; one that fails takes only its own
with it."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path

from gateway.domain.errors import Conflict
from gateway.ports import Books
from gateway.store.verify_store import verify_store
from tests.integration.store.house import Intent, numbered, opened, options, prepare

BOUND_S = 20


async def test_a_work_that_fails_amid_others_leaves_no_trace_in_head_balances_or_numbers(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    entered, go = threading.Event(), threading.Event()

    def hold(_books: Books) -> None:
        entered.set()
        go.wait(BOUND_S)

    def fail_late(number: int, books: Books) -> None:
        Intent(numbered("failed", number))(books)
        raise Conflict("after everything was written")

    async with opened(tmp_path) as house:
        holding = asyncio.create_task(house.store.write(hold))
        await asyncio.to_thread(entered.wait, BOUND_S)
        works = []
        for number in range(300):
            intent = Intent(numbered("r", number))
            failing = number % 3 == 0
            works.append(
                house.store.write(partial(fail_late, number))
                if failing
                else house.store.write(intent)
            )
        waiting = [asyncio.create_task(work) for work in works]
        await asyncio.sleep(0)
        go.set()
        await holding
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert house.store.writer.commits == 2
        kept = [result for result in results if not isinstance(result, BaseException)]
        assert sum(isinstance(result, Conflict) for result in results) == 100
        assert [claim.entries[0].leaf_index for claim in kept if claim] == list(range(200))
        stamps = [claim.messages[0].msgid[-4:] for claim in kept if claim]
        assert stamps == [f"{number:04d}" for number in range(200)]
        await house.log.publish()
    here = options(tmp_path)
    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == ()
    assert found.ledger.checked["entries"] == 200
