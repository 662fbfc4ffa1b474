"""The stand-in platform's calculator against worked cases and against its own promises."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from adapters.sandbox.calculator import Case, NoRule, Parts, compute, half_up
from adapters.sandbox.policies import RegionPolicy, Who, fen, read_policies
from adapters.sandbox.wire import fen_of

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "sandbox" / "benefits.csv"
POLICIES = {
    region: policy for region, (policy, _) in read_policies(ROOT / "gateway" / "policies").items()
}


def rows() -> Iterator[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as source:
        yield from csv.DictReader(source)


def used_before(text: str) -> dict[str, int]:
    pairs = (entry.split("=") for entry in text.split())
    return {code: int(value) if code == "STAY" else int(value) * 100 for code, value in pairs}


def case_of(row: dict[str, str]) -> Case:
    used = used_before(row["used"])
    who = Who(
        scheme=row["scheme"], person=row["person"], visit=row["visit"], level=row["level"],
        day=date.fromisoformat(row["day"] or "2025-09-30"), stay=used.get("STAY", 0) + 1,
    )  # fmt: skip
    return Case(
        who=who, parts=Parts(0, 0, 0, fen_of(row["inscp"], "inscp")),
        insured_area=row["insured_area"], visited_area=row["visited_area"], filing=row["filing"],
        emergency=row["filing"] == "emergency", balance=0, use_account=False, used=used,
    )  # fmt: skip


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row["case"])
def test_every_worked_case_gives_the_listed_fen(row: dict[str, str]) -> None:
    amounts = compute(POLICIES[row["region"]], case_of(row))
    computed = (amounts.dedc, amounts.hifp, amounts.hifob + amounts.hifmi, amounts.patient)
    listed = tuple(fen_of(row[name], name) for name in ("dedc", "fund", "large_sum", "patient"))
    assert computed == listed, row["why"]


def visit(policy: RegionPolicy, inscp: int, used: dict[str, int], **more: int) -> Case:
    who = Who("employee", "active", "inpatient", "tertiary", date(2025, 9, 30), 1)
    area = policy.region
    return Case(
        who=who, parts=Parts(500, 300, 200, inscp), insured_area=area, visited_area=area,
        filing="temporary", emergency=False, balance=more.get("balance", 0),
        use_account=None if "balance" not in more else True, used=used,
        deductible_paid_in_visit=more.get("paid", 0),
    )  # fmt: skip


def test_the_account_pays_the_patients_part_up_to_its_balance() -> None:
    policy = POLICIES["320500"]
    amounts = compute(policy, visit(policy, 100000, {}, balance=5000))
    assert (amounts.acct, amounts.cash) == (5000, amounts.patient - 5000)
    assert amounts.parts.total == amounts.fund + amounts.acct + amounts.cash


def test_a_stay_pays_its_deductible_once_across_a_mid_stay_settlement() -> None:
    policy = POLICIES["320500"]
    first = compute(policy, visit(policy, 50000, {}))
    second = compute(policy, visit(policy, 100000, {}, paid=first.dedc))
    assert (first.dedc, second.dedc) == (50000, 30000)


def test_a_retired_stay_in_jiaxing_has_no_rule_until_someone_sets_it() -> None:
    who = Who("employee", "retired", "inpatient", "tertiary", date(2025, 9, 30), 1)
    case = Case(
        who=who, parts=Parts(0, 0, 0, 100), insured_area="330421", visited_area="330421",
        filing="temporary", emergency=False, balance=0, use_account=None, used={},
    )  # fmt: skip
    with pytest.raises(NoRule):
        compute(POLICIES["330400"], case)


@pytest.mark.parametrize(
    ("region", "day", "year"),
    [
        ("310000", date(2025, 6, 30), "2024"),
        ("310000", date(2025, 7, 1), "2025"),
        ("320500", date(2025, 6, 30), "2025"),
        ("330400", date(2025, 1, 1), "2025"),
    ],
)
def test_the_insurance_year_is_the_insured_regions_own(region: str, day: date, year: str) -> None:
    assert POLICIES[region].year_of(day) == year


def test_halves_round_away_from_zero_and_nothing_else_does() -> None:
    assert [half_up(Fraction(n, 2)) for n in (-3, -1, 0, 1, 3)] == [-2, -1, 0, 1, 2]
    assert [half_up(Fraction(n, 10)) for n in (4, 5, 14, 15, 16)] == [0, 1, 1, 2, 2]


def test_policy_amounts_become_fen_exactly() -> None:
    assert fen(1500) == 150000
