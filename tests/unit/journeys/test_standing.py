"""What a statement's rows say of one claim: read out, never guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.breakdown import Breakdown, Fund
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, PlannedMessage, Standing
from gateway.journeys.standing import digest, standing, undo_msgids
from gateway.ports import StatementResult, StatementRow
from tests.unit.rpc.samples import NOW
from tests.unit.rpc.samples import claim as sample

PIVOT, UNDO, OTHERS = (
    "H00310000001202611241015000003", "H00310000001202611241016000004",
    "H00310000001202611241017000005",
)  # fmt: skip
MORE, OURS, BALANCED, DIFFER = (
    StatementResult.CENTRE_MORE, StatementResult.OURS_MORE, StatementResult.BALANCED,
    StatementResult.DIFFER,
)  # fmt: skip
E, A, T, X = Standing.EFFECTIVE, Standing.ABSENT, Standing.TAKEN_BACK, Standing.AMBIGUOUS


def lost(state: ClaimState = ClaimState.REVERSAL_SENT) -> ClaimRecord:
    """A claim whose settlement was lost and that was taken back by one 2601."""
    return replace(
        sample(state),
        pivot_msgid=PIVOT,
        pivot_transaction="2207",
        region_settlement_id="",
        messages=(
            PlannedMessage("H00310000001202611241015000001", "2201", "330421"),
            PlannedMessage(PIVOT, "2207", "330421"),
            PlannedMessage(UNDO, "2601", "330421"),
        ),
    )


def cancelled() -> ClaimRecord:
    """A settled claim whose cancellation was lost."""
    return replace(
        lost(ClaimState.REVERSAL_UNKNOWN),
        region_settlement_id="S1",
        region_settled_at=NOW,
        clearing_type_code="11",
        clearing_office="330400",
        settled=Breakdown(
            total_fen=3501, own_pay_fen=0, over_limit_fen=0, pre_self_pay_fen=100,
            in_scope_fen=3401, deductible_fen=0, funds=((Fund.POOLED, 2000),), account_fen=500,
            family_account_fen=0, cash_fen=1001,
        ),
    )  # fmt: skip


def row(
    msgid: str, total: int | None = 3501, result: StatementResult | None = MORE, number: str = ""
) -> StatementRow:
    """A row of the result file; a negative total is a refund."""
    sign = -1 if total is not None and total < 0 else 1
    given = total is not None
    return StatementRow(
        msgid, number, "", "33040000000000000001", "1", sign < 0, "", total,
        2000 * sign if given else None, 500 * sign if given else None, result,
    )  # fmt: skip


def silent(msgid: str, *, refund: bool) -> StatementRow:
    """Of a region that gives no amounts."""
    return replace(row(msgid, None), refund=refund)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], A),
        ([row(OTHERS)], A),
        ([row(PIVOT)], E),
        ([silent(PIVOT, refund=False)], E),
        ([row(PIVOT), row(OTHERS, -3501)], E),
        ([row(PIVOT), row(UNDO, -3501)], T),
        ([silent(PIVOT, refund=False), silent(UNDO, refund=True)], T),
        ([row(PIVOT), replace(row(PIVOT, -3501))], T),
        ([row(PIVOT), row(UNDO, -3500)], X),
        ([row(PIVOT), row(PIVOT)], X),
        ([row(PIVOT), row(UNDO, -3501), row(UNDO, -3501)], X),
        ([row(UNDO, -3501)], X),
        ([row(PIVOT, result=DIFFER)], E),
        ([row(PIVOT, result=OURS)], X),
        ([row(PIVOT, result=None)], X),
        ([replace(row(PIVOT), person_no="33040000000000000002")], X),
    ],
)  # fmt: skip
def test_a_settlement_stands_as_the_rows_under_its_msgids_say(
    rows: list[StatementRow], says: Standing
) -> None:
    for state in (ClaimState.UNKNOWN, ClaimState.REVERSAL_SENT, ClaimState.REVIEW):
        # A verified yes does not vanish by itself.
        said = X if (says, state) == (A, ClaimState.REVIEW) else says
        assert standing(lost(state), rows)[0] is said
        assert standing(lost(state), rows[::-1])[0] is said


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], E),
        ([row(PIVOT, result=BALANCED, number="S1")], E),
        ([row(UNDO, -3501)], T),
        ([row("", -3501, number="S1")], T),
        ([silent(UNDO, refund=True)], T),
        ([row(UNDO, -3500)], X),
        ([row(UNDO, -3501), row("", -3501, number="S1")], X),
        ([row("", result=OURS, number="S1")], X),
        ([row(PIVOT, result=DIFFER, number="S1")], X),
        ([row(UNDO, -3501, result=DIFFER)], T),
        ([row(UNDO, -3501, result=None)], X),
        ([row(UNDO, -3501, result=OURS)], X),
    ],
)
def test_a_lost_cancellation_is_decided_by_its_own_negative_row(
    rows: list[StatementRow], says: Standing
) -> None:
    assert standing(cancelled(), rows)[0] is says


@pytest.mark.parametrize(
    "guessed",
    [{"region_settled_at": None}, {"clearing_type_code": ""}, {"clearing_office": ""}],
)
def test_a_settlement_that_we_have_placed_ourselves_may_lie_elsewhere(
    guessed: dict[str, Any],
) -> None:
    claim, lacking = replace(cancelled(), **guessed), row("", result=OURS, number="S1")
    assert standing(claim, [lacking])[0] is E
    assert standing(claim, [lacking, row(UNDO, -3501)])[0] is T
    assert standing(claim, [row(UNDO, -3501, result=OURS)])[0] is X


def test_only_messages_after_the_pivot_can_have_taken_it_back() -> None:
    assert undo_msgids(lost()) == {UNDO}


def test_the_digest_is_of_the_rows_about_the_claim_and_of_nothing_else() -> None:
    _, alone = standing(lost(), [row(PIVOT)])
    _, among = standing(lost(), [row(OTHERS), row(PIVOT), row(OTHERS, -3501)])
    assert digest(alone) == digest(among)
    assert digest(alone) != digest(())
