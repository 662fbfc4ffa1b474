"""JSON text read exactly: numbers become Decimal, and what readers usually forgive is refused.

No envelope knowledge. Refused with a reason: another encoding than UTF-8, bottomless nesting, files
above 8 MiB; and each at its own place, however many there are: a key that stands twice in one
object (readers keep either and hide the other), NaN, Infinity and exponents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from gateway.hospital_files.problem import FileProblem, HospitalFileRefused

SIZE_MAX = 8 * 1024 * 1024
"""Bytes; 2000 detail rows with every optional field stay below 3 MiB."""
NUMBER_LENGTH_MAX = 40
"""Characters of one number: the widest field is 16,6."""
KEY_SHOWN = 40
"""Characters of a field's name that are repeated."""


def refuse(reason: str, text_zh: str, path: str = "$") -> NoReturn:
    """Raise for a file that cannot be read any further."""
    raise HospitalFileRefused((FileProblem(path, reason, text_zh),))


def parse(raw: bytes) -> Any:
    """The file's JSON value. Raises HospitalFileRefused."""
    if len(raw) > SIZE_MAX:
        refuse("TOO_LARGE", f"文件超过 {SIZE_MAX // 1024 // 1024} MiB,请按次结算拆分成多个文件。")
    text = _decode(raw)
    if not text.strip():
        refuse("EMPTY_FILE", "文件是空的。")
    hooks = _Hooks()
    try:
        value = json.loads(
            text,
            parse_float=hooks.number,
            parse_int=hooks.number,
            parse_constant=hooks.constant,
            object_pairs_hook=hooks.object,
        )
    except json.JSONDecodeError as error:
        place = f"第 {error.lineno} 行第 {error.colno} 列"
        refuse("NOT_JSON", f"不是有效的 JSON:{place}附近有语法错误。")
    except RecursionError:
        refuse("NESTED_TOO_DEEP", "JSON 嵌套层数过多。")
    if hooks.flawed:
        raise HospitalFileRefused(tuple(_flaws(value)))
    return value


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse("NOT_UTF8", "文件是 UTF-16 编码,请另存为 UTF-8 后再试。")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        # A guess would settle a bill under a wrong name: let a person save the file anew.
        kind = "看起来是 GBK/GB18030 编码" if _reads_as_gb18030(raw) else "不是文本文件或已损坏"
        refuse("NOT_UTF8", f"文件不是 UTF-8({kind},第 {line} 行),请另存为 UTF-8 后再试。")


def _reads_as_gb18030(raw: bytes) -> bool:
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands where a value cannot: the reader's hooks do not know where they are."""

    reason: str
    text_zh: str


class _Hooks:
    """What json.loads asks of each number and each object."""

    def __init__(self) -> None:
        self.flawed = False

    def number(self, text: str) -> Decimal | _Flaw:
        if len(text) > NUMBER_LENGTH_MAX or "e" in text.lower():
            return self._flaw("NOT_A_NUMBER", "数值不能用科学计数法,也不能超过 40 个字符。")
        return Decimal(text)

    def constant(self, _: str) -> _Flaw:
        return self._flaw("NOT_A_NUMBER", "数值不能是 NaN 或 Infinity。")

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    text = f"同一对象里字段 {key[:KEY_SHOWN]} 出现了不止一次。"
                    found[key] = self._flaw("DUPLICATE_KEY", text)
                seen.add(key)
        return found

    def _flaw(self, reason: str, text_zh: str) -> _Flaw:
        self.flawed = True
        return _Flaw(reason, text_zh)


def _flaws(document: Any) -> Iterator[FileProblem]:
    """Every flaw with its JSON path, in the order of the file. Not recursive: nor is the file
    bound to what Python's own stack can hold."""
    waiting: list[tuple[str, Any]] = [("$", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Flaw):
            yield FileProblem(path, value.reason, value.text_zh)
        elif isinstance(value, dict):
            inside = [(f"{path}.{key[:KEY_SHOWN]}", item) for key, item in value.items()]
            waiting += reversed(inside)
        elif isinstance(value, list):
            waiting += reversed([(f"{path}[{i}]", item) for i, item in enumerate(value)])
