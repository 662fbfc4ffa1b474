"""报文: bytes ↔ values, exactly. Numbers are Decimal on the way in, two decimals on the way out.

Knows JSON, not transactions. Amounts inside are integer fen; on the wire yuan with two decimals.
Source: domain notes on the national interface, envelope and general rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"
Node: TypeAlias = "dict[str, Json]"

_DIGITS, _DECIMALS = 16, 10
_MARK = re.compile(r'["{}\[\]]')
_STRING_MARK = re.compile(r'["\\]')
_NUMBER = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{1,10})?")


class Unreadable(Exception):
    """The bytes are not a message."""


class BadField(Exception):
    """A field's value cannot be used; `args[0]` is the text for err_msg."""


def parse(body: bytes) -> Node:
    """One JSON object; floats never appear: fractions are Decimal, whole numbers int."""
    try:
        value = json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Unreadable("报文不是合法的JSON") from error
    if not isinstance(value, dict):
        raise Unreadable("报文应为JSON对象")
    return value


def _refuse(name: str) -> Json:
    raise ValueError(name)


def raw_tail(text: str, member: str) -> str:
    """Raw text of the outermost object's last member: what envelope signatures cover.

    Walks the text once: only a key at depth 1 counts, whatever strings and nested objects hold.
    """
    depth, at = 0, 0
    # From mark to mark: an uploaded file is megabytes of text between two of them.
    while (found := _MARK.search(text, at)) is not None:
        at, mark = found.start(), found[0]
        if mark == '"':
            end = _string_end(text, at)
            if depth == 1 and text[at + 1 : end] == member:
                rest = text[end + 1 :].lstrip()
                if rest.startswith(":"):
                    return rest[1:].rstrip().removesuffix("}").strip()
            at = end
        elif mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
        at += 1
    raise Unreadable(f"缺少节点 {member}")


def _string_end(text: str, start: int) -> int:
    at = start + 1
    while (found := _STRING_MARK.search(text, at)) is not None:
        if found[0] == '"':
            return found.start()
        at = found.start() + 2
    return len(text)


def dump(value: Json) -> str:
    """Compact JSON. A Decimal is written with the decimals it has, so 12.30 stays 12.30."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        inner = ",".join(f"{dump(str(key))}:{dump(item)}" for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def yuan(fen: int) -> Decimal:
    """Fen → yuan with two decimals, exactly."""
    return Decimal(fen).scaleb(-2)


def fen_of(value: Json, name: str) -> int:
    """Yuan on the wire (number or string) → fen; a third decimal is refused, not rounded."""
    scaled = number_of(value, name).scaleb(2)
    if scaled != scaled.to_integral_value():
        raise BadField(f"{name} 金额超过两位小数")
    return int(scaled)


def number_of(value: Json, name: str) -> Decimal:
    """A number of at most 16 digits before and 10 after the point, as JSON number or as text."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise BadField(f"{name} 应为数值")
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is None:
        raise BadField(f"{name} 应为数值")
    number = Decimal(value.strip() if isinstance(value, str) else value)
    exponent = number.as_tuple().exponent
    # A number may be written 1e999999: never spell such a one out.
    if not isinstance(exponent, int) or exponent < -_DECIMALS or number.adjusted() >= _DIGITS:
        raise BadField(f"{name} 应为数值")
    return number


def text_of(node: Mapping[str, Json], name: str) -> str:
    """A text field; absent, null and "" are all "" here: a platform does not tell them apart."""
    value = node.get(name)
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        raise BadField(f"{name} 应为文本")
    return str(value)


def node_of(parent: Mapping[str, Json], name: str) -> Node:
    """An object node under input."""
    value = parent.get(name)
    if not isinstance(value, dict):
        raise BadField(f"缺少节点 {name}")
    return value


def rows_of(parent: Mapping[str, Json], name: str) -> list[Node]:
    """An array node; a single object counts as one row, as some clients send it."""
    value = parent.get(name)
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise BadField(f"缺少节点 {name}")
    found: list[Node] = []
    for row in rows:
        if not isinstance(row, dict):
            raise BadField(f"节点 {name} 的每一行应为对象")
        found.append(row)
    return found
