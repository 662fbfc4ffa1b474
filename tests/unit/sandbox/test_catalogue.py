"""How the visited region's catalogue splits one line (I6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from adapters.sandbox.catalogue import Catalogue, Item, Split


def item(grade: str, ratio: str, limit: str = "", *, restricted: bool = False) -> Item:
    price_limit = Decimal(limit) if limit else None
    return Item(grade, grade, Decimal(ratio), price_limit, restricted, date.min, date.max)


BEFORE, AFTER = Catalogue([], after_limit=False), Catalogue([], after_limit=True)

CASES = [
    (item("a", "0"), "4.52", "1", "0", Split(452, 0, 0, 0)),
    (item("b", "0.05"), "4.52", "1", "0", Split(452, 0, 0, 23)),
    (item("c", "1"), "4.52", "1", "0", Split(452, 452, 0, 0)),
    (item("b", "0.10", "100"), "120", "3", "0", Split(36000, 0, 6000, 3600)),
    (item("b", "0.10", restricted=True), "10", "1", "1", Split(1000, 0, 0, 100)),
    (item("b", "0.10", restricted=True), "10", "1", "0", Split(1000, 1000, 0, 0)),
    (item("b", "0.10"), "10", "1", "2", Split(1000, 1000, 0, 0)),
    (item("a", "0"), "0.333333", "3.5", "0", Split(117, 0, 0, 0)),
]


@pytest.mark.parametrize(("entry", "price", "count", "approval", "expected"), CASES)
def test_a_line_splits_into_four_parts_that_sum(
    entry: Item, price: str, count: str, approval: str, expected: Split
) -> None:
    split = BEFORE.split(entry, Decimal(price), Decimal(count), approval)
    assert split == expected
    parts = split.own_fen + split.over_fen + split.preself_fen + split.inscp_fen
    assert parts == split.total_fen


@pytest.mark.parametrize(("entry", "price", "count", "approval", "expected"), CASES)
def test_a_refund_is_the_exact_negative(
    entry: Item, price: str, count: str, approval: str, expected: Split
) -> None:
    split = BEFORE.split(entry, Decimal(price), -Decimal(count), approval)
    assert split == Split(
        -expected.total_fen, -expected.own_fen, -expected.over_fen, -expected.preself_fen
    )


def test_the_other_reading_takes_pre_self_pay_after_the_limit() -> None:
    split = AFTER.split(item("b", "0.10", "100"), Decimal(120), Decimal(3), "0")
    assert split == Split(36000, 0, 6000, 3000)
