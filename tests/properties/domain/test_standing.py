"""Whatever a statement holds: a claim is judged by the rows about it, in any order, or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import Standing
from gateway.journeys.standing import RowsByKey, standing
from gateway.ports import StatementResult, StatementRow
from tests.unit.journeys.test_standing import OTHERS, PIVOT, UNDO, cancelled, lost

amounts = st.one_of(st.none(), st.sampled_from([0, 1, 3501]))
rows = st.lists(
    st.builds(
        lambda msgid, number, refund, fen, result: StatementRow(
            msgid, number, "", "33040000000000000001", "1", refund, "",
            None if fen is None else (-fen if refund else fen), None, None, result,
        ),
        st.sampled_from([PIVOT, UNDO, OTHERS, "", "7"]),
        st.sampled_from(["", "S1", "S2"]),
        st.booleans(),
        amounts,
        st.sampled_from([None, *StatementResult]),
    ),
    max_size=5,
)  # fmt: skip


@given(rows)
def test_the_order_of_the_rows_and_those_of_others_change_nothing(
    statement: list[StatementRow],
) -> None:
    for claim in (lost(), lost(ClaimState.REVIEW), cancelled()):
        says, about = standing(claim, statement)
        assert standing(claim, statement[::-1])[0] is says
        assert standing(claim, about)[0] is says


@given(rows)
def test_the_rows_found_by_key_say_what_the_whole_statement_says(
    statement: list[StatementRow],
) -> None:
    by_key = RowsByKey(statement)
    for claim in (lost(), lost(ClaimState.REVIEW), cancelled()):
        assert standing(claim, by_key.near(claim)) == standing(claim, statement)


@given(rows)
def test_a_settlement_is_absent_only_where_no_row_is_about_it(
    statement: list[StatementRow],
) -> None:
    says, about = standing(lost(), statement)
    assert (says is Standing.ABSENT) == (not about)


@given(rows)
def test_what_ends_a_claim_is_never_more_than_one_settlement_and_one_refund(
    statement: list[StatementRow],
) -> None:
    says, about = standing(lost(), statement)
    if says is Standing.TAKEN_BACK:
        assert sorted(row.refund for row in about) == [False, True]
    if says is Standing.EFFECTIVE:
        (row,) = about
        assert not row.refund
    if says is not Standing.AMBIGUOUS:
        assert all(row.result is not None for row in about)


@given(rows)
def test_a_lost_cancellation_is_never_called_absent(statement: list[StatementRow]) -> None:
    assert standing(cancelled(), statement)[0] is not Standing.ABSENT
