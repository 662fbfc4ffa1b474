"""Two calculators written apart from the same page give the same fen for any case.

The one is the gateway's (gateway/domain/benefits.py, pricing.py), the other the stand-in
platform's. They share the policy files and gateway/policies/README.md, and no code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox import calculator, catalogue, policies
from gateway.catalogue_files import load_catalogues
from gateway.domain import benefits, pricing
from gateway.domain.accumulators import Accumulators
from gateway.domain.bill import Bill, BillLine, HospitalLevel, VisitKind
from gateway.domain.breakdown import Fund
from gateway.domain.errors import Refused
from gateway.domain.person_category import PersonCategory
from gateway.domain.visit import Filing, Scheme
from gateway.policy_files import load_policy_book

DIRECTORY = Path(__file__).parents[3] / "gateway" / "policies"
OURS = load_policy_book()
THEIRS = policies.read_policies(DIRECTORY)
AREAS = ("310118", "310112", "320509", "320505", "330421", "330402")
PERSONS = {
    "employee": ("active", "retired"),
    "resident": ("adult_19_59", "senior_60_plus", "student"),
}
KINDS = {"outpatient": "outpatient", "emergency": "outpatient", "inpatient": "inpatient"}
# Around the limits in the files as well as anywhere: deductibles, year limits, caps.
FEN = st.one_of(
    st.integers(0, 5_000),
    st.integers(0, 300_000),
    st.integers(0, 80_000_000),
    st.sampled_from([120_000, 1_000_000, 1_300_000, 35_000_000, 40_000_000, 65_000_000]),
)


@dataclass(frozen=True)
class Question:
    """One case in neither calculator's terms."""

    scheme: str
    person: str
    kind: str
    level: str
    day: date
    insured: str
    visited: str
    filing: str
    parts: tuple[int, int, int, int]
    used: tuple[int, int, int, int, int, int]
    stays: int
    balance: int
    account: bool | None


@st.composite
def questions(draw: st.DrawFn) -> Question:
    scheme = draw(st.sampled_from(sorted(PERSONS)))
    return Question(
        scheme=scheme,
        person=draw(st.sampled_from(PERSONS[scheme])),
        kind=draw(st.sampled_from(sorted(KINDS))),
        level=draw(st.sampled_from(["primary", "secondary", "tertiary"])),
        day=draw(st.dates(date(2022, 12, 1), date(2026, 12, 31))),
        insured=draw(st.sampled_from(AREAS)),
        visited=draw(st.sampled_from(AREAS)),
        filing=draw(st.sampled_from(["long_term", "transfer", "temporary"])),
        parts=(draw(FEN), draw(FEN), draw(FEN), draw(FEN)),
        used=(draw(FEN), draw(FEN), draw(FEN), draw(FEN), draw(FEN), draw(FEN)),
        stays=draw(st.integers(0, 4)),
        balance=draw(FEN),
        account=draw(st.sampled_from([None, True, False])),
    )


def asked_of_us(question: Question) -> tuple[int, ...] | str:
    own, over, preself, inscp = question.parts
    dedc, dedci, hifp, hifpo, insco, hifob = question.used
    case = benefits.BenefitCase(
        insured_region=question.insured, visited_region=question.visited,
        scheme=Scheme(question.scheme), person=PersonCategory(question.person),
        kind=VisitKind(question.kind), level=HospitalLevel(question.level),
        service_day=question.day, totals=pricing.Totals(own, over, preself, inscp),
        accumulators=Accumulators(
            outpatient_deductible_used_fen=dedc, inpatient_deductible_used_fen=dedci,
            pooled_paid_fen=hifp, outpatient_pooled_paid_fen=hifpo, outpatient_in_scope_fen=insco,
            large_sum_paid_fen=hifob, stays_so_far=question.stays,
            account_balance_fen=question.balance,
        ),
        filing=Filing(question.filing), use_account=question.account,
    )  # fmt: skip
    try:
        result = benefits.compute(case, OURS).breakdown
    except Refused as refusal:
        return refusal.code
    return (
        result.deductible_fen, result.fund_fen(Fund.POOLED),
        result.fund_fen(Fund.EMPLOYEE_LARGE_SUM),
        result.account_fen, result.cash_fen, result.total_fen,
    )  # fmt: skip


