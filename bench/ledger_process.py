"""The ledger under measurement, in a process of its own: callers, the writer, one database.

Callers are tasks; each awaits the durable answer of one append before it makes its next. Requests
are made before the clock starts; what the ledger makes of them is inside. Rates count the answers
after the first quarter of a run. The same process measures its disk, so that a preloaded library
(bench/slow_fsync.py) slows both alike.
Run: python -m bench.ledger_process DATABASE DIRECTORY, which bench.ledger_writer.make_store made.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from bench.child import announce, answer_lines
from bench.disk import commits_us, fsyncs_us
from bench.figures import quantiles
from bench.ledger_checked import checked
from bench.ledger_requests import Claim, claims
from bench.ledger_writer import LedgerWriter
from gateway.bootstrap import freeze_what_stays
from gateway.clock import SystemClock
from gateway.database import Database, parse_database
from gateway.telemetry import configure

SETTLING_IN = 0.25
"""Part of a run whose answers do not count towards its rate."""
FASTEST_PER_S = {1: 8_000, 16: 20_000}
"""Appends a second that requests are made for, at most; with more callers 40,000."""


class Load:
    """One run."""

    def __init__(self, writer: LedgerWriter, callers: int, seconds: float) -> None:
        self._writer, self._callers, self._seconds = writer, callers, seconds
        self._began = 0.0
        self._took: list[tuple[float, float]] = []
        """(ended, took) in seconds."""

    async def run(self, waiting: deque[Claim]) -> dict[str, Any]:
        """Every caller until the time is over or the requests are; then until its last answer."""
        commits, cpu_s = self._writer.commits, time.process_time()
        self._began = time.perf_counter()
        await asyncio.gather(*(self._caller(waiting) for _ in range(self._callers)))
        over = self._seconds if waiting else max(at for at, _ in self._took)
        first = over * SETTLING_IN
        counted = [took for at, took in self._took if first <= at < over]
        return {
            "done": len(self._took),
            "per_s": len(counted) / (over - first),
            "took_us": quantiles([round(took * 1e6) for took in counted]),
            "appends_per_commit": len(self._took) / max(self._writer.commits - commits, 1),
            "cpu_us": (time.process_time() - cpu_s) * 1e6 / max(len(self._took), 1),
        }

    async def _caller(self, waiting: deque[Claim]) -> None:
        clock, append, took, began = (
            time.perf_counter, self._writer.append, self._took, self._began,
        )  # fmt: skip
        over = began + self._seconds
        while waiting and clock() < over:
            for request in waiting.popleft():
                sent = clock()
                await append(request)
                ended = clock()
                took.append((ended - began, ended - sent))


async def run(database: Database, directory: Path) -> None:
    """Serve until standard input ends."""
    configure(now=SystemClock().now, path=directory / "ledger.log")
    writer = LedgerWriter(database, directory)
    made = claims()

    async def answer(job: dict[str, Any]) -> dict[str, Any]:
        if job["what"] == "verify":
            return await checked(database, writer.store)
        seconds = float(job["seconds"])
        if job["what"] == "fsync":
            return quantiles(fsyncs_us(directory / "fsync.bin", seconds))
        if job["what"] == "one_row":
            took = commits_us(directory / "one_row.db", seconds)
            return {"per_s": 1e6 * len(took) / sum(took), "took_us": quantiles(took)}
        callers = int(job["callers"])
        most = round(FASTEST_PER_S.get(callers, 40_000) * seconds / 2) + callers
        waiting = deque(next(made) for _ in range(most))
        freeze_what_stays()
        return await Load(writer, callers, seconds).run(waiting)

    try:
        announce("")
        await answer_lines(answer)
    finally:
        await writer.store.close()


if __name__ == "__main__":
    asyncio.run(run(parse_database(sys.argv[1]), Path(sys.argv[2])))
