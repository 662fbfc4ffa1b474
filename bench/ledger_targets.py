"""The stated targets of the ledger's speed, beside what was measured. Source: issue 3.

A figure that was not measured is None and meets nothing; nothing here is asserted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table."""

    what: str
    measured: float | None
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        if self.measured is None:
            return None
        enough = self.at_least is None or self.measured >= self.at_least
        return enough and (self.at_most is None or self.measured <= self.at_most)

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met}


def targets(report: Mapping[str, Any]) -> list[Target]:
    """All of them, in the order they are read."""
    postgresql, sqlite = report["postgresql"], report["sqlite"]
    found = [
        Target("PostgreSQL: 512 callers to TPC-B at its best", _to_tpcb(postgresql, 512), "×", 3),
        Target("PostgreSQL: 128 callers to TPC-B at its best", _to_tpcb(postgresql, 128), "×", 2.5),
        Target("PostgreSQL: 128 callers, p99", _p99_ms(postgresql, 128), "ms", None, 30),
        Target("PostgreSQL: one caller's wait to a single row's", _alone(postgresql), "×", None, 6),
        Target("SQLite: 512 callers to single-row commits", _to_row(sqlite), "×", 2),
        Target("SQLite: one caller's wait to a single row's", _alone(sqlite), "×", None, 3),
    ]
    return found


def _to_tpcb(report: Mapping[str, Any], callers: int) -> float | None:
    rows = report.get("ratios_to_tpcb", [])
    return next((row["ratio"] for row in rows if row["callers"] == callers), None)


def _to_row(report: Mapping[str, Any]) -> float | None:
    ratio: float = report["ratio_to_single_row"]
    return ratio if report["ratio_to_single_row_rounds"]["callers"] == 512 else None


def _alone(report: Mapping[str, Any]) -> float | None:
    found: Mapping[str, float] = report.get("one_caller_to_single_row", {})
    return found.get("ratio")


def _p99_ms(report: Mapping[str, Any], callers: int) -> float | None:
    rows = report.get("appends", [])
    found = (row["p99_us"]["median"] / 1000 for row in rows if row["callers"] == callers)
    return next((round(ms, 1) for ms in found), None)
