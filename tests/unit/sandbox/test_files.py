"""A platform reads the file of a stranger: rows, or a refusal in words, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox import files
from adapters.sandbox.context import Refusal


def test_what_is_packed_is_unpacked() -> None:
    rows = [["A1", "", "12.30"], ["A2", "测", "0.00"]]
    assert files.unpack(files.pack("a.txt", rows), 3) == rows
    assert files.unpack(files.pack("a.txt", []), 3) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_refusal(data: bytes) -> None:
    with pytest.raises(Refusal):
        files.unpack(data, 3)


@given(st.data())
def test_a_damaged_file_is_refused_or_says_the_same(data: st.DataObject) -> None:
    rows = [[f"A{n}", "x" * n] for n in range(20)]
    whole = files.pack("a.txt", rows)
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    try:
        assert files.unpack(damaged, 2) == rows
    except Refusal as refused:
        assert "上传文件" in str(refused)
