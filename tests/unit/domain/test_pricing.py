"""计价: what a bill must be, refunds, and what happens when it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gateway.domain.bill import BillLine
from gateway.domain.bill_checks import LINES_MAX
from gateway.domain.business_day import business_day
from gateway.domain.errors import InvariantViolated, Malformed, Refused
from gateway.domain.pricing import PricedBill, price
from tests.unit.domain.books import bill, catalogues, line, noon

SHANGHAI = "310118"


def priced(*lines: BillLine) -> PricedBill:
    return price(bill(*lines), catalogues().of(SHANGHAI))


def wrong(*lines: BillLine) -> set[tuple[str, str]]:
    """(field, reason) of every violation."""
    with pytest.raises(Malformed) as refused:
        priced(*lines)
    violations = refused.value.violations
    reasons = {violation.reason for violation in violations}
    # What is wrong in one way says so itself; only several ways share the general word.
    assert refused.value.code == (reasons.pop() if len(reasons) == 1 else "BILL_MALFORMED")
    assert len(violations) > 1 or refused.value.zh == violations[0].text_zh
    return {(v.field, v.reason) for v in violations}


def test_the_parts_of_all_lines_add_up_to_the_bill() -> None:
    whole = priced(
        line("SYN-XA01-0001", "12.50", "2", no="1"),
        line("SYN-XB01-0002", "150.00", "2", no="2"),
        line("SYN-XC01-0001", "88.00", no="3"),
    )
    parts = (whole.own_pay_fen, whole.over_limit_fen, whole.pre_self_pay_fen, whole.in_scope_fen)
    assert parts == (8800, 4400, 3000, 25100)
    assert whole.total_fen == 41300
    assert whole.catalogue_version.startswith("catalogue-310000-")


def test_a_full_refund_takes_back_exactly_what_was_given() -> None:
    whole = priced(
        line("SYN-XB01-0002", "150.333333", "1.5", no="1"),
        line("SYN-XB01-0002", "150.333333", "-1.5", no="2", refund_of="1"),
    )
    first, second = whole.lines
    assert second.parts == first.parts.negated()
    assert whole.totals.as_tuple() == (0, 0, 0, 0)


def test_a_refund_goes_by_its_originals_day_and_approval() -> None:
    whole = priced(
        line("SYN-XB01-0001", "10.05", no="1", day=date(2024, 12, 31)),
        line("SYN-XB01-0001", "10.05", "-1", no="2", day=date(2025, 1, 2), refund_of="1"),
        line("SYN-XB02-0001", "100.00", no="3", approved=True),
        line("SYN-XB02-0001", "100.00", "-1", no="4", refund_of="3"),
    )
    assert whole.totals.as_tuple() == (0, 0, 0, 0)


def test_a_partial_refund_is_priced_on_its_own() -> None:
    whole = priced(
        line("SYN-XB01-0001", "10.05", "3", no="1"),
        line("SYN-XB01-0001", "10.05", "-1", no="2", refund_of="1"),
    )
    assert whole.lines[1].pre_self_pay_fen == -101
    assert whole.pre_self_pay_fen == 302 - 101


def test_restricted_without_approval_says_why_it_is_own_pay() -> None:
    (one,) = priced(line("SYN-XB02-0001", "100.00")).lines
    assert one.own_pay_fen == 10000 and "限制用药" in one.note_zh


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (line("SYN-NONE-0001"), "item_code", "UNKNOWN_ITEM"),
        (line(day=date(2022, 12, 31)), "item_code", "UNKNOWN_ITEM"),
        (line(quantity="0"), "quantity", "ZERO_QUANTITY"),
        (line(quantity="-1"), "refund_of", "NEGATIVE_WITHOUT_ORIGINAL"),
        (line(price="0"), "unit_price", "PRICE_NOT_POSITIVE"),
        (line(price="-1.00"), "unit_price", "PRICE_NOT_POSITIVE"),
        (line(quantity="1.00001"), "quantity", "TOO_MANY_DECIMALS"),
        (line(price="1.0000001"), "unit_price", "TOO_MANY_DECIMALS"),
        (line(amount_fen=1001), "amount_fen", "AMOUNT_MISMATCH"),
        (line(amount_fen=10**17), "amount_fen", "OUT_OF_RANGE"),
        (line(price="99999999999", quantity="99999999999", amount_fen=1), "amount_fen",
         "OUT_OF_RANGE"),
        (line(quantity="-1", refund_of="77"), "refund_of", "ORIGINAL_NOT_FOUND"),
        (line(quantity="-1", refund_of="1"), "refund_of", "ORIGINAL_NOT_FOUND"),
        (replace(line(), quantity=Decimal("NaN")), "quantity", "OUT_OF_RANGE"),
        (replace(line(), unit_price=Decimal("Infinity")), "unit_price", "OUT_OF_RANGE"),
        (replace(line(), quantity=Decimal("1E+40")), "quantity", "OUT_OF_RANGE"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_line(bad: BillLine, field: str, reason: str) -> None:
    assert (f"bill.lines[0].{field}", reason) in wrong(bad)


def test_zeros_after_the_last_decimal_are_no_decimals() -> None:
    assert priced(line(price="1.5000000000", quantity="2.000000")).total_fen == 300


def test_every_violation_is_told_at_once() -> None:
    found = wrong(
        line("SYN-NONE-0001", no="1"),
        line(no="2", amount_fen=1),
        line(no="2"),
        line(no="4", quantity="-2", refund_of="2"),
    )
    assert found == {
        ("bill.lines[0].item_code", "UNKNOWN_ITEM"),
        ("bill.lines[1].amount_fen", "AMOUNT_MISMATCH"),
        ("bill.lines[2].line_no", "DUPLICATE_LINE"),
        ("bill.lines[3].quantity", "REFUND_EXCEEDS_ORIGINAL"),
    }


def test_a_refund_names_the_same_item_at_the_same_price() -> None:
    first = line("SYN-XA01-0001", "10.00", no="1")
    other = line("SYN-XB01-0001", "9.00", "-1", no="2", refund_of="1")
    assert wrong(first, other) == {
        ("bill.lines[1].item_code", "REFUND_ITEM_DIFFERS"),
        ("bill.lines[1].unit_price", "REFUND_PRICE_DIFFERS"),
    }


def test_a_refund_has_a_negative_quantity_and_no_refund_of_its_own() -> None:
    first = line(quantity="3", no="1")
    assert wrong(first, line(no="2", refund_of="1")) == {
        ("bill.lines[1].quantity", "REFUND_NOT_NEGATIVE")
    }
    refund = line(quantity="-1", no="2", refund_of="1")
    again = line(quantity="-1", no="3", refund_of="2")
    assert wrong(first, refund, again) == {("bill.lines[2].refund_of", "ORIGINAL_NOT_FOUND")}


def test_several_refunds_of_one_line_are_taken_together() -> None:
    first = line(quantity="3", no="1")
    refunds = [line(quantity="-2", no=str(n), refund_of="1") for n in (2, 3)]
    assert wrong(first, *refunds) == {("bill.lines[2].quantity", "REFUND_EXCEEDS_ORIGINAL")}


def test_refunding_in_steps_cannot_round_more_back_than_was_charged() -> None:
    first = line(price="0.005", quantity="2", no="1")
    steps = [line(price="0.005", quantity="-1", no=str(n), refund_of="1") for n in (2, 3)]
    assert wrong(first, *steps) == {("bill.lines", "REFUND_EXCEEDS_ORIGINAL")}


def test_an_empty_bill_and_an_endless_one_are_refused() -> None:
    assert wrong() == {("bill.lines", "EMPTY_BILL")}
    many = [line(no=str(n)) for n in range(LINES_MAX + 1)]
    assert wrong(*many) == {("bill.lines", "TOO_MANY_LINES")}


def test_lines_that_are_each_possible_can_be_too_much_together() -> None:
    dear = [line(price="99999999999", quantity="999", no=str(n)) for n in (1, 2)]
    assert wrong(*dear) == {("bill.lines", "OUT_OF_RANGE")}


def test_a_region_without_a_catalogue_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        catalogues().of("440300")
    assert refused.value.code == "NO_CATALOGUE"


def test_the_day_is_shanghais_and_a_naive_time_is_our_defect() -> None:
    late = noon(date(2025, 9, 30)).replace(hour=16)
    assert business_day(late) == date(2025, 10, 1)
    with pytest.raises(InvariantViolated):
        business_day(late.replace(tzinfo=None))
