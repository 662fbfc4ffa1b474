"""报文文本: JSON as the national interface needs it. Numbers stay exact, and the bytes stay known.

Reading keeps the raw text of each outermost member, because some provinces sign the exact text of
`output` as it stands in the body. Writing keeps a Decimal's own digits (12.30 stays 12.30).
Not here: what any member means. No float ever comes out of here or goes in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import orjson

from adapters.baseline.errors import BrokenAnswer

Json: TypeAlias = "str | int | Decimal | bool | Mapping[str, Json] | Sequence[Json] | None"
Node: TypeAlias = Mapping[str, Json]

_SPACE = re.compile(r"[ \t\r\n]*")
_MOST_DIGITS = 100
"""Characters of a number with decimals or an exponent; the longest of the interface has 17."""
_LONE = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse_constant(name: str) -> None:
    raise BrokenAnswer("$", f"{name} is not JSON")


def _decimal(text: str) -> Decimal:
    if len(text) > _MOST_DIGITS:
        # Exact arithmetic with a million decimals takes minutes, and every province waits.
        raise BrokenAnswer("$", f"a number of {len(text)} characters")
    try:
        return Decimal(text)
    except InvalidOperation as cause:
        raise BrokenAnswer("$", "a number with an exponent that none can have") from cause


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Two readers of the same bytes could then see two different amounts.
        raise BrokenAnswer("$", "a member name occurs twice")
    return found


_DECODER = json.JSONDecoder(
    parse_float=_decimal, parse_constant=_refuse_constant, object_pairs_hook=_no_duplicates
)


@dataclass(frozen=True, slots=True)
class Members:
    """The outermost object: each member's value, and its exact text as it stood in the body."""

    values: dict[str, Json]
    texts: dict[str, str]


def read(body: bytes) -> Members:
    """Parse one outermost object. Raises BrokenAnswer for anything that is not exactly that."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise BrokenAnswer("$", "not UTF-8") from cause
    try:
        found = _members(text)
        if _LONE.search(text):
            # An escaped half of a surrogate pair is JSON and no text: nothing could store it.
            json.dumps(found.values, ensure_ascii=False, default=str).encode("utf-8")
        return found
    except (ValueError, IndexError, RecursionError) as cause:
        # RecursionError: a parser bomb of nested brackets; the C scanner stops it.
        raise BrokenAnswer("$", "not a JSON object, or cut off") from cause


def _members(text: str) -> Members:
    values: dict[str, Json] = {}
    texts: dict[str, str] = {}
    at = _after(text, 0, "{")
    if text[at] == "}":
        return _ended(text, at, values, texts)
    while True:
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str) or name in values:
            raise ValueError("a member name is not a string or occurs twice")
        start = _after(text, at, ":")
        values[name], at = _DECODER.raw_decode(text, start)
        texts[name] = text[start:at]
        at = _skip(text, at)
        if text[at] == "}":
            return _ended(text, at, values, texts)
        at = _after(text, at, ",")


def _ended(text: str, at: int, values: dict[str, Json], texts: dict[str, str]) -> Members:
    if _skip(text, at + 1) != len(text):
        raise ValueError("text after the end")
    return Members(values, texts)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at] != mark:
        raise ValueError(f"expected {mark}")
    return _skip(text, at + 1)


def _as_written(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    if isinstance(value, Mapping):
        return orjson.Fragment(orjson.dumps(dict(value), default=_as_written))
    raise TypeError(f"{type(value).__name__} has no place in a message")


def write(value: Json) -> str:
    """JSON text without spaces, UTF-8 characters as they are, Decimals digit for digit."""
    return orjson.dumps(value, default=_as_written).decode("utf-8")
