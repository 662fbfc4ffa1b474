"""The ledger's speed: durable appends beside what the same databases do at their simplest.

What is measured lies in bench/ledger_*.py, one file for each question; here they are asked in turn.
Baselines are measured in the same run, in rounds; nothing is asserted about time.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.ledger_appends import on_postgresql, on_sqlite
from bench.ledger_made import on_made_ledgers
from bench.ledger_plan import Plan
from bench.ledger_targets import targets
from bench.machine import machine
from bench.registry import Say


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """The report's document. Raises ChildFailed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yrd-bench-") as folder:
        root = Path(folder)
        report: dict[str, Any] = {"bench": "ledger", "machine": machine(root)}
        report["postgresql"] = on_postgresql(root / "postgresql", plan, say)
        report["sqlite"] = on_sqlite(root / "sqlite", plan, say)
        report |= on_made_ledgers(root / "made", plan.made, say)
    report["machine"]["load_average_after"] = round(os.getloadavg()[0], 2)
    report["seconds"] = round(time.monotonic() - began)
    report["targets"] = [target.document() for target in targets(report)]
    return report
