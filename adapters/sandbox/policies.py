"""待遇参数: this platform's own reader of the dated policy files.

Reads TOML and selects the one rule that matches; the arithmetic is calculator.py's. Format and
matching: gateway/policies/README.md §§1–2. Amounts become fen here; percentages stay Fractions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any


class NoRule(Exception):
    """No rule, or more than one, for a case: the platform cannot compute it."""


@dataclass(frozen=True, slots=True)
class Who:
    """What selectors are matched against."""

    scheme: str
    person: str
    visit: str
    """outpatient (an emergency is outpatient here) or inpatient."""
    level: str
    day: date
    stay: int = 0


class RegionPolicy:
    """One insured region's file."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table
        self.region = str(table["policy"]["region"])
        self._usable_from: date = table["policy"]["usable_from"]
        self.settings = {row["key"]: str(row["value"]) for row in table.get("setting", [])}

    def find(self, name: str, who: Who, **exact: str) -> Mapping[str, Any] | None:
        """The matching row of a table, or None; `exact` narrows by key, e.g. kind="annual_cap"."""
        if who.day < self._usable_from:
            return None
        rows = [
            row
            for row in self._table.get(name, [])
            if self._applies(row, who) and all(row.get(key) == exact[key] for key in exact)
        ]
        if len(rows) > 1:
            raise NoRule(f"{self.region} {name}: {', '.join(row['id'] for row in rows)}")
        return rows[0] if rows else None

    def need(self, name: str, who: Who) -> Mapping[str, Any]:
        """Like find; no rule means that the case cannot be computed."""
        row = self.find(name, who)
        if row is None:
            raise NoRule(f"{self.region} {name}: {who.scheme} {who.person} {who.visit} {who.level}")
        return row

    def drop_points(self, filing: str, who: Who) -> Fraction:
        for row in self._table.get("ratio_drop", []):
            if filing in row["filings"] and self._in_force(row, who.day):
                return _fraction(row["points"])
        return Fraction(0)

    def waives_filing(self, insured_area: str, visited_area: str, day: date) -> bool:
        return any(
            {insured_area, visited_area} <= set(row["counties"]) and self._in_force(row, day)
            for row in self._table.get("filing_waiver", [])
        )

    def year_of(self, day: date) -> str:
        """Label of the insurance year that contains the day: the year in which it began."""
        for row in self._table["insurance_year"]:
            if self._in_force(row, day):
                begins = (int(row["start_month"]), int(row["start_day"]))
                return str(day.year if (day.month, day.day) >= begins else day.year - 1)
        raise NoRule(f"{self.region}: no insurance year for {day.isoformat()}")

    def _applies(self, row: Mapping[str, Any], who: Who) -> bool:
        selectors = (("persons", who.person), ("visits", who.visit), ("levels", who.level))
        return (
            self._in_force(row, who.day)
            and row.get("scheme", who.scheme) == who.scheme
            and all(value in row.get(key, (value,)) for key, value in selectors)
            and row.get("stay_from", who.stay) <= who.stay <= row.get("stay_to", who.stay)
        )

    def _in_force(self, row: Mapping[str, Any], day: date) -> bool:
        begins, ends = row.get("from", self._usable_from), row.get("until", date.max)
        holds = all(self.settings.get(key) == value for key, value in row.get("when", {}).items())
        return holds and begins <= day <= ends


def fen(amount: int | Decimal) -> int:
    """Yuan in a policy file → fen, exactly."""
    return int(Decimal(amount).scaleb(2))


def share(percent: int | Decimal) -> Fraction:
    return _fraction(percent) / 100


def _fraction(number: int | Decimal) -> Fraction:
    return Fraction(Decimal(number))


def read_policies(directory: Path) -> dict[str, tuple[RegionPolicy, Path]]:
    """Pooling region → (its policy, the file, beside which its catalogue lies)."""
    found: dict[str, tuple[RegionPolicy, Path]] = {}
    for path in sorted(directory.glob("*.toml")):
        with path.open("rb") as source:
            table = tomllib.load(source, parse_float=Decimal)
        if "policy" in table:
            policy = RegionPolicy(table)
            found[policy.region] = (policy, path)
    return found
