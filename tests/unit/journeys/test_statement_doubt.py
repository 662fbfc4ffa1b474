"""A statement that cannot be the whole truth about its group ends no claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.claim_record import ClaimRecord
from gateway.journeys.our_statement import our_statement
from gateway.journeys.statement_doubt import doubt
from gateway.journeys.statement_span import question
from gateway.ports import StatementResult, StatementRow, StatementVerdict
from tests.unit.journeys.test_standing import BALANCED, DIFFER, OTHERS, OURS, PIVOT, row
from tests.unit.journeys.test_statement_span import RULES, lost, settled

DAY = "2026-11-24T10:00:00"
CLAIM = lost("2026-11-24T12:00:00")
TWO = [settled("S1", DAY), settled("S2", DAY)]


def says(claims: list[ClaimRecord], rows: list[StatementRow], *, more: bool = False) -> str:
    ours = our_statement(claims, question(CLAIM, RULES), ("11", "330400"), RULES)
    return doubt(ours, (*claims, CLAIM), rows, more=more)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(PIVOT), row(OTHERS)],
        [row("", number="S1", result=OURS)],
        [row("", number="S1", result=OURS), row("", number="S2", result=BALANCED)],
        [row("", number="S1", result=DIFFER), row("", number="S2", result=DIFFER)],
        [row(OTHERS, number="another house's")],
    ],
)
def test_differences_are_no_reason_to_doubt(rows: list[StatementRow]) -> None:
    assert says(TWO, rows) == ""


def test_where_the_centre_has_more_its_detail_says_what() -> None:
    equal = row("", number="S1", result=BALANCED)
    for rows in ([], [equal]):
        assert says(TWO, rows, more=True) == "no_difference_told"
        assert says(TWO, [*rows, row(PIVOT)], more=True) == ""
        assert says(TWO, rows) == ""


@pytest.mark.parametrize("number", ["S9", ""])
def test_a_row_of_the_centres_without_a_msgid_may_be_any_message_of_ours(number: str) -> None:
    assert says(TWO, [row(PIVOT), row("", number=number)]) == "row_without_msgid"


def test_an_id_that_a_claim_in_review_holds_is_a_key_too() -> None:
    held = replace(TWO[0], region_settlement_id="S9", clearing_office="330499")
    assert says([*TWO, held], [row("", number="S9")]) == ""


def test_a_statement_without_any_of_ours_is_not_of_this_group_or_not_ready() -> None:
    none = [row("", number="S1", result=OURS), row("", number="S2", result=OURS)]
    assert says(TWO, none) == "none_of_ours"
    assert says(TWO, [*none, row(PIVOT)]) == "none_of_ours"


@pytest.mark.parametrize(
    "guessed",
    [{"region_settled_at": None}, {"clearing_office": ""}, {"clearing_type_code": ""}],
)
def test_what_we_have_placed_there_ourselves_proves_nothing(guessed: dict[str, object]) -> None:
    claims = [settled("S1", DAY, **guessed)]
    assert says(claims, [row("", number="S1", result=OURS)]) == ""


@pytest.mark.parametrize(
    ("result", "more"),
    [
        (StatementResult.BALANCED, False), (StatementResult.OURS_MORE, False),
        (StatementResult.CENTRE_MORE, True), (StatementResult.DIFFER, True), (None, True),
    ],
)  # fmt: skip
def test_only_who_says_so_has_no_more_than_we(result: StatementResult | None, more: bool) -> None:
    verdict = StatementVerdict(result is StatementResult.BALANCED, "1", "", result)
    assert verdict.centre_may_have_more is more
