"""The ledger's speed: durable appends beside what the same databases do at their simplest.

What is measured lies in bench/ledger_*.py, one file for each question; here they are asked in turn.
Baselines are measured in the same run, in rounds; nothing is asserted about time.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF
from typing import Any

from bench.ledger_appends import on_postgresql, on_sqlite
from bench.ledger_made import on_made_ledgers
from bench.ledger_plan import Plan
from bench.ledger_targets import targets
from bench.machine import busy_s, machine
from bench.registry import Say


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """The report's document. Raises ChildFailed."""
    began, busy = time.monotonic(), busy_s()
    own_s = _own_cpu_s()
    with tempfile.TemporaryDirectory(prefix="yrd-bench-") as folder:
        root = Path(folder)
        report: dict[str, Any] = {"bench": "ledger", "machine": machine(root)}
        report["postgresql"] = on_postgresql(root / "postgresql", plan, say)
        report["sqlite"] = on_sqlite(root / "sqlite", plan, say)
        report |= on_made_ledgers(root / "made", plan.made, say)
    report["machine"]["load_average_after"] = round(os.getloadavg()[0], 2)
    seconds = time.monotonic() - began
    report["machine"]["other_cores_busy"] = _others(busy, _own_cpu_s() - own_s, seconds)
    report["seconds"] = round(seconds)
    report["targets"] = [target.document() for target in targets(report)]
    return report


def _own_cpu_s() -> float:
    """Of this process and of all that it started, once they have ended: the server's as well."""
    mine, theirs = (resource.getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def _others(busy_before: float | None, own_s: float, seconds: float) -> float | None:
    """Cores that somebody else kept busy meanwhile; None where the system does not tell."""
    busy = busy_s()
    if busy is None or busy_before is None:
        return None
    return round(max(busy - busy_before - own_s, 0.0) / seconds, 2)
