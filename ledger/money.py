"""金额: an integer number of fen, and the only arithmetic allowed on it.

Pure. Yuan exists here only as text or Decimal on its way in or out; there is no float, and every
result that is not exact needs its rounding by name. Amounts may be negative (refunds). The bound
is the national interface's numeric(16,2): less than 10^14 yuan either way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction

FEN_MAX = 10**16 - 1
"""Largest magnitude of an amount: 99999999999999.99 yuan, well inside a signed 64-bit column."""

_YUAN = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


class MoneyError(ValueError):
    """An amount that cannot be taken as it is; `reason` says which rule it breaks."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Rounding(Enum):
    """进位方式. Always named by the caller: regions differ, and so do steps of one calculation."""

    HALF_UP = "half_up"
    """四舍五入: a half goes away from zero."""
    HALF_EVEN = "half_even"
    """A half goes to the even neighbour."""
    DOWN = "down"
    """舍去: towards zero."""
    UP = "up"
    """进一: away from zero."""


def yuan_to_fen(yuan: Decimal | str) -> int:
    """Yuan as the wire carries it → fen, exactly.

    Zeros after the second decimal change nothing and pass; any other third decimal is refused.
    Raises MoneyError: NOT_A_NUMBER, THIRD_DECIMAL or OUT_OF_RANGE.
    """
    value = _decimal(yuan)
    if not value:
        return 0
    # Bounded before scaling: 1E+999999 must not become a number of a million digits.
    if value.adjusted() > 16:
        raise MoneyError("OUT_OF_RANGE", "an amount has fewer than 15 digits before the point")
    numerator, denominator = value.as_integer_ratio() if value.adjusted() > -3 else (1, 1000)
    fen, rest = divmod(numerator * 100, denominator)
    if rest:
        raise MoneyError("THIRD_DECIMAL", "an amount in yuan has at most two decimals")
    return _bounded(fen)


def fen_to_yuan(fen: int) -> str:
    """123456 → "1234.56": the wire's form, always two decimals."""
    whole, cents = divmod(abs(_whole(fen)), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def format_yuan(fen: int) -> str:
    """123456 → "1,234.56": the form for people."""
    whole, cents = divmod(abs(_whole(fen)), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{cents:02d}"


def percent(fen: int, ratio: Decimal, *, rounding: Rounding) -> int:
    """`ratio` (0.85 for 85 %) of an amount, in fen."""
    numerator, denominator = _ratio(ratio)
    return _bounded(divide(_whole(fen) * numerator, denominator, rounding=rounding))


def multiply(unit_price: Decimal, quantity: Decimal, *, rounding: Rounding) -> int:
    """单价 (yuan, up to 6 decimals) × 数量 → fen. The product is exact before it is rounded."""
    price_numerator, price_denominator = _ratio(unit_price)
    count_numerator, count_denominator = _ratio(quantity)
    product = price_numerator * count_numerator * 100
    return _bounded(divide(product, price_denominator * count_denominator, rounding=rounding))


def allocate(fen: int, weights: Sequence[int | Decimal]) -> tuple[int, ...]:
    """Split an amount in proportion to `weights`; the shares sum to it exactly.

    Largest remainder: each share is rounded towards zero, then the missing fen go one by one to the
    largest remainders, earliest first among equals. A negative amount is split as its mirror image,
    so that a refund takes back what was given. Raises MoneyError NO_WEIGHTS or NOT_A_NUMBER.
    """
    exact = [_weight(weight) for weight in weights]
    total = sum(exact, Fraction(0))
    if total <= 0:
        raise MoneyError("NO_WEIGHTS", "an amount needs at least one weight above zero")
    magnitude = abs(_whole(fen))
    ideals = [magnitude * weight / total for weight in exact]
    shares = [int(ideal) for ideal in ideals]
    missing = magnitude - sum(shares)
    # A zero weight has remainder zero, and at most n-1 fen are missing among the rest.
    order = sorted(range(len(exact)), key=lambda i: (shares[i] - ideals[i], i))
    for position in order[:missing]:
        shares[position] += 1
    return tuple(-share if fen < 0 else share for share in shares)


def divide(numerator: int, denominator: int, *, rounding: Rounding) -> int:
    """numerator / denominator as an integer, denominator above zero."""
    quotient, rest = divmod(abs(numerator), denominator)
    if rest and _goes_up(quotient, rest, denominator, rounding):
        quotient += 1
    return -quotient if numerator < 0 else quotient


def _goes_up(quotient: int, rest: int, denominator: int, rounding: Rounding) -> bool:
    if rounding is Rounding.DOWN:
        return False
    if rounding is Rounding.UP:
        return True
    if rest * 2 != denominator:
        return rest * 2 > denominator
    return rounding is Rounding.HALF_UP or quotient % 2 == 1


def _decimal(yuan: Decimal | str) -> Decimal:
    if isinstance(yuan, str):
        if not _YUAN.fullmatch(yuan):
            raise MoneyError("NOT_A_NUMBER", "an amount is written in digits, as 1234.56")
        return Decimal(yuan)
    return _finite(yuan)


def _finite(value: object) -> Decimal:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise MoneyError("NOT_A_NUMBER", "a finite decimal number is needed, never a float")
    return value


def _ratio(value: object) -> tuple[int, int]:
    value = _finite(value)
    if value and not -60 < value.adjusted() < 20:
        raise MoneyError("OUT_OF_RANGE", "a factor is outside every tariff")
    return value.as_integer_ratio()


def _weight(weight: int | Decimal) -> Fraction:
    exact = Fraction(*_ratio(weight)) if isinstance(weight, Decimal) else Fraction(_whole(weight))
    if exact < 0:
        raise MoneyError("NOT_A_NUMBER", "a weight is not negative")
    return exact


def _whole(fen: object) -> int:
    if isinstance(fen, bool) or not isinstance(fen, int):
        raise MoneyError("NOT_A_NUMBER", "an integer is needed: an amount is a whole number of fen")
    return fen


def _bounded(fen: int) -> int:
    if abs(fen) > FEN_MAX:
        raise MoneyError("OUT_OF_RANGE", "an amount has fewer than 15 digits before the point")
    return fen
