"""公民身份号码: the checks in their order, with numbers that belong to nobody or are made here."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain.errors import Malformed
from gateway.domain.person import (
    IdKind,
    IdMode,
    age_on,
    birth_date_of,
    check_digit,
    mask_id,
    mask_name,
    validate_id,
)
from gateway.domain.person_category import PersonCategory, category_of
from gateway.domain.visit import PersonKind, Scheme

TODAY = date(2025, 9, 30)
EXAMPLE = "003118195203158882"
DEMO, PRODUCTION = IdMode.DEMO, IdMode.PRODUCTION


def number(region: str, birth: str = "19500101", sequence: str = "999") -> str:
    """Built at run time, so that no file holds a number that could be somebody's."""
    first = f"{region}{birth}{sequence}"
    return first + check_digit(first)


def code(text: str, mode: IdMode = DEMO) -> str:
    return validate_id(text, mode=mode, today=TODAY).code


def test_the_synthetic_example_is_accepted_in_demo() -> None:
    verdict = validate_id(EXAMPLE, mode=DEMO, today=TODAY)
    assert (verdict.accepted, verdict.code, verdict.kind) == (True, "OK", IdKind.SYNTHETIC)
    assert verdict.canonical == EXAMPLE


def test_full_width_digits_and_lower_case_x_become_ascii() -> None:
    with_x = next(
        n for s in range(1, 200) if (n := number("003209", sequence=f"{s:03d}")).endswith("X")
    )
    wide = "".join(chr(ord(c) + 0xFEE0) for c in with_x.lower())
    verdict = validate_id(f" {wide}\n", mode=DEMO, today=TODAY)
    assert verdict.canonical == with_x


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE[:17],
        EXAMPLE + "0",
        "0" + EXAMPLE[1:9] + " " + EXAMPLE[10:],
        EXAMPLE[:17] + "Х",  # Cyrillic
        EXAMPLE[:17] + "×",
        "٠٠" + EXAMPLE[2:],
        "01" + EXAMPLE[2:],
        "130503670401001",
    ],
)
def test_what_has_not_the_form_is_format(text: str) -> None:
    assert code(text) == "FORMAT"


def test_a_real_looking_number_is_refused_in_demo_before_anything_else_is_checked() -> None:
    good = number("310118")
    wrong_digit = good[:17] + ("0" if good[17] != "0" else "1")
    assert code(good) == code(wrong_digit) == "NOT_SYNTHETIC_IN_DEMO"


def test_a_synthetic_number_is_refused_in_production() -> None:
    assert code(EXAMPLE, PRODUCTION) == "SYNTHETIC_IN_PRODUCTION"


@pytest.mark.parametrize("birth", ["19500230", "19501301", "00000101", "20251001", "20230229"])
def test_a_birth_date_must_exist_and_not_lie_ahead(birth: str) -> None:
    assert code(number("003118", birth)) == "BIRTH_DATE"


def test_today_is_not_ahead() -> None:
    assert code(number("003118", "20250930")) == "OK"


def test_sequence_zero_comes_before_the_check_digit() -> None:
    good = number("003118", sequence="000")
    assert code(good) == code(good[:17] + ("0" if good[17] != "0" else "1")) == "SEQUENCE_ZERO"


def test_a_wrong_check_digit_is_told_last() -> None:
    assert code(EXAMPLE[:17] + "3") == "CHECK_DIGIT"


@pytest.mark.parametrize(
    "region",
    ["310209", "310229", "310118", "322728", "320525", "320584", "320509", "332122", "330421"],
)
@pytest.mark.parametrize("year", ["1930", "1956", "1982", "1999"])
def test_historic_prefixes_belong_to_living_people(region: str, year: str) -> None:
    assert code(number(region, f"{year}0615"), PRODUCTION) == "OK"


@pytest.mark.parametrize("printed", ["11010519491231002X", "440524188001010014"])
def test_the_standards_own_examples_are_accepted(printed: str) -> None:
    assert code(printed, PRODUCTION) == "OK"


def test_more_than_120_years_is_a_warning_only() -> None:
    verdict = validate_id("440524188001010014", mode=PRODUCTION, today=TODAY)
    assert verdict.accepted and verdict.warnings == ("AGE_IMPLAUSIBLE",)


