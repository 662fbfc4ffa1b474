"""What holds for every bill, every case and every identity number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.domain.benefits import Accumulators, BenefitCase, BenefitResult, compute, reverse
from gateway.domain.bill import BillLine, HospitalLevel, VisitKind
from gateway.domain.errors import Refused
from gateway.domain.person import IdMode, check_digit, validate_id
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy import PolicyBook
from gateway.domain.policy_rules import CapKind
from gateway.domain.pricing import PreselfBasis, Totals, price
from gateway.domain.visit import Filing
from tests.unit.domain.books import DAY, bill, book, case, catalogues, line

FEN = st.integers(0, 200_000_000)
REGIONS = st.sampled_from(["310000", "310118", "320500", "320509", "330400", "330421"])
ITEMS = st.sampled_from(sorted({item.code for item in catalogues().of("310000").items}))
PRICES = st.decimals("0.000001", "99999", places=6, allow_nan=False, allow_infinity=False)
COUNTS = st.decimals("0.0001", "999", places=4, allow_nan=False, allow_infinity=False)
APPROVALS = st.sampled_from([None, True, False])


@st.composite
def cases(draw: st.DrawFn) -> BenefitCase:
    """Any visit that the shipped policies can be asked about."""
    used = Accumulators(
        outpatient_deductible_used_fen=draw(st.integers(0, 200_000)),
        inpatient_deductible_used_fen=draw(st.integers(0, 200_000)),
        pooled_paid_fen=draw(st.integers(0, 66_000_000)),
        outpatient_pooled_paid_fen=draw(st.integers(0, 1_400_000)),
        outpatient_in_scope_fen=draw(st.integers(0, 2_000_000)),
        large_sum_paid_fen=draw(st.integers(0, 6_000_000)),
        stays_so_far=draw(st.integers(0, 4)),
        account_balance_fen=draw(st.integers(0, 1_000_000)),
    )
    return case(
        0,
        insured=draw(REGIONS),
        visited=draw(REGIONS),
        person=draw(st.sampled_from(PersonCategory)),
        kind=draw(st.sampled_from(VisitKind)),
        level=draw(st.sampled_from(HospitalLevel)),
        day=draw(st.dates(date(2023, 1, 1), date(2026, 12, 31))),
        totals=Totals(*(draw(FEN) for _ in range(4))),
        used=used,
        filing=draw(st.sampled_from(Filing)),
        use_account=draw(st.sampled_from([None, True, False])),
    )


@st.composite
def lines(draw: st.DrawFn) -> list[BillLine]:
    return [
        line(draw(ITEMS), str(draw(PRICES)), str(draw(COUNTS)), no=str(n), approved=draw(APPROVALS))
        for n in range(1, draw(st.integers(1, 6)) + 1)
    ]


def computed(given_case: BenefitCase, policies: PolicyBook | None = None) -> BenefitResult:
    try:
        return compute(given_case, policies or book())
    except Refused as refused:
        assume(refused.code != "NO_RULE")
        raise


@given(lines(), REGIONS, st.sampled_from(PreselfBasis))
def test_every_bill_is_split_without_a_fen_left_over(
    charges: list[BillLine], region: str, basis: PreselfBasis
) -> None:
    whole = price(bill(*charges), catalogues().of(region), preself_basis=basis)
    assert whole.total_fen == bill(*charges).total_fen
    for one in whole.lines:
        assert one.parts.total_fen == one.amount_fen
        assert min(one.parts.as_tuple()) >= 0


@given(lines(), REGIONS, st.sampled_from(PreselfBasis))
def test_refunding_every_line_leaves_nothing(
    charges: list[BillLine], region: str, basis: PreselfBasis
) -> None:
    refunds = [
        replace(
            one, line_no=f"9{one.line_no}", quantity=-one.quantity, amount_fen=-one.amount_fen,
            refund_of=one.line_no, hospital_approved=None,
        )
        for one in charges
    ]  # fmt: skip
    whole = price(bill(*charges, *refunds), catalogues().of(region), preself_basis=basis)
    assert whole.totals.as_tuple() == (0, 0, 0, 0)


@given(cases())
def test_the_amounts_of_every_case_partition_its_total(given_case: BenefitCase) -> None:
    got = computed(given_case).breakdown
    assert got.violations() == ()
    assert got.fund_total_fen + got.account_fen + got.cash_fen == given_case.totals.total_fen
    assert got.fund_total_fen + got.deductible_fen <= given_case.totals.in_scope_fen
    assert all(amount > 0 for _, amount in got.funds)


@given(cases())
def test_a_reversal_is_the_exact_negative_and_restores_the_accumulators(
    given_case: BenefitCase,
) -> None:
    got = computed(given_case)
    back = reverse(got)
    assert back == got.breakdown.negated()
    restored = got.accumulators_after.after(back, given_case.query.visit)
    assert restored == given_case.accumulators


@given(cases(), st.integers(0, 10_000_000))
def test_a_higher_cap_never_lowers_what_the_funds_pay(given_case: BenefitCase, more: int) -> None:
    policy = book().of(given_case.insured_region)
    raised = tuple(
        replace(cap, amount_fen=cap.amount_fen + more) if cap.kind is CapKind.ANNUAL_CAP else cap
        for cap in policy.caps
    )
    higher = PolicyBook([replace(policy, caps=raised)])
    before, after = computed(given_case), computed(given_case, higher)
    assert after.breakdown.fund_total_fen >= before.breakdown.fund_total_fen
    assert after.breakdown.cash_fen <= before.breakdown.cash_fen


@given(st.lists(FEN, min_size=1, max_size=12), st.sampled_from(["310000", "320500", "330400"]))
def test_a_years_deductibles_never_exceed_the_annual_one(visits: list[int], region: str) -> None:
    used, consumed = Accumulators(), 0
    for amount in visits:
        got = computed(case(amount, insured=region, used=used))
        used, consumed = got.accumulators_after, consumed + got.breakdown.deductible_fen
    annual = book().at(region, DAY).deductible(case(0, insured=region).query).amount_fen
    assert consumed == min(annual, sum(visits))


@given(st.integers(0, 17), st.integers(1, 9), st.integers(1, 999), st.dates(date(1900, 1, 1), DAY))
def test_one_wrong_digit_is_always_found(
    position: int, by: int, sequence: int, birth: date
) -> None:
    first = f"003118{birth:%Y%m%d}{sequence:03d}"
    good = first + check_digit(first)
    assert validate_id(good, mode=IdMode.DEMO, today=DAY).accepted
    digit = "0123456789X".index(good[position])
    wrong = "0123456789X"[(digit + by) % (11 if position == 17 else 10)]
    bad = good[:position] + wrong + good[position + 1 :]
    assert not validate_id(bad, mode=IdMode.DEMO, today=DAY).accepted


@given(st.integers(0, 16), st.integers(1, 999), st.dates(date(1900, 1, 1), DAY))
def test_two_swapped_neighbours_are_always_found(position: int, sequence: int, birth: date) -> None:
    first = f"003209{birth:%Y%m%d}{sequence:03d}"
    good = first + check_digit(first)
    pair = good[position : position + 2]
    assume(pair[0] != pair[1])
    bad = good[:position] + pair[::-1] + good[position + 2 :]
    assert not validate_id(bad, mode=IdMode.DEMO, today=DAY).accepted


@given(FEN, st.decimals("0", "1", places=4))
def test_more_in_scope_never_means_less_fund(amount: int, share: Decimal) -> None:
    less = int(amount * share)
    small, large = computed(case(less)), computed(case(amount))
    assert small.breakdown.fund_total_fen <= large.breakdown.fund_total_fen
