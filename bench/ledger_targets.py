"""The stated targets of the ledger's speed, beside what was measured. Source: issue 3.

A figure that was not measured is None and neither meets nor misses; nothing here is asserted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Report = Mapping[str, Any]


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


def targets(report: Report) -> list[Target]:
    """All of them, in the order they are read."""
    postgresql, sqlite = report["postgresql"], report["sqlite"]
    return [
        *_appends_on_postgresql(postgresql),
        *_appends_on_sqlite(sqlite),
        *_together(postgresql.get("together")),
        *_signed(postgresql.get("together"), sqlite.get("signing", ())),
        *_receipts(report["receipts"]["trees"], report["receipts"]["p99_ratio"]),
        *_tiles(report["tiles"]),
        *_verify(report["verify"]),
        Target("database growth an entry, PostgreSQL", _growth(postgresql), "B", at_most=1200),
        Target("database growth an entry, SQLite", _growth(sqlite), "B", at_most=1200),
    ]


def _appends_on_postgresql(part: Report) -> list[Target]:
    rows = part.get("ratios_to_tpcb", ())
    many, some, alone = _ratio(rows, 512), _ratio(rows, 128), _alone(part)
    return [
        Target("PostgreSQL, 512 callers: appends to TPC-B at its best", many, "×", at_least=3),
        Target("PostgreSQL, 128 callers: appends to TPC-B at its best", some, "×", at_least=2.5),
        Target("PostgreSQL, 128 callers: p99", _p99_ms(part, 128), "ms", at_most=30),
        Target("PostgreSQL, one caller: wait to a single row's", alone, "×", at_most=6),
    ]


def _appends_on_sqlite(part: Report) -> list[Target]:
    many, alone = _ratio(part.get("ratios_to_single_row", ()), 512), _alone(part)
    return [
        Target("SQLite, 512 callers: appends to single-row commits", many, "×", at_least=2),
        Target("SQLite, one caller: wait to a single row's", alone, "×", at_most=3),
    ]


def _together(part: Report | None) -> list[Target]:
    whose = f"{part['processes']} processes" if part else "four processes"
    ratio = part["ratio"] if part else None
    p99 = _ms(part["together"]["p99_us"]["median"]) if part else None
    return [
        Target(f"PostgreSQL, {whose}: total to one process's", ratio, "×", at_least=0.85),
        Target(f"PostgreSQL, {whose}: p99", p99, "ms", at_most=50),
    ]


def _signed(together: Report | None, signing: Sequence[Report]) -> list[Target]:
    shared = _ms(together["together"]["signed_p99_us"]["median"]) if together else None
    alone = _ms(max(row["signed_p99_us"]["median"] for row in signing)) if signing else None
    return [
        Target("commit → signed checkpoint, PostgreSQL: p99", shared, "ms", at_most=1500),
        Target("commit → signed checkpoint, SQLite: p99", alone, "ms", at_most=1500),
    ]


def _receipts(trees: Sequence[Report], ratio: float) -> list[Target]:
    small, large = (f"{tree['leaves']:,}" for tree in trees)
    return [Target(f"receipt from {large} leaves to {small}: p99", ratio, "×", at_most=2)]


def _tiles(part: Report) -> list[Target]:
    pure, files = (part[name]["median"] for name in ("pure_per_s", "files_per_s"))
    return [
        Target("tiles from leaves, in memory: leaves a second", pure, "", at_least=200_000),
        Target("tiles from leaves, to durable files", files, "", at_least=200_000),
    ]


def _verify(checks: Sequence[Report]) -> list[Target]:
    found = []
    for check in checks:
        what = f"verify, {check['entries']:,} entries"
        found.append(
            Target(f"{what}: a second of one core", check["per_cpu_s"], "", at_least=100_000)
        )
        found.append(Target(f"{what}: most memory", check["peak_mb"], "MB", at_most=300))
    return found


def _ratio(rows: Sequence[Report], callers: int) -> float | None:
    return next((row["ratio"] for row in rows if row["callers"] == callers), None)


def _alone(part: Report) -> float | None:
    found: Mapping[str, float] = part.get("one_caller_to_single_row", {})
    return found.get("ratio")


def _p99_ms(part: Report, callers: int) -> float | None:
    rows = part.get("appends", ())
    return next((_ms(row["p99_us"]["median"]) for row in rows if row["callers"] == callers), None)


def _growth(part: Report) -> float | None:
    found: Mapping[str, float] = part.get("verified", {})
    return found.get("bytes_per_entry")


def _ms(us: float) -> float:
    return round(us / 1000, 1)
