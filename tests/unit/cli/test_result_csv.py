"""结果表: a spreadsheet that opens it runs nothing and rounds nothing."""

from __future__ import annotations

import csv
import io

import pytest

from gateway.counter.result_csv import COLUMNS, escape, to_csv, yuan


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("330421000000000017", "'330421000000000017"),
        ("007", "'007"),
        ("310118", "310118"),
        ("已结算", "已结算"),
        ("H00310000001202603160919450004", "H00310000001202603160919450004"),
        ("", ""),
        ("第一行\n=第二行", "第一行 =第二行"),
    ],
)
def test_a_cell_is_text_and_never_a_formula(text: str, cell: str) -> None:
    assert escape(text) == cell


def test_an_amount_is_yuan_with_two_decimals_also_below_zero() -> None:
    assert [yuan(95695), yuan(-5), yuan(0), yuan(None)] == ["956.95", "-0.05", "0.00", ""]


def test_the_file_begins_with_a_byte_order_mark_and_its_columns() -> None:
    raw = to_csv([["x"] * len(COLUMNS)])
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[0] == list(COLUMNS)
    assert len(rows[1]) == len(COLUMNS)