def asked_of_them(question: Question) -> tuple[int, ...] | str:
    codes = ("DEDC", "DEDCI", "HIFP", "HIFPO", "INSCO", "HIFOB")
    pool = policies_region(question.insured)
    case = calculator.Case(
        who=policies.Who(
            scheme=question.scheme, person=question.person, visit=KINDS[question.kind],
            level=question.level, day=question.day, stay=question.stays + 1,
        ),
        parts=calculator.Parts(*question.parts), insured_area=question.insured,
        visited_area=question.visited, filing=question.filing,
        emergency=question.kind == "emergency", balance=question.balance,
        use_account=question.account, used=dict(zip(codes, question.used, strict=True)),
    )  # fmt: skip
    try:
        amounts = calculator.compute(THEIRS[pool][0], case)
    except policies.NoRule:
        return "NO_RULE"
    return (
        amounts.dedc, amounts.hifp, amounts.hifob, amounts.acct, amounts.cash, amounts.parts.total,
    )  # fmt: skip


def policies_region(area: str) -> str:
    return "310000" if area.startswith("31") else area[:4] + "00"


@st.composite
def questions_at_the_cap(draw: st.DrawFn) -> Question:
    """An employee's stay with the cap nearly used up and a layer above it."""
    asked = draw(questions())
    insured = draw(st.sampled_from(["310118", "320509"]))
    cap = 65_000_000 if insured == "310118" else 35_000_000
    paid = cap - draw(st.integers(0, 2_000_000))
    layer_paid = draw(st.sampled_from([0, 4_000_000, 4_999_999, 5_000_000]))
    return replace(
        asked, scheme="employee", person=draw(st.sampled_from(PERSONS["employee"])),
        kind="inpatient", insured=insured, day=draw(st.dates(date(2025, 7, 1), date(2026, 6, 30))),
        parts=(*asked.parts[:3], draw(st.integers(0, 20_000_000))),
        used=(0, draw(FEN), paid, 0, 0, layer_paid),
    )  # fmt: skip


@given(st.one_of(questions(), questions_at_the_cap()))
def test_both_calculators_give_the_same_fen(question: Question) -> None:
    assert asked_of_us(question) == asked_of_them(question)


@given(
    region=st.sampled_from(["310000", "320500", "330400"]),
    code=st.sampled_from([i.code for i in load_catalogues().of("310000").items]),
    price_units=st.integers(1, 5_000_000_000),
    count_units=st.integers(1, 500_000),
    approval=st.sampled_from([("1", True), ("2", False), ("0", None)]),
    day=st.dates(date(2023, 1, 1), date(2026, 12, 31)),
)
def test_both_split_a_line_alike(
    region: str,
    code: str,
    price_units: int,
    count_units: int,
    approval: tuple[str, bool | None],
    day: date,
) -> None:
    price, count = Decimal(price_units).scaleb(-6), Decimal(count_units).scaleb(-4)
    theirs = catalogue.read_catalogue(
        DIRECTORY / f"catalogue_{THEIRS[region][1].stem}.csv", after_limit=False
    )
    item = theirs.item(code, day)
    assert item is not None
    split = theirs.split(item, price, count, approval[0])
    occurred = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(hours=1)
    line = BillLine(
        line_no="1", item_code=code, hospital_item_code="H1", occurred_at=occurred, quantity=count,
        unit_price=price, amount_fen=split.total_fen, hospital_approved=approval[1],
    )  # fmt: skip
    priced = pricing.price(Bill("B1", (line,)), load_catalogues().of(region))
    assert (split.own_fen, split.over_fen, split.preself_fen, split.inscp_fen) == (
        priced.own_pay_fen, priced.over_limit_fen, priced.pre_self_pay_fen, priced.in_scope_fen,
    )  # fmt: skip
