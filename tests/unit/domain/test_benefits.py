"""待遇计算: filing, accounts, settings, refusals, and the working that is shown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from gateway.domain.benefits import Accumulators, BenefitCase, compute, reverse
from gateway.domain.bill import HospitalLevel, VisitKind
from gateway.domain.breakdown import Fund
from gateway.domain.errors import InvariantViolated, Refused
from gateway.domain.person_category import PersonCategory
from gateway.domain.pricing import Totals
from gateway.domain.visit import Filing
from tests.unit.domain.books import DAY, book, case, with_settings

INPATIENT, EMERGENCY = VisitKind.INPATIENT, VisitKind.EMERGENCY


def labels(given: BenefitCase) -> str:
    return "\n".join(step.label_zh for step in compute(given, book()).breakdown.working)


@pytest.mark.parametrize(
    ("insured", "visited", "kind", "filing", "ratio"),
    [
        ("320500", "320509", VisitKind.OUTPATIENT, Filing.TEMPORARY, "0.60"),
        ("320500", "310118", VisitKind.OUTPATIENT, Filing.UNSPECIFIED, "0.40"),
        ("320500", "310118", VisitKind.OUTPATIENT, Filing.TEMPORARY, "0.40"),
        ("320500", "310118", VisitKind.OUTPATIENT, Filing.TRANSFER, "0.50"),
        ("320500", "310118", VisitKind.OUTPATIENT, Filing.LONG_TERM, "0.60"),
        ("320500", "310118", EMERGENCY, Filing.TEMPORARY, "0.50"),
        ("320500", "310118", EMERGENCY, Filing.LONG_TERM, "0.60"),
        ("320509", "330421", VisitKind.OUTPATIENT, Filing.TEMPORARY, "0.60"),
        ("320509", "310118", EMERGENCY, Filing.UNSPECIFIED, "0.60"),
        ("320509", "310104", VisitKind.OUTPATIENT, Filing.TEMPORARY, "0.40"),
    ],
)
def test_the_drop_follows_place_filing_and_emergency(
    insured: str, visited: str, kind: VisitKind, filing: Filing, ratio: str
) -> None:
    given = case(100_000, insured=insured, visited=visited, kind=kind, filing=filing)
    assert compute(given, book()).ratio == Decimal(ratio)


def test_the_demonstration_zones_waiver_has_a_first_day() -> None:
    def on(day: date) -> Decimal:
        return compute(case(100_000, insured="320509", visited="310118", day=day), book()).ratio

    assert (on(date(2024, 4, 30)), on(date(2024, 5, 1))) == (Decimal("0.40"), Decimal("0.60"))


def test_the_account_pays_an_outpatients_part_up_to_its_balance() -> None:
    used = Accumulators(account_balance_fen=30_000)
    got = compute(case(80_000, used=used), book()).breakdown
    assert (got.account_fen, got.cash_fen, got.patient_fen) == (30_000, 29_000, 59_000)


def test_the_account_pays_own_pay_too_and_never_more_than_is_due() -> None:
    used = Accumulators(account_balance_fen=10_000_000)
    totals = Totals(own_pay_fen=1_000, over_limit_fen=200, pre_self_pay_fen=30, in_scope_fen=80_000)
    got = compute(case(0, totals=totals, used=used), book()).breakdown
    assert (got.total_fen, got.account_fen, got.cash_fen) == (81_230, 60_230, 0)


@pytest.mark.parametrize(("said", "account"), [(None, 0), (False, 0), (True, 30_000)])
def test_a_stay_uses_the_account_only_when_asked(said: bool | None, account: int) -> None:
    used = Accumulators(account_balance_fen=30_000)
    given = case(4_150_000, kind=INPATIENT, used=used, use_account=said)
    assert compute(given, book()).breakdown.account_fen == account


def test_the_stay_number_follows_from_the_accumulators() -> None:
    used = Accumulators(stays_so_far=1)
    got = compute(case(2_000_000, insured="320500", kind=INPATIENT, used=used), book())
    assert got.breakdown.deductible_fen == 40_000
    assert got.accumulators_after.stays_so_far == 2


def test_accumulators_after_a_visit_and_its_reversal_are_what_they_were() -> None:
    used = Accumulators(pooled_paid_fen=34_990_000, account_balance_fen=5_000, stays_so_far=2)
    given = case(120_000, insured="320500", kind=INPATIENT, used=used, use_account=True)
    got = compute(given, book())
    after = got.accumulators_after
    assert (after.pooled_paid_fen, after.large_sum_paid_fen) == (35_000_000, 76_000)
    assert after.after(reverse(got), given.query.visit) == used


def test_a_reversal_is_the_exact_negative_with_its_working() -> None:
    got = compute(case(80_000), book())
    back = reverse(got)
    assert back == got.breakdown.negated()
    assert [-s.amount_fen for s in back.working] == [s.amount_fen for s in got.breakdown.working]


def test_an_outpatient_limit_that_counts_expense() -> None:
    used = Accumulators(outpatient_deductible_used_fen=60_000, outpatient_in_scope_fen=1_290_000)
    given = case(100_000, insured="320500", level=HospitalLevel.SECONDARY, used=used)
    expense = with_settings("320500", outpatient_limit_measure="expense")
    assert compute(given, expense).breakdown.fund_total_fen == 7_500
    assert compute(given, book()).breakdown.fund_total_fen == 75_000


def test_a_layer_that_takes_the_expense_above_the_cap() -> None:
    used = Accumulators(inpatient_deductible_used_fen=150_000, pooled_paid_fen=64_950_000)
    given = case(1_000_000, kind=INPATIENT, used=used, stay_no=2)
    expense = with_settings("310000", over_cap_base="expense_over_cap")
    # pooled 500.00 stands for 588.24 of expense; 9,411.76 × 80 %
    assert compute(given, expense).breakdown.fund_fen(Fund.EMPLOYEE_LARGE_SUM) == 752_941
    assert compute(given, book()).breakdown.fund_fen(Fund.EMPLOYEE_LARGE_SUM) == 640_000


def test_a_setting_switches_between_the_readings_of_a_stays_deductible() -> None:
    used = Accumulators(inpatient_deductible_used_fen=150_000, stays_so_far=1)
    given = case(1_000_000, kind=INPATIENT, used=used)
    per_stay = with_settings("310000", employee_inpatient_deductible="per_stay")
    assert compute(given, book()).breakdown.deductible_fen == 0
    assert compute(given, per_stay).breakdown.deductible_fen == 150_000


def test_a_question_without_an_answer_is_refused_naming_region_scheme_and_day() -> None:
    given = case(
        1_000_000, insured="330400", person=PersonCategory.RETIRED, kind=INPATIENT, day=DAY
    )
    with pytest.raises(Refused) as refused:
        compute(given, book())
    assert refused.value.code == "NO_RULE"
    assert refused.value.metadata["region"] == "330400"
    assert "嘉兴市" in refused.value.zh and "2025-09-30" in refused.value.zh
    assert "职工 退休 住院" in refused.value.zh
    bonus = with_settings("330400", retired_inpatient_bonus="3")
    assert compute(given, bonus).ratio == Decimal("0.89")


@pytest.mark.parametrize(("insured", "day"), [("440300", DAY), ("310000", date(2022, 12, 31))])
def test_no_policy_and_no_policy_yet_are_refused(insured: str, day: date) -> None:
    with pytest.raises(Refused) as refused:
        compute(case(1_000, insured=insured, day=day), book())
    assert refused.value.code == "NO_RULE"


def test_an_unknown_cap_is_said_and_not_guessed() -> None:
    assert "封顶线未查明" in labels(case(200_000, day=date(2023, 7, 1)))


def test_a_layer_whose_bands_are_unknown_is_said_when_it_may_be_due() -> None:
    senior = PersonCategory.SENIOR
    shown = labels(case(10_000_000, insured="330400", person=senior, kind=INPATIENT))
    assert "居民大病保险(可能涉及,分档未查明,未计算)" in shown
    assert "大病" not in labels(case(1_500_000, insured="330400", person=senior, kind=INPATIENT))


def test_the_working_names_the_rules_and_the_policy_version() -> None:
    got = compute(case(80_000), book())
    assert got.policy_version == book().of("310000").version_id
    assert got.rule_ids[0] == "310000.employee.outpatient.deductible.active.2023-07"
    step = got.breakdown.working[1]
    assert (step.label_zh, step.formula, step.amount_fen) == (
        "起付线(职工 在职 三级 门诊)", "min(800.00, 500.00)", 50_000,
    )  # fmt: skip


def test_refunds_are_reversed_and_never_computed() -> None:
    with pytest.raises(InvariantViolated):
        compute(case(0, totals=Totals(in_scope_fen=-1)), book())
