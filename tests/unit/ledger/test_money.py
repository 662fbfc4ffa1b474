"""What money refuses; what it computes is in tests/golden/ledger/money.json."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.money import MoneyError, Rounding, allocate, multiply, percent, yuan_to_fen


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_amount(text: str) -> None:
    with pytest.raises(MoneyError) as refused:
        yuan_to_fen(Decimal(text))
    assert refused.value.reason == "NOT_A_NUMBER"


@pytest.mark.parametrize(
    ("text", "reason"), [("1E+999999", "OUT_OF_RANGE"), ("1E-999999", "THIRD_DECIMAL")]
)
def test_a_huge_exponent_costs_nothing(text: str, reason: str) -> None:
    with pytest.raises(MoneyError) as refused:
        yuan_to_fen(Decimal(text))
    assert refused.value.reason == reason


def test_zero_is_zero_whatever_its_exponent() -> None:
    assert yuan_to_fen(Decimal("0E-400")) == 0
    assert yuan_to_fen(Decimal("0E+400")) == 0


def test_a_product_beyond_every_bill_is_refused() -> None:
    with pytest.raises(MoneyError) as refused:
        multiply(Decimal(10**10), Decimal(10**10), rounding=Rounding.HALF_UP)
    assert refused.value.reason == "OUT_OF_RANGE"


def test_a_factor_of_absurd_size_is_refused() -> None:
    with pytest.raises(MoneyError) as refused:
        percent(1, Decimal("1E+500"), rounding=Rounding.DOWN)
    assert refused.value.reason == "OUT_OF_RANGE"


@pytest.mark.parametrize("weights", [[], [0, 0]])
def test_an_amount_is_not_split_among_nobody(weights: list[int]) -> None:
    with pytest.raises(MoneyError) as refused:
        allocate(100, weights)
    assert refused.value.reason == "NO_WEIGHTS"


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(MoneyError):
        allocate(100, [2, -1])
