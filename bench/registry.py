"""The benches there are, by name. What a bench needs is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Say = Callable[[str], None]
"""Told of progress, a line at a time."""


class Form(StrEnum):
    """How long a bench takes."""

    QUICK = "quick"
    PLAIN = "plain"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench."""

    summary: str
    measure: Callable[[Form, Say], dict[str, Any]]
    """(form, say) → the report's document, ready for JSON."""
    show: Callable[[dict[str, Any]], list[Any]]
    """The document as things that rich can print."""


def _measure_settle_path(form: Form, say: Say) -> dict[str, Any]:
    from bench.settle_path import QUICK, WHOLE, measure

    return measure(QUICK if form is Form.QUICK else WHOLE, say)


def _show_settle_path(report: dict[str, Any]) -> list[Any]:
    from bench.show_settle_path import show

    return show(report)


def _measure_ledger(form: Form, say: Say) -> dict[str, Any]:
    from bench.ledger import measure
    from bench.ledger_plan import FULL, PLAIN, QUICK

    return measure({Form.QUICK: QUICK, Form.PLAIN: PLAIN, Form.FULL: FULL}[form], say)


def _show_ledger(report: dict[str, Any]) -> list[Any]:
    from bench.show_ledger import show

    return show(report)


def _measure_adapters(form: Form, say: Say) -> dict[str, Any]:
    from bench.adapters import measure
    from bench.adapters_plan import FULL, PLAIN, QUICK

    return measure({Form.QUICK: QUICK, Form.PLAIN: PLAIN, Form.FULL: FULL}[form], say)


def _show_adapters(report: dict[str, Any]) -> list[Any]:
    from bench.show_adapters import show

    return show(report)


BENCHES = {
    "adapters": Bench(
        "what a region call costs us, and what a slow region costs another one",
        _measure_adapters,
        _show_adapters,
    ),
    "ledger": Bench(
        "durable appends beside pgbench and single rows; receipts, tiles, verify",
        _measure_ledger,
        _show_ledger,
    ),
    "settle-path": Bench(
        "one settlement, stage by stage, alone and among 32 and 128 callers",
        _measure_settle_path,
        _show_settle_path,
    ),
}
