"""Which days of the centre, and which of its groups, can decide a claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.bill import VisitKind
from gateway.domain.business_day import SHANGHAI
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, PlannedMessage
from gateway.domain.errors import InvariantViolated
from gateway.domain.msgid import compose, sent_at
from gateway.journeys.our_statement import groups_named, our_statement
from gateway.journeys.statement_span import Span, StatementRules, question, span
from tests.unit.rpc.samples import claim as sample

RULES = StatementRules(skew=timedelta(minutes=10), grace=timedelta(minutes=30))
HOSPITAL = "H00310000001"


def at(text: str) -> datetime:
    """A time of Shanghai, as we keep times."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def lost(sent: str, *undone: str, state: ClaimState = ClaimState.REVERSAL_SENT) -> ClaimRecord:
    """A claim whose settle call was made at `sent`, and taken back at each of `undone`."""
    pivot = compose(HOSPITAL, at(sent), 3)
    later = [compose(HOSPITAL, at(time), number) for number, time in enumerate(undone, start=4)]
    return replace(
        sample(state),
        pivot_msgid=pivot,
        messages=(
            PlannedMessage(pivot, "2207", "330421"),
            *(PlannedMessage(msgid, "2601", "330421") for msgid in later),
        ),
        created_at=at(sent),
        updated_at=at(undone[-1] if undone else sent),
        attempt_deadline=at(sent) + timedelta(seconds=25),
        region_settlement_id="",
        region_settled_at=None,
    )


@pytest.mark.parametrize(
    ("times", "first", "last"),
    [
        (["2026-11-24T12:00:00"], 24, 24),
        (["2026-11-24T12:00:00", "2026-11-24T12:01:00"], 24, 24),
        (["2026-11-24T23:15:00"], 24, 24),
        (["2026-11-24T23:25:00"], 24, 25),
        (["2026-11-25T00:05:00"], 24, 25),
        (["2026-11-25T00:15:00"], 25, 25),
        (["2026-11-24T12:00:00", "2026-11-26T09:00:00"], 24, 26),
    ],
)
def test_every_day_on_which_a_message_may_have_taken_effect_is_asked_about(
    times: list[str], first: int, last: int
) -> None:
    assert span(lost(*times), RULES) == Span(date(2026, 11, first), date(2026, 11, last))


def test_a_lost_cancellation_is_asked_about_on_its_own_days_only() -> None:
    claim = lost("2026-11-20T12:00:00", "2026-11-24T12:00:00", state=ClaimState.REVERSAL_UNKNOWN)
    claim = replace(claim, attempt_deadline=at("2026-11-24T12:00:20"))
    assert span(claim, RULES) == Span(date(2026, 11, 24), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("told", "first", "last"),
    [
        ("2026-11-24T11:00:00", 24, 24),
        ("2026-11-23T22:00:00", 23, 24),
        ("2026-11-25T01:00:00", 24, 25),
        ("2020-01-01T00:00:00", 24, 24),
    ],
)
def test_the_day_that_the_region_itself_has_named_is_asked_about(
    told: str, first: int, last: int
) -> None:
    days = Span(date(2026, 11, first), date(2026, 11, last))
    review = lost("2026-11-24T12:00:00", state=ClaimState.REVIEW)
    assert span(replace(review, region_settled_at=at(told)), RULES) == days
    cancelled = lost(
        "2026-11-20T12:00:00", "2026-11-24T12:00:00", state=ClaimState.REVERSAL_UNKNOWN
    )
    cancelled = replace(cancelled, region_settled_at=at("2026-11-20T12:00:00"))
    assert span(replace(cancelled, reversal_settled_at=at(told)), RULES) == days


def test_a_day_is_asked_about_at_the_hour_of_the_next_one() -> None:
    days = Span(date(2026, 11, 24), date(2026, 11, 25))
    assert days.closes(4) == datetime(2026, 11, 26, 4, tzinfo=SHANGHAI)


def test_whoever_was_never_answered_may_be_in_any_group_of_its_kind() -> None:
    rules = replace(RULES, clearing_offices={"330400": ("330499",)})
    unanswered = lost("2026-11-24T12:00:00")
    assert question(unanswered, rules).keys == (("11", "330400"), ("11", "330499"))
    stay = replace(unanswered, visit_kind=VisitKind.INPATIENT)
    assert question(stay, rules).keys == (("21", "330400"), ("21", "330499"))


