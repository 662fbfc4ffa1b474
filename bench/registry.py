"""The benches there are, by name. What a bench needs is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Say = Callable[[str], None]
"""Told of progress, a line at a time."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench."""

    summary: str
    measure: Callable[[bool, Say], dict[str, Any]]
    """(quick, say) → the report's document, ready for JSON."""
    show: Callable[[dict[str, Any]], list[Any]]
    """The document as things that rich can print."""


def _measure_settle_path(quick: bool, say: Say) -> dict[str, Any]:
    from bench.settle_path import QUICK, WHOLE, measure

    return measure(QUICK if quick else WHOLE, say)


def _show_settle_path(report: dict[str, Any]) -> list[Any]:
    from bench.show_settle_path import show

    return show(report)


BENCHES = {
    "settle-path": Bench(
        "one settlement, stage by stage, alone and among 32 and 128 callers",
        _measure_settle_path,
        _show_settle_path,
    ),
}
