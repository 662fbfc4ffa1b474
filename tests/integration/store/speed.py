"""How many writes a second: `python -m tests.integration.store.speed [CALLERS…]`. Not a test.

"insert" is a claim alone; "intent" is all that SettleClaim writes before the first byte leaves: the
person, a msgid, journal entry, leaf, opening, claim and message. Each is acknowledged after fsync.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.ids import SystemIds
from gateway.ports import Books
from tests.integration.store.house import Intent, claim, identity, numbered, opened, prepare

WRITES = 4_000
PERSONS = 3_000
_IDS = SystemIds()


def _intent(number: int) -> Callable[[Books], object]:
    return Intent(numbered("intent", number), identity(number % PERSONS))


def _insert(number: int) -> Callable[[Books], object]:
    def work(books: Books) -> None:
        ref = books.subject_ref(identity(number % PERSONS))
        books.insert_claim(claim(numbered("insert", number), ids=_IDS, subject_ref=ref))

    return work


async def _measure(
    what: str, make: Callable[[int], Callable[[Books], object]], callers: int
) -> str:
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        async with opened(Path(directory)) as house:
            numbers, waits = iter(range(WRITES)), []

            async def caller() -> None:
                for number in numbers:
                    began = time.perf_counter()
                    await house.store.write(make(number))
                    waits.append(time.perf_counter() - began)

            began = time.perf_counter()
            await asyncio.gather(*(caller() for _ in range(callers)))
            took = time.perf_counter() - began
            commits = house.store.writer.commits
    p99_ms = sorted(waits)[len(waits) * 99 // 100] * 1000
    return (
        f"{what}  {callers:4} callers  {WRITES / took:7.0f} writes/s  "
        f"p99 {p99_ms:6.1f} ms  {commits} commits"
    )


def main() -> None:
    """Print one line a measurement."""
    for callers in [int(word) for word in sys.argv[1:]] or [1, 16, 128]:
        for what, make in (("insert", _insert), ("intent", _intent)):
            print(asyncio.run(_measure(what, make, callers)), flush=True)


if __name__ == "__main__":
    main()
