"""金额: yuan on the wire ↔ integer fen, exact or not at all.

On the wire `null`, "" and 0 are three values, and 0 may mean "not given" (general rule 1 of the
interface). Nothing here fills in a 0: an absent amount comes out as Absent, and the reader of one
transaction decides what that means. A third decimal raises BrokenAnswer; no rounding anywhere.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.wire import Json, Node

# Length 16,2: 16 digits of which 2 are decimals. ASCII digits only: Decimal() would take others.
_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,8})?", re.ASCII)
_LARGEST_FEN = 10**16


class Absent(StrEnum):
    """How an amount was not given."""

    MISSING = "missing"
    NULL = "null"
    EMPTY = "empty"


def read_fen(node: Node, name: str, path: str) -> int | Absent:
    """The amount `name` of `node` in fen, as a number or a string, or how it is absent."""
    if name not in node:
        return Absent.MISSING
    value = node[name]
    if value is None:
        return Absent.NULL
    if value == "":
        return Absent.EMPTY
    return fen(value, f"{path}.{name}")


def fen(value: Json, path: str) -> int:
    """Yuan as a JSON number or a decimal string → fen. Raises BrokenAnswer unless exact."""
    if isinstance(value, str):
        if not _AMOUNT.fullmatch(value):
            raise BrokenAnswer(path, "not an amount")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BrokenAnswer(path, "not an amount")
    # as_integer_ratio is exact whatever the decimal context says; the size is checked first,
    # because 1e999999 is a valid JSON number.
    if isinstance(value, Decimal) and (not value.is_finite() or value.adjusted() > 15):
        raise BrokenAnswer(path, "larger than any amount")
    if isinstance(value, Decimal) and value.adjusted() < -15:
        raise BrokenAnswer(path, "more than two decimals")
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 100, denominator)
    if rest:
        raise BrokenAnswer(path, "more than two decimals")
    if abs(whole) >= _LARGEST_FEN:
        raise BrokenAnswer(path, "larger than any amount")
    return whole


def yuan(amount_fen: int) -> Decimal:
    """Fen → yuan with exactly two decimals, as the wire writes it (12.30)."""
    return Decimal(amount_fen).scaleb(-2)
