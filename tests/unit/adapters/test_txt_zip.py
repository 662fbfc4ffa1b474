"""A TXT in a ZIP: what we pack is read back, and whatever else comes is refused with its row."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.baseline import txt_zip
from adapters.baseline.errors import BrokenAnswer

CELLS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=8
).filter(lambda cell: cell != txt_zip.EMPTY)


def zipped(content: bytes, name: str = "a.txt", *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def read(data: bytes) -> list[list[str]]:
    return [cells for _, cells in txt_zip.rows(data, "file")]


def refusal(data: bytes) -> BrokenAnswer:
    with pytest.raises(BrokenAnswer) as refused:
        read(data)
    return refused.value


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=5))
def test_what_is_packed_comes_back(records: list[list[str]]) -> None:
    packed = txt_zip.pack("a.txt", records)
    assert read(packed) == records
    assert txt_zip.pack("a.txt", records) == packed
    assert txt_zip.is_zip(packed)


def test_the_text_is_as_the_general_rules_say() -> None:
    packed = txt_zip.pack("对账.txt", [("A1", "", "12.30"), ("A2", "测", "0.00")])
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["对账.txt"]
        assert archive.read("对账.txt").decode() == "A1\tnull\t12.30\nA2\t测\t0.00\n"


@pytest.mark.parametrize("cell", ["a\tb", "a\nb", "a\rb", "a\0b", "null"])
def test_a_value_that_no_cell_can_hold_is_not_packed(cell: str) -> None:
    with pytest.raises(ValueError, match="no cell"):
        txt_zip.pack("a.txt", [("A1", cell)])


def test_other_systems_line_ends_and_marks_are_read() -> None:
    assert read(zipped(b"\xef\xbb\xbfa\tb\r\nc\t \r\n")) == [["a", "b"], ["c", ""]]
    assert read(zipped(b"a\tb\nc\td")) == [["a", "b"], ["c", "d"]]
    assert read(zipped(b"")) == []
    assert read(zipped(b"a\tb\n", how=zipfile.ZIP_STORED)) == [["a", "b"]]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    try:
        read(data)
    except BrokenAnswer as refused:
        assert refused.path.startswith("file")


@given(st.data())
def test_a_damaged_file_is_never_half_believed(data: st.DataObject) -> None:
    whole = txt_zip.pack("a.txt", [(f"A{n}", "x" * n) for n in range(30)])
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    for damaged in (flipped, whole[:at]):
        try:
            assert read(damaged) == read(whole)
        except BrokenAnswer as refused:
            assert refused.path.startswith("file")


@pytest.mark.parametrize("name", ["../a.txt", "/etc/a.txt", "a/b.txt", "a\\b.txt", "C:a.txt"])
def test_a_name_that_is_a_path_is_refused(name: str) -> None:
    assert refusal(zipped(b"a\n", name)).problem == "the name in the ZIP is a path"


def test_more_than_one_file_is_refused_and_a_crowd_before_it_is_opened() -> None:
    for number, says in ((2, "2 files"), (200, "more than one file")):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for at in range(number):
                archive.writestr(f"{at}.txt", b"a\n")
        assert says in refusal(target.getvalue()).problem


def test_a_bomb_costs_no_more_than_a_block() -> None:
    bomb = zipped(b"\0" * (txt_zip.MOST_BYTES + 1))
    assert "bytes unpacked" in refusal(bomb).problem
    one_line = zipped(b"a" * (32 * 1024 * 1024))
    tracemalloc.start()
    assert "a line of more than" in refusal(one_line).problem
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


def test_a_size_that_lies_is_found_out() -> None:
    honest = zipped(b"a\tb\n" * 1000)
    lie = honest.replace((4000).to_bytes(4, "little"), (40).to_bytes(4, "little"))
    assert lie != honest
    assert "not a ZIP that can be read" in refusal(lie).problem


def test_rows_without_end_are_refused() -> None:
    assert "rows" in refusal(zipped(b"a\n" * (txt_zip.MOST_ROWS + 1))).problem


def test_another_encoding_is_refused_with_its_row() -> None:
    gbk = "A1\t平\n".encode() + "A2\t不平\n".encode("gbk")
    assert refusal(zipped(gbk)).path == "file[2]"


def test_encrypted_and_unusual_compressions_are_refused() -> None:
    secret = bytearray(zipped(b"a\n", how=zipfile.ZIP_STORED))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        secret[secret.index(mark) + offset] |= 0x1
    assert refusal(bytes(secret)).problem == "encrypted"
    assert "compression" in refusal(zipped(b"a\n" * 99, how=zipfile.ZIP_BZIP2)).problem
