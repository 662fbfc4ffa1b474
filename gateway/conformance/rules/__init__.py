"""检验规则清单: every rule there is, in the order of the report. One file a group."""

from __future__ import annotations

from gateway.conformance.rule import Rule
from gateway.conformance.rules import gate, plain, repeats, reversals, shapes, statements, way

ALL: tuple[Rule, ...] = (
    *gate.RULES,
    *plain.RULES,
    *way.RULES,
    *shapes.RULES,
    *repeats.RULES,
    *reversals.RULES,
    *statements.RULES,
)

__all__ = ["ALL"]
