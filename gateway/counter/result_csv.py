"""结果表: what became of every file, as a CSV that a spreadsheet opens without harm.

UTF-8 with BOM; a text that a spreadsheet would take for a formula gets an apostrophe; ids stay text
(written as ="…" nowhere: they carry letters or are escaped), amounts are yuan with two decimals.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ledger.money import fen_to_yuan

COLUMNS = (
    "文件", "结果", "状态", "结算单号", "请求号", "就医地", "参保地", "医疗费总额", "基金支付",
    "个人账户", "个人现金", "地区结算号", "叶序号", "回执", "原因", "说明",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LONG_DIGITS = 12
"""A spreadsheet rounds whole numbers of 16 digits and shows 12 and more in exponent form."""


def escape(text: str) -> str:
    """A cell's text so that no spreadsheet runs or rounds it."""
    flat = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
    starts = flat.lstrip(" ")[:1] in FORMULA_STARTS and flat != ""
    is_long_number = flat.isdigit() and (len(flat) >= LONG_DIGITS or flat.startswith("0"))
    return f"'{flat}" if starts or is_long_number else flat


def yuan(fen: int | None) -> str:
    """An amount's cell; a negative amount is a number, not a formula, and stays one."""
    return "" if fen is None else fen_to_yuan(fen)


def to_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """The whole file; rows are already in the order of COLUMNS and escaped."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
