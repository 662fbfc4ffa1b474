"""The ledger under measurement, in a process of its own: callers, the writer, one database.

Callers are tasks; each awaits the durable answer of one append before it makes its next. Requests
are made before the clock starts; what the ledger makes of them is inside. Rates count the answers
after the first quarter of a run. The same process measures its disk, so that a preloaded library
(bench/slow_fsync.py) slows both alike.
Run: python -m bench.ledger_process DATABASE DIRECTORY, which bench.ledger_writer.make_store made.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from bench.child import announce, answer_lines
from bench.disk import commits_us, fsyncs_us
from bench.figures import quantiles
from bench.ledger_checked import checked
from bench.ledger_integrator import Integrator
from bench.ledger_requests import Claim, claims
from bench.ledger_writer import LedgerWriter
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
        """(ended, took) in seconds; `ended` since the beginning."""
        self._indexes: list[int] = []

    async def run(self, waiting: deque[Claim], *, signing: bool) -> dict[str, Any]:
        """Every caller until the time is over or the requests are; then until its last answer."""
        commits, cpu_s = self._writer.commits, time.process_time()
        self._began = time.perf_counter()
        if signing:
            integrator = Integrator(self._writer.store.log)
            load = asyncio.create_task(self._all(waiting))
            await integrator.run(load, self._indexes)
            await load
            ended = [self._began + at for at, _ in self._took]
            more = {"signed_us": integrator.waits_us(zip(self._indexes, ended, strict=True))}
        else:
            await self._all(waiting)
            more = {}
        return self._report(bool(waiting)) | {
            "appends_per_commit": len(self._took) / max(self._writer.commits - commits, 1),
            "cpu_us": (time.process_time() - cpu_s) * 1e6 / max(len(self._took), 1),
            **more,
        }

    async def _all(self, waiting: deque[Claim]) -> None:
        await asyncio.gather(*(self._caller(waiting) for _ in range(self._callers)))

    async def _caller(self, waiting: deque[Claim]) -> None:
        clock, append, began = time.perf_counter, self._writer.append, self._began
        over = began + self._seconds
        while waiting and clock() < over:
            for request in waiting.popleft():
                sent = clock()
                index = await append(request)
                ended = clock()
                self._took.append((ended - began, ended - sent))
                self._indexes.append(index)

    def _report(self, ran_out_of_time: bool) -> dict[str, Any]:
        over = self._seconds if ran_out_of_time else max(at for at, _ in self._took)
        first = over * SETTLING_IN
        counted = [took for at, took in self._took if first <= at < over]
        return {
            "done": len(self._took),
            "per_s": len(counted) / (over - first),
            "took_us": quantiles([round(took * 1e6) for took in counted]),
        }


class Answers:
    """What the bench asks, one question at a time."""

    def __init__(self, database: Database, directory: Path) -> None:
        self._database, self._directory = database, directory
        self.writer = LedgerWriter(database, directory)
        self._made = claims()
        self._waiting: deque[Claim] = deque()

    async def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """what = fsync, one_row, prepare, append or verify."""
        what = job["what"]
        if what == "verify":
            return await checked(self._database, self.writer.store)
        seconds = float(job["seconds"])
        if what == "fsync":
            return quantiles(fsyncs_us(self._directory / "fsync.bin", seconds))
        if what == "one_row":
            took = commits_us(self._directory / "one_row.db", seconds)
            return {"per_s": 1e6 * len(took) / sum(took), "took_us": quantiles(took)}
        callers = int(job["callers"])
        if what == "prepare":
            self._prepare(callers, seconds)
            return {}
        if not job.get("prepared"):
            self._prepare(callers, seconds)
        load = Load(self.writer, callers, seconds)
        return await load.run(self._waiting, signing=bool(job.get("signing")))

    def _prepare(self, callers: int, seconds: float) -> None:
        most = round(FASTEST_PER_S.get(callers, 40_000) * seconds / 2) + callers
        self._waiting = deque(next(self._made) for _ in range(most))
        gc.collect()
        gc.freeze()  # as the gateway does at its start (gateway/bootstrap.py)


async def run(database: Database, directory: Path) -> None:
    """Serve until standard input ends."""
    configure(now=SystemClock().now, path=directory / "ledger.log")
    answers = Answers(database, directory)
    try:
        announce("")
        await answer_lines(answers.answer)
    finally:
        await answers.writer.store.close()


if __name__ == "__main__":
    asyncio.run(run(parse_database(sys.argv[1]), Path(sys.argv[2])))
