"""逐字段: a message taken apart: each member with its Chinese name, its raw text and a verdict.

Pure, and never fatal: a text that is no JSON, a node that is no node and a field that nobody knows
are things to show, not errors. The verdicts look at name, type and length by the published table
(field_tables.py); whether a value makes sense is the transactions' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from adapters.sandbox.field_tables import UNLISTED, FieldFact, Side, envelope_facts, facts_of
from adapters.sandbox.wire import Json, Node, Unreadable, dump, parse

ROWS_SHOWN = 50
_BODY = {Side.REQUEST: "input", Side.ANSWER: "output"}
# A masked digit is a star (masking.py).
_DATE = re.compile(r"[0-9]{4}-?[0-9*]{2}-?[0-9*]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9]{14}|[0-9]{17}")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Grade(StrEnum):
    """How far a field is from the table."""

    GOOD = "good"
    NOTE = "note"
    """Allowed somewhere, or not said."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Seen:
    """One field as it stood in the message."""

    name: str
    name_zh: str
    raw: str
    """JSON text; "" where the field is missing."""
    wanted: str
    """Type and length as the table has them."""
    grade: Grade
    verdict: str


@dataclass(frozen=True, slots=True)
class Section:
    """One object of the message: the envelope, a node, one row of a node."""

    title: str
    fields: tuple[Seen, ...]
    note: str = ""


def dissected(text: str, infno: str, side: Side) -> list[Section]:
    """The envelope first, then each node of input or output in its order."""
    try:
        envelope = parse(text.encode())
    except Unreadable as error:
        return [Section("报文", (), f"{error}:只能看原文")]
    head = {name: value for name, value in envelope.items() if name != _BODY[side]}
    body_name = _BODY[side]
    facts = tuple(fact for fact in envelope_facts(side) if fact.name != body_name)
    return [_section("报文头", head, facts), *_body(envelope.get(body_name), infno, side)]


def _body(body: Json, infno: str, side: Side) -> Iterable[Section]:
    name = _BODY[side]
    if body is None:
        return [Section(name, (), "空(null)")]
    if not isinstance(body, dict):
        return [Section(name, (), f"不是对象,无法逐字段:{_short(dump(body))}")]
    facts = facts_of(infno, side)
    found: list[Section] = []
    loose: Node = {}
    for node, value in body.items():
        if isinstance(value, dict | list):
            of_node = tuple(fact for fact in facts if fact.node == node)
            found.extend(_node(node, value, of_node))
        else:
            loose[node] = value
    of_body = tuple(fact for fact in facts if not fact.node)
    if loose or of_body:
        found.insert(0, _section(name, loose, of_body))
    missing = {fact.node for fact in facts if fact.node and fact.required == "Y"} - set(body)
    found.extend(Section(node, (), "缺少节点") for node in sorted(missing))
    return found


def _node(node: str, value: Json, facts: tuple[FieldFact, ...]) -> Iterable[Section]:
    if isinstance(value, dict):
        return [_section(node, value, facts)]
    rows = value if isinstance(value, list) else []
    if not rows:
        return [Section(node, (), "没有行")]
    found = [
        _section(f"{node} 第 {at} 行", row, facts)
        if isinstance(row, dict)
        else Section(f"{node} 第 {at} 行", (), f"不是对象:{_short(dump(row))}")
        for at, row in enumerate(rows[:ROWS_SHOWN], 1)
    ]
    if len(rows) > ROWS_SHOWN:
        found.append(Section(node, (), f"另有 {len(rows) - ROWS_SHOWN} 行未列出,见原文"))
    return found


def _section(title: str, node: Mapping[str, Json], facts: tuple[FieldFact, ...]) -> Section:
    known = {fact.name: fact for fact in facts}
    seen = [_seen(name, value, known.get(name), bool(known)) for name, value in node.items()]
    seen.extend(
        Seen(fact.name, fact.name_zh, "", _wanted(fact), Grade.BAD, "缺少必填字段")
        for fact in facts
        if fact.required == "Y" and fact.name not in node
    )
    return Section(title, tuple(seen), "" if known else "字段表没有这个节点")


def _seen(name: str, value: Json, fact: FieldFact | None, judged: bool) -> Seen:
    raw = dump(value)
    if fact is None:
        verdict = "不在字段表" if judged and name not in UNLISTED else "字段表未列"
        return Seen(name, UNLISTED.get(name, ""), raw, "", Grade.NOTE, verdict)
    grade, verdict = _judged(value, fact)
    return Seen(name, fact.name_zh, raw, _wanted(fact), grade, verdict)


def _wanted(fact: FieldFact) -> str:
    kind = {"str": "文本", "dec": "数值", "int": "整数", "date": "日期", "datetime": "日期时间",
            "bytes": "文件"}.get(fact.kind, fact.kind)  # fmt: skip
    duty = {"Y": " 必填", "X": " 异地必填"}.get(fact.required, "")
    return f"{kind}{f'({fact.length})' if fact.length else ''}{duty}"


def _judged(value: Json, fact: FieldFact) -> tuple[Grade, str]:
    if value is None or value == "":
        if fact.required == "Y":
            return Grade.BAD, "必填字段为空"
        if value == "" and fact.kind in ("dec", "int"):
            return Grade.NOTE, "数值写成空串"
        return Grade.GOOD, "空"
    if fact.kind == "bytes":
        return Grade.GOOD, "文件内容"
    if isinstance(value, bool | dict | list):
        return Grade.BAD, f"类型不符:{type(value).__name__}"
    if fact.kind in ("dec", "int"):
        return _judged_number(value, fact)
    return _judged_text(value, fact)


def _judged_number(value: int | Decimal | str, fact: FieldFact) -> tuple[Grade, str]:
    if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
        return Grade.BAD, "应为数值"
    number = Decimal(value)
    digits, _, decimals = fact.length.partition(",")
    if digits.isdigit():
        before = int(digits) - int(decimals or "0")
        needed = _places(number)
        if needed > int(decimals or "0"):
            return Grade.BAD, f"小数 {needed} 位,至多 {decimals or 0} 位"
        if number and number.adjusted() >= before:
            return Grade.BAD, f"整数部分超过 {before} 位"
    if isinstance(value, str):
        return Grade.NOTE, "数值写成文本"
    return Grade.GOOD, "合格"


def _places(number: Decimal) -> int:
    """Zeros behind the last decimal are how a number is written, not how exact it is."""
    exponent = number.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _judged_text(value: int | Decimal | str, fact: FieldFact) -> tuple[Grade, str]:
    text = value if isinstance(value, str) else dump(value)
    if fact.name == "infno" and text.endswith("A"):
        text = text[:-1]  # four characters in the table; the "A" numbers came later
    if fact.length.isdigit() and len(text) > int(fact.length):
        return Grade.BAD, f"长度 {len(text)},至多 {fact.length}"
    if fact.kind == "date" and _DATE.fullmatch(text[:10]) is None:
        return Grade.BAD, "不是日期 yyyy-MM-dd"
    if fact.kind == "datetime" and _DATETIME.fullmatch(text) is None:
        return Grade.NOTE, "不是 yyyy-MM-dd HH:mm:ss"
    if not isinstance(value, str):
        return Grade.NOTE, "文本写成数值"
    return Grade.GOOD, f"合格,长度 {len(text)}" if fact.length else "合格"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"
