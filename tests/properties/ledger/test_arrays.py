"""A column goes to PostgreSQL as one text; one of a single kind is put together at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import EntryKind
from ledger.rows import _array

COLUMNS = (
    st.lists(st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_./-]{0,63}", fullmatch=True), min_size=1)
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1)
    | st.lists(st.binary(max_size=80), min_size=1)
)


@given(COLUMNS)
def test_a_column_is_written_the_same_with_and_without_a_value_of_another_kind(
    column: list[str] | list[int] | list[bytes],
) -> None:
    assert _array([*column, None]) == _array(column)[:-1] + ",NULL}"


def test_columns_of_nothing() -> None:
    assert [_array(()), _array((None,)), _array((None, None))] == ["{}", "{NULL}", "{NULL,NULL}"]


@pytest.mark.parametrize("stranger", [True, EntryKind.VOIDED, 1.5])
@pytest.mark.parametrize("times", [1, 2])
def test_what_is_of_no_known_kind_is_refused_and_never_a_null(stranger: Any, times: int) -> None:
    with pytest.raises(KeyError):
        _array((stranger,) * times)
    with pytest.raises(KeyError):
        _array(("ent_1", stranger))
