"""The other baseline: what the disk under the database takes for a promise.

`fsync` of one page appended, and a commit of one row with the gateway's own driver and pragmas
(WAL, synchronous = FULL): no claim can be recorded in less.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from bench.figures import quantiles
from gateway.store.engine import write_engine

PAGE = bytes(4096)
ROW = bytes(2048)
"""About as long as a claim's record."""


def disk(directory: Path, seconds: float) -> dict[str, Any]:
    """Both, in µs, each for half the time."""
    fsync = fsyncs_us(directory / "fsync.bin", seconds / 2)
    commit = commits_us(directory / "commit.db", seconds / 2)
    return {
        "fsync_us": quantiles(fsync),
        "commit_us": quantiles(commit),
        "commits_per_s": round(1e6 * len(commit) / sum(commit)),
    }


def fsyncs_us(path: Path, seconds: float) -> list[int]:
    """What each fsync took, in µs."""
    took: list[int] = []
    over = time.perf_counter() + seconds
    with path.open("wb", buffering=0) as file:
        while time.perf_counter() < over:
            file.write(PAGE)
            began = time.perf_counter_ns()
            os.fsync(file.fileno())
            took.append((time.perf_counter_ns() - began) // 1000)
    return took


def commits_us(path: Path, seconds: float) -> list[int]:
    """What each commit of one row took, in µs; the same file again goes on."""
    took: list[int] = []
    engine = write_engine(path)
    try:
        with engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.execute(
                "CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY, body BLOB)"
            ).close()
            over = time.perf_counter() + seconds
            while time.perf_counter() < over:
                began = time.perf_counter_ns()
                raw.execute("BEGIN IMMEDIATE").close()
                raw.execute("INSERT INTO one (body) VALUES (?)", (ROW,)).close()
                raw.execute("COMMIT").close()
                took.append((time.perf_counter_ns() - began) // 1000)
    finally:
        engine.dispose()
    return took