@pytest.mark.parametrize(
    ("region", "kind"),
    [
        ("810000", IdKind.HMT_RESIDENT),
        ("820000", IdKind.HMT_RESIDENT),
        ("830000", IdKind.HMT_RESIDENT),
        ("911156", IdKind.FOREIGN_RESIDENT),
        ("110105", IdKind.CITIZEN),
    ],
)
def test_the_first_digits_tell_whose_number_it_is(region: str, kind: IdKind) -> None:
    verdict = validate_id(number(region), mode=PRODUCTION, today=TODAY)
    assert verdict.kind is kind


def test_no_verdict_shows_the_number() -> None:
    verdict = validate_id(EXAMPLE, mode=DEMO, today=TODAY)
    assert EXAMPLE not in repr(verdict) + verdict.text_zh
    assert EXAMPLE not in validate_id(EXAMPLE, mode=PRODUCTION, today=TODAY).text_zh


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ((1965, 9, 30), (2025, 9, 29), 59),
        ((1965, 9, 30), (2025, 9, 30), 60),
        ((1960, 2, 29), (2025, 2, 28), 64),
        ((1960, 2, 29), (2025, 3, 1), 65),
        ((2000, 1, 1), (2000, 1, 1), 0),
    ],
)
def test_age_is_in_completed_years(
    birth: tuple[int, int, int], day: tuple[int, int, int], age: int
) -> None:
    assert age_on(date(*birth), date(*day)) == age


def test_the_birth_date_of_an_accepted_number() -> None:
    assert birth_date_of(EXAMPLE) == date(1952, 3, 15)


@pytest.mark.parametrize(
    ("full", "shown"),
    [
        (EXAMPLE, "003*************82"),
        (EXAMPLE[:17], "*" * 17),
        ("", ""),
        ("不是号码", "****"),
    ],
)
def test_an_identity_number_shows_three_and_two(full: str, shown: str) -> None:
    assert mask_id(full) == shown


@pytest.mark.parametrize(
    ("full", "shown"),
    [
        ("测试甲一", "测***"),
        ("张三", "张*"),
        ("欧阳甲乙", "欧阳**"),
        ("欧阳", "欧*"),
        ("阿依·古丽", "阿***"),
        ("甲", "*"),
        ("", ""),
    ],
)
def test_a_name_shows_its_surname(full: str, shown: str) -> None:
    assert mask_name(full) == shown


@pytest.mark.parametrize(
    ("scheme", "kind", "age", "category"),
    [
        (Scheme.EMPLOYEE, PersonKind.ACTIVE, None, PersonCategory.ACTIVE),
        (Scheme.EMPLOYEE, PersonKind.RETIRED, 70, PersonCategory.RETIRED),
        (Scheme.RESIDENT, PersonKind.RESIDENT, 18, PersonCategory.STUDENT),
        (Scheme.RESIDENT, PersonKind.RESIDENT, 19, PersonCategory.ADULT),
        (Scheme.RESIDENT, PersonKind.RESIDENT, 59, PersonCategory.ADULT),
        (Scheme.RESIDENT, None, 60, PersonCategory.SENIOR),
    ],
)
def test_the_category_follows_scheme_kind_and_age(
    scheme: Scheme, kind: PersonKind | None, age: int | None, category: PersonCategory
) -> None:
    assert category_of(scheme, kind, age) is category


@pytest.mark.parametrize(
    ("scheme", "kind", "age"),
    [
        (Scheme.EMPLOYEE, PersonKind.RESIDENT, 40),
        (Scheme.EMPLOYEE, None, 40),
        (Scheme.RESIDENT, PersonKind.ACTIVE, 40),
        (Scheme.RESIDENT, PersonKind.RESIDENT, None),
    ],
)
def test_a_category_is_never_guessed(
    scheme: Scheme, kind: PersonKind | None, age: int | None
) -> None:
    with pytest.raises(Malformed) as refused:
        category_of(scheme, kind, age)
    assert refused.value.code == "PERSON_KIND_UNCLEAR"
