"""查账 under measurement, alone in its process: how fast, and how much memory at its peak.

Run: python -m bench.verify_process DATABASE VKEY; prints one JSON document.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from gateway.database import parse_database
from gateway.store.engine import read_engine
from ledger.verify import verify

KIB = 1024


def main(database: str, vkey: str) -> None:
    """Verify once."""
    engine = read_engine(parse_database(database))
    began, cpu_s = time.perf_counter(), time.process_time()
    try:
        with engine.begin() as connection:
            report = verify(connection, vkey)
    finally:
        engine.dispose()
    answer = {
        "ok": report.ok,
        "entries": report.checked.get("entries", 0),
        "leaves": report.checked.get("leaves", 0),
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_s": round(time.process_time() - cpu_s, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB / 1e6),
        "problems": [f"{p.code} {p.where}" for p in report.problems[:3]],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
