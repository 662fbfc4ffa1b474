"""A region's dictionary grows by rows: what was said of a day is never said otherwise later."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain.dictionary import (
    Change,
    CodeSince,
    CodeTable,
    Dictionaries,
    DictionaryRow,
    Standing,
    change,
    code_in_clear,
)
from gateway.domain.errors import Refused

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


def row(code: str, label: str = "", *, valid: bool = True, version: str = "1") -> DictionaryRow:
    return DictionaryRow("clr_type", code, label or f"label {code}", "0", valid, version)


def loaded(*codes: CodeSince) -> CodeTable:
    return CodeTable(codes)


def grown(table: CodeTable, made: Change) -> CodeTable:
    """The table with what an answer added."""
    before = [one for kind in table.kinds(date.max) for one in table.rows(kind, date.max)]
    return CodeTable([*before, *made.added])


def test_the_first_answer_is_all_new() -> None:
    made = change(CodeTable(), "clr_type", (row("11"), row("21")), JUNE)
    assert [one.row.code for one in made.new] == ["11", "21"]
    assert all(one.valid_from == JUNE for one in made.added)
    assert (made.changed, made.withdrawn, made.same) == ((), (), 0)


def test_the_same_answer_adds_nothing_whatever_version_it_carries() -> None:
    table = loaded(CodeSince(row("11"), JUNE))
    made = change(table, "clr_type", (row("11", version="2"),), JULY)
    assert made.added == ()
    assert made.same == 1


def test_a_changed_label_is_a_further_row_and_the_past_keeps_its_own() -> None:
    table = loaded(CodeSince(row("11", "门诊"), JUNE))
    made = change(table, "clr_type", (row("11", "普通门诊"),), JULY)
    assert [(a.row.label, b.row.label) for a, b in made.changed] == [("门诊", "普通门诊")]
    later = CodeTable([CodeSince(row("11", "门诊"), JUNE), *made.added])
    june, july = (later.row("clr_type", "11", day) for day in (JUNE, JULY))
    assert june is not None and june.row.label == "门诊"
    assert july is not None and july.row.label == "普通门诊"


@pytest.mark.parametrize("answer", [(row("11"),), (row("11"), row("21", valid=False))])
def test_a_code_that_is_no_longer_named_or_no_longer_valid_is_withdrawn(
    answer: tuple[DictionaryRow, ...],
) -> None:
    table = loaded(CodeSince(row("11"), JUNE), CodeSince(row("21"), JUNE))
    made = change(table, "clr_type", answer, JULY)
    assert [one.row.code for one in made.withdrawn] == ["21"]
    later = grown(table, made)
    assert later.standing("clr_type", "21", JULY) is Standing.WITHDRAWN


def test_a_withdrawn_code_stays_so_and_may_come_back() -> None:
    table = loaded(CodeSince(row("11"), MAY), CodeSince(row("21", valid=False), JUNE))
    assert change(table, "clr_type", (row("11"),), JULY).added == ()
    back = change(table, "clr_type", (row("11"), row("21")), JULY)
    assert [now.row.valid for _, now in back.changed] == [True]


def test_standing_tells_the_day_before_the_first_load_from_a_code_that_is_not_there() -> None:
    table = loaded(CodeSince(row("11"), JUNE))
    assert table.standing("clr_type", "11", MAY) is Standing.NOT_LOADED
    assert table.standing("clr_type", "11", JUNE) is Standing.VALID
    assert table.standing("clr_type", "99", JUNE) is Standing.ABSENT
    assert table.standing("med_type", "11", JUNE) is Standing.NOT_LOADED


def test_rows_in_any_order_make_the_same_table() -> None:
    codes = [CodeSince(row("11", "new"), JULY), CodeSince(row("11", "old"), MAY)]
    found = CodeTable(codes).row("clr_type", "11", JUNE)
    assert found is not None and found.row.label == "old"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((), "DICTIONARY_EMPTY"),
        ((row("11", valid=False),), "DICTIONARY_EMPTY"),
        ((row("11", "a"), row("11", "b")), "DICTIONARY_CONTRADICTS"),
        ((row("11", "other"),), "DICTIONARY_SAME_DAY"),
        ((row("21"),), "DICTIONARY_SAME_DAY"),
    ],
)
def test_an_answer_that_contradicts_itself_or_the_same_day_is_refused(
    answer: tuple[DictionaryRow, ...], reason: str
) -> None:
    table = loaded(CodeSince(row("11"), JUNE))
    with pytest.raises(Refused) as refused:
        change(table, "clr_type", answer, JUNE)
    assert refused.value.code == reason


def test_a_region_that_told_nothing_has_an_empty_table() -> None:
    nothing = Dictionaries().of("31")
    assert nothing.kinds(JULY) == ()
    assert nothing.standing("clr_type", "11", JULY) is Standing.NOT_LOADED


@pytest.mark.parametrize("code", ["11", "310100", "9901", "A1", "1.2-3_4"])
def test_a_code_is_shown(code: str) -> None:
    assert code_in_clear(code) == code


@pytest.mark.parametrize("text", ["003118195203158882", "测试甲一", "a b", "", "x" * 11])
def test_what_is_no_code_is_never_shown(text: str) -> None:
    assert code_in_clear(text) == f"({len(text)} characters, no code)"
