"""Several gateways on one database: one log without a fork, no work done twice, no stale memory."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem
from gateway.domain.errors import Conflict
from gateway.journeys.record_event import Happened, record_event
from gateway.ports import Books, BooksReader
from gateway.store.engine import read_engine
from gateway.store.erasure import erase_subject
from gateway.store.errors import SubjectErased
from gateway.store.verify_store import verify_store
from ledger.tables import CHECKPOINT, LEAF
from tests.architecture.sources import HOME
from tests.integration.store.house import (
    HOSPITAL,
    NOON,
    Intent,
    identity,
    opened,
    options,
    prepare,
)
from tests.integration.store.lives import IDS, lived

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(120)]
BOUND_S = 60


def gateway(directory: Path, prefix: str, claims: int) -> subprocess.Popen[bytes]:
    """One more process on the database of this directory."""
    module = "tests.integration.store.busy_gateway"
    return subprocess.Popen(
        [sys.executable, "-m", module, str(directory), prefix, str(claims)],
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": f"{HOME}:{HOME / 'protos'}"},
        stdout=subprocess.PIPE,
    )


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the gateway ended by itself"
    return line


def words_of(output: bytes, first: str) -> list[list[str]]:
    lines = [line.decode().split() for line in output.splitlines()]
    return [words for words in lines if words and words[0].startswith(first)]


def checkpoint_sizes(directory: Path) -> list[int]:
    engine = read_engine(options(directory).database)
    with engine.begin() as connection:
        found = list(connection.execute(select(CHECKPOINT.c.size).order_by(CHECKPOINT.c.size)))
        leaves = list(connection.execute(select(LEAF.c.leaf_index).order_by(LEAF.c.leaf_index)))
    engine.dispose()
    assert [row[0] for row in leaves] == list(range(len(leaves)))
    return [row[0] for row in found]


def test_two_processes_that_append_and_sign_make_one_log_without_fork_or_gap(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    both = [gateway(tmp_path, name, 150) for name in ("a", "b")]
    outputs = [process.communicate(timeout=BOUND_S)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    claims = [words for output in outputs for words in words_of(output, "clm_")]
    assert len({words[0] for words in claims}) == 300
    msgids = [msgid for words in claims for msgid in words[1:]]
    assert len(set(msgids)) == len(msgids) == 900
    signed = [int(words[1]) for output in outputs for words in words_of(output, "signed")]
    # Whatever a process signed is what the database kept: nobody signed beside the others.
    assert sorted(signed) == checkpoint_sizes(tmp_path)
    here = options(tmp_path)
    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == ()
    assert found.ledger.checked["checkpoints"] == len(signed) > 1


def test_when_one_process_is_killed_the_other_goes_on_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    survivor, victim = gateway(tmp_path, "s", 0), gateway(tmp_path, "v", 0)
    before = [line_of(victim) for _ in range(120)]
    victim.send_signal(signal.SIGKILL)
    before.append(victim.communicate(timeout=BOUND_S)[0])
    # Both kinds of work are taken over: appending and signing.
    after: list[bytes] = []
    while not any(line.startswith(b"signed") for line in after) or len(after) < 200:
        after.append(line_of(survivor))
    survivor.send_signal(signal.SIGKILL)
    after.append(survivor.communicate(timeout=BOUND_S)[0])
    kept = [words[:2] for words in words_of(b"".join(before + after), "clm_") if len(words) == 4]

    async def lost() -> list[str]:
        async with opened(tmp_path) as house:
            return await house.store.read(partial(missing, kept))

    assert asyncio.run(lost()) == []
    here = options(tmp_path)
    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == ()


def test_a_process_that_stops_in_its_transaction_holds_the_others_up_for_seconds_only(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    going, stopped = gateway(tmp_path, "g", 0), gateway(tmp_path, "s", 0)
    for process in (going, stopped):
        while not line_of(process).startswith(b"clm_"):
            continue
    stopped.send_signal(signal.SIGSTOP)
    # Whether it held the lock at that moment is chance; the server ends its transaction if it did.
    # More than a pipe holds, so the last were written after the stop. line_of fails where the
    # output ends, and the test's bound ends a wait that is not for seconds only.
    lines = [line_of(going) for _ in range(800)]
    assert sum(line.startswith(b"clm_") for line in lines) > 100
    for process in (going, stopped):
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=BOUND_S)


def missing(kept: list[list[str]], reader: BooksReader) -> list[str]:
    """Ids of claims that are gone, or whose msgid is another one."""
    found = {claim_id: reader.claim(claim_id) for claim_id, _ in kept}
    return [
        claim_id
        for claim_id, msgid in kept
        if (claim := found[claim_id]) is None or claim.messages[0].msgid != msgid
    ]


async def test_a_request_id_is_taken_once_whichever_gateway_it_reaches(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with AsyncExitStack() as stack:
        houses = [await stack.enter_async_context(opened(tmp_path)) for _ in range(3)]
        tries = [house.store.write(Intent("r-same")) for house in houses for _ in range(7)]
        results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, ClaimRecord) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 20


async def test_of_two_workers_with_one_claim_one_acts_and_the_other_hears_of_it(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        made = await lived(one, "r-1", ClaimEvent.NO_ANSWER)
        later = NOON + timedelta(hours=1)

        async def seen(house: object) -> ClaimRecord:
            (claim,) = await house.store.read(lambda r: r.claims_needing_work(later, 10))  # type: ignore[attr-defined]  # an OpenStore
            assert isinstance(claim, ClaimRecord)
            return claim

        def act(claim: ClaimRecord, books: Books) -> ClaimRecord:
            # As ResolveUnknown does before anything is sent: the version it has seen must stand.
            current = books.claim(claim.claim_id)
            if current is None or current.version != claim.version:
                raise Conflict("the claim moved")
            happened = Happened(ClaimEvent.REVERSAL_BY_MSGID, {"work_due_at": None})
            return record_event(books, claim.claim_id, happened, at=later, ids=IDS)

        claims = [await seen(one), await seen(other)]
        assert claims[0] == claims[1] == made
        results = await asyncio.gather(
            one.store.write(partial(act, claims[0])),
            other.store.write(partial(act, claims[1])),
            return_exceptions=True,
        )
        assert sorted(type(r).__name__ for r in results) == ["ClaimRecord", "Conflict"]
        after = await other.store.read(lambda r: r.claim(made.claim_id))
        assert after is not None and after.state is ClaimState.REVERSAL_SENT
        assert after.version == made.version + 1


async def test_outbox_items_are_shared_out_among_the_gateways(tmp_path: Path) -> None:
    prepare(tmp_path)
    until = NOON + timedelta(seconds=60)

    def take(books: Books) -> tuple[OutboxItem, ...]:
        return books.take_outbox(NOON, 6, until=until)

    def fill(books: Books) -> None:
        for number in range(20):
            books.enqueue(
                OutboxItem(f"out_{number}", "visited_settlement", "clm_1", "310118", NOON)
            )

    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await one.store.write(fill)
        taken = await asyncio.gather(*(house.store.write(take) for house in (one, other) * 2))
        ids = [item.item_id for items in taken for item in items]
        assert len(ids) == len(set(ids)) == 20
        # One that was taken and neither done nor postponed is due again: its taker has died.
        assert len(await other.store.read(lambda r: r.due_outbox(until, 50))) == 20


async def test_a_person_erased_by_one_gateway_is_gone_from_the_memory_of_all(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        made = await lived(one, "r-1", ClaimEvent.REGION_REFUSED, person=1)
        assert await other.store.read(lambda r: r.claim(made.claim_id)) == made
        await other.store.write(lambda books: books.subject_ref(identity(1)))
        await erase_subject(one.store, made.subject_ref, legal_basis="PIPL 47")
        with pytest.raises(SubjectErased):
            await other.store.read(lambda r: r.claim(made.claim_id))
        again = await other.store.write(lambda books: books.subject_ref(identity(1)))
        assert again != made.subject_ref
        with pytest.raises(SubjectErased):
            await other.store.write(lambda unit: unit.subjects.cipher(made.subject_ref))  # type: ignore[attr-defined]  # a UnitOfWork


async def test_gateways_in_turn_never_repeat_a_msgid_though_time_stands_still(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        # One of them is idle with half a block while the other goes round all the numbers.
        seen = list(await one.msgids.take(HOSPITAL, 10))
        for _ in range(60):
            seen += await other.msgids.take(HOSPITAL, 100)
        for _ in range(9):
            seen += await one.msgids.take(HOSPITAL, 10)
    assert len(set(seen)) == len(seen) == 6_100
