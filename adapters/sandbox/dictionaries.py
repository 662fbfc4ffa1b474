"""字典: what a platform's dictionaries say on a day, from the readable file seed/dictionary_*.csv.

Only dictionaries that messages here use. Codes come from the published tables of two other
provinces (the column `source` says which), or are synthetic where nothing is published: which
province has which is OUR ASSUMPTION. A province without a file has no dictionaries to show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adapters.sandbox.bad_seed import line_of, rows_of_csv

_COLUMNS = ("kind", "code", "label", "parent", "valid_from", "valid_until")


@dataclass(frozen=True, slots=True)
class Entry:
    """One code with its label, as long as it holds."""

    code: str
    label: str
    parent: str
    first_day: date
    last_day: date | None

    def holds_on(self, day: date) -> bool:
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


Dictionaries = Mapping[str, tuple[Entry, ...]]
"""字典类型 → its codes, in the order of the file."""


def read_dictionaries(path: Path) -> Dictionaries:
    """Empty where there is no such file. Raises BadSeed."""
    found: dict[str, list[Entry]] = {}
    for line, row in rows_of_csv(path, _COLUMNS) if path.exists() else ():
        with line_of(path, line):
            last = row["valid_until"]
            entry = Entry(
                row["code"],
                row["label"],
                row["parent"],
                date.fromisoformat(row["valid_from"]),
                date.fromisoformat(last) if last else None,
            )
            found.setdefault(row["kind"], []).append(entry)
    return {kind: tuple(entries) for kind, entries in found.items()}