def test_whoever_was_answered_is_in_the_group_of_its_answer() -> None:
    answered = replace(
        lost("2026-11-24T12:00:00"), clearing_type_code="9902", clearing_office="330401"
    )
    assert question(answered, RULES).keys == (("9902", "330401"),)


def test_claims_of_one_day_share_one_question() -> None:
    one, other = lost("2026-11-24T12:00:00"), lost("2026-11-24T15:00:00", "2026-11-24T15:01:00")
    assert question(one, RULES) == question(other, RULES)
    late = lost("2026-11-24T23:50:00")
    assert question(one, RULES) != question(late, RULES)


def test_a_claim_that_was_never_put_off_is_due_when_its_day_is_over() -> None:
    claim = lost("2026-11-24T23:50:00")
    assert claim.reconcile_due == datetime(2026, 11, 25, tzinfo=SHANGHAI)
    assert replace(claim, state=ClaimState.SETTLED).reconcile_due is None


def test_a_msgid_tells_when_it_was_made_and_a_strangers_is_refused() -> None:
    made = at("2026-11-24T12:34:56")
    assert sent_at(compose(HOSPITAL, made, 7)) == made
    with pytest.raises(InvariantViolated):
        sent_at("231228092744-H00000000000-6162")


def test_pauses_between_vain_attempts_double_and_end_at_a_day() -> None:
    pauses = [RULES.pause(attempts).total_seconds() / 60 for attempts in range(1, 12)]
    assert pauses[:4] == [10, 20, 40, 60]
    assert pauses[-2:] == [1440, 1440]


def settled(number: str, when: str, **changes: object) -> ClaimRecord:
    """A settled claim dated by the centre."""
    claim = replace(
        sample(), region_settlement_id=number, region_settled_at=at(when), created_at=at(when),
        clearing_type_code="11", clearing_office="330400",
    )  # fmt: skip
    return replace(claim, **changes)  # type: ignore[arg-type]  # fields of a claim by name


def test_our_rows_are_those_of_the_centres_days_and_a_reversal_has_two() -> None:
    asked = question(lost("2026-11-24T12:00:00"), RULES)
    day, before = "2026-11-24T10:00:00", "2026-11-23T10:00:00"
    reversed_ = {"state": ClaimState.REVERSED, "reversal_settlement_id": "S3C"}
    claims = [
        settled("S1", day),
        settled("S2", before),
        settled("S3", before, reversal_settled_at=at(day), **reversed_),
        settled("S4", day, clearing_type_code="21"),
        settled("S5", day, clearing_office="330499"),
        settled("S6", day, insured_region="320509"),
        settled("S7", day, state=ClaimState.REVIEW),
    ]
    ours = our_statement(claims, asked, ("11", "330400"), RULES)
    rows = [(row.settlement_id, row.total_fen) for row in ours.rows]
    assert rows == [("S1", 3501), ("S3C", -3501)]
    totals = ours.totals(None)
    assert (totals.total_fen, totals.fund_fen, totals.account_fen, totals.count) == (0, 0, 0, 2)
    assert ours.undated == 0
    assert totals.key.scheme_code == ""
    alone = our_statement(claims, asked, ("11", "330400"), replace(RULES, refunds_count=False))
    assert alone.totals(sample().scheme).count == 1


def test_a_group_that_only_the_regions_answers_name_is_asked_about_too() -> None:
    unanswered, day = lost("2026-11-24T12:00:00"), "2026-11-24T10:00:00"
    asked = question(unanswered, RULES)
    claims = [
        settled("S1", day),
        settled("S2", day, clearing_office="330401"),
        settled("S3", day, clearing_office="330402", visit_kind=VisitKind.INPATIENT),
        settled("S4", day, clearing_office=""),
        settled("S5", day, clearing_office="330403", insured_region="320509"),
        settled("S6", day, clearing_office="330404", institution_code="H00310000002"),
    ]
    assert groups_named(claims, asked, [unanswered]) == (("11", "330401"),)
    answered = replace(unanswered, clearing_type_code="11", clearing_office="330400")
    assert groups_named(claims, asked, [answered]) == ()


def test_a_settlement_without_the_centres_time_is_placed_by_ours_and_counted() -> None:
    asked = question(lost("2026-11-24T12:00:00"), RULES)
    claim = settled("S1", "2026-11-24T10:00:00", region_settled_at=None)
    ours = our_statement([claim], asked, ("11", "330400"), RULES)
    assert (len(ours.rows), ours.undated) == (1, 1)
