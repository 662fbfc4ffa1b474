"""字段名: what the published tables say of each field of each transaction, both ways, in Chinese.

Facts of names, types, lengths and duty from the published Jiangxi interface specification v1.0
(national baseline XJ-K01-2020; 1901's answer from the Hunan one), kept in fields_in.csv,
fields_out.csv and fields_envelope.csv beside this module, transactions' names in transactions.csv.
Only tables: what is checked of a request is fields.py's, what is shown is dissection.py's.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
UNLISTED = {
    "enc_type": "加密类型",
    "enctype": "加密类型",
    "warn_msg": "警告信息",
    "signtype": "签名类型",
    "cainfo": "数字签名信息",
}
"""Members of real envelopes that a published table lacks, at least of answers; as in clients."""


class Side(StrEnum):
    """Which way a message goes; the name of its table, and of its rows in the envelope's."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class FieldFact:
    """One row of a table."""

    node: str
    name: str
    name_zh: str
    kind: str
    """str, dec, int, date, datetime or bytes"""
    length: str
    """Greatest number of characters, or digits,decimals; "" = not said."""
    required: str
    """Y yes, X only cross-region, N no."""


_FILES = {Side.REQUEST: "fields_in.csv", Side.ANSWER: "fields_out.csv"}


@cache
def _table(file: str) -> Mapping[str, tuple[FieldFact, ...]]:
    table: dict[str, list[FieldFact]] = {}
    with (_HERE / file).open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            fact = FieldFact(
                node=row["node"],
                name=row["name"],
                name_zh=row["name_zh"],
                kind=row["type"],
                length=row["length"],
                required=row["required"],
            )
            table.setdefault(row["infno"], []).append(fact)
    return {infno: tuple(facts) for infno, facts in table.items()}


def facts_of(infno: str, side: Side) -> tuple[FieldFact, ...]:
    """Of a transaction; a variant without a table of its own has its base number's."""
    table = _table(_FILES[side])
    return table.get(infno) or table.get(infno.rstrip("A"), ())


def envelope_facts(side: Side) -> tuple[FieldFact, ...]:
    return _table("fields_envelope.csv")[side.value]


@cache
def names_zh() -> Mapping[str, str]:
    """infno → 交易名称."""
    with (_HERE / "transactions.csv").open(encoding="utf-8", newline="") as source:
        return {row["infno"]: row["name_zh"] for row in csv.DictReader(source)}
