"""政策: which rule decides, the insurance year, and what lint finds in a broken file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gateway.domain.errors import InvariantViolated, Refused
from gateway.domain.policy import Policy
from gateway.domain.policy_lint import lint
from gateway.domain.policy_rules import CapKind, Confidence, RatioRule
from tests.unit.domain.books import DAY, book, case


def shanghai() -> Policy:
    return book().of("310000")


def suzhou() -> Policy:
    return book().of("320509")


def codes(policy: Policy) -> set[str]:
    return {finding.code for finding in lint(policy)}


@pytest.mark.parametrize("policy", book().policies, ids=lambda policy: policy.region)
def test_the_shipped_policies_have_no_finding(policy: Policy) -> None:
    assert lint(policy) == ()


@pytest.mark.parametrize("policy", book().policies, ids=lambda policy: policy.region)
def test_nothing_shipped_claims_to_be_solid(policy: Policy) -> None:
    assert all(rule.confidence is not Confidence.SOLID for rule in policy.rules)


@pytest.mark.parametrize(
    ("region", "day", "start", "end"),
    [
        ("310000", date(2025, 6, 30), date(2024, 7, 1), date(2025, 6, 30)),
        ("310118", date(2025, 7, 1), date(2025, 7, 1), date(2026, 6, 30)),
        ("320500", date(2025, 7, 1), date(2025, 1, 1), date(2025, 12, 31)),
        ("330421", date(2024, 2, 29), date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_the_insurance_year_is_the_insured_regions(
    region: str, day: date, start: date, end: date
) -> None:
    year = book().of(region).year_of(day)
    assert (year.start, year.end) == (start, end)


def test_a_version_names_region_version_and_bytes() -> None:
    parts = shanghai().version_id.split("-")
    assert parts[:2] == ["policy", "310000"] and len(parts[-1]) == 12


def test_a_day_before_the_file_can_be_used_is_refused() -> None:
    with pytest.raises(Refused):
        book().at("310000", date(2022, 12, 31))
    with pytest.raises(Refused):
        shanghai().year_of(date(2022, 12, 31))


def test_two_rules_for_one_case_are_an_error_and_not_a_choice() -> None:
    doubled = replace(suzhou(), ratios=suzhou().ratios * 2)
    with pytest.raises(InvariantViolated):
        doubled.ratio(case(0, insured="320500").query)


def test_readings_that_exclude_each_other_do_not_overlap() -> None:
    rule = shanghai().ratios[0]
    one = replace(rule, when={"retired_outpatient_bonus": "5"})
    other = replace(rule, id="310000.other", when={"retired_outpatient_bonus": "10"})
    assert codes(replace(shanghai(), ratios=(one, other))) == set()


def ratio(**changes: object) -> RatioRule:
    return replace(shanghai().ratios[0], **changes)  # type: ignore[arg-type]  # test shorthand


BROKEN = {
    "OVERLAP": (ratio(), ratio(id="310000.twin")),
    "GAP": (
        ratio(valid_until=date(2024, 1, 1)),
        ratio(id="310000.later", valid_from=date(2024, 1, 3)),
    ),
    "UNSOURCED": (ratio(source="HEARSAY"),),
    "DUPLICATE_ID": (ratio(valid_until=DAY), ratio(valid_from=date(2025, 10, 1))),
    "FOREIGN_ID": (ratio(id="320500.ratio"),),
    "PERCENT_RANGE": (ratio(percent=Decimal(101)),),
    "UNKNOWN_SETTING": (ratio(when={"no_such": "thing"}),),
    "INVERTED_DATES": (ratio(valid_from=DAY, valid_until=date(2025, 1, 1)),),
}


@pytest.mark.parametrize("code", BROKEN)
def test_lint_finds(code: str) -> None:
    assert codes(replace(shanghai(), ratios=BROKEN[code])) == {code}


def test_adjoining_rules_leave_no_gap() -> None:
    pair = (
        ratio(valid_until=date(2024, 1, 1)),
        ratio(id="310000.later", valid_from=date(2024, 1, 2)),
    )
    assert codes(replace(shanghai(), ratios=pair)) == set()


def test_lint_finds_an_unknown_fund_and_a_layer_without_a_ratio() -> None:
    (layer, *rest) = shanghai().layers
    assert codes(replace(shanghai(), layers=(replace(layer, fund="lottery"), *rest))) == {
        "UNKNOWN_FUND"
    }
    empty = replace(layer, percent=None)
    assert codes(replace(shanghai(), layers=(empty, *rest))) == {"LAYER_WITHOUT_PERCENT"}


def test_lint_finds_a_setting_outside_its_readings_and_a_missing_year() -> None:
    (first, *rest) = shanghai().settings
    odd = replace(first, value="sideways")
    assert codes(replace(shanghai(), settings=(odd, *rest))) == {"BAD_READING"}
    assert codes(replace(shanghai(), years=())) == {"NO_YEAR"}


def test_stays_that_share_a_number_overlap_and_others_do_not() -> None:
    stays = [d for d in suzhou().deductibles if d.stay_to == 1]
    wider = tuple(replace(d, stay_to=2) for d in stays)
    others = tuple(d for d in suzhou().deductibles if d.stay_to != 1)
    assert codes(replace(suzhou(), deductibles=(*wider, *others))) == {"OVERLAP"}


def test_the_cap_changes_with_the_insurance_year() -> None:
    def cap(day: date) -> int | None:
        rule = shanghai().cap(case(0, day=day).query, CapKind.ANNUAL_CAP)
        return None if rule is None else rule.amount_fen

    assert [cap(date(2025, 6, 30)), cap(date(2025, 7, 1))] == [63_000_000, 65_000_000]
    assert cap(date(2024, 6, 30)) is None
