"""JSON text read exactly: numbers become Decimal, and what readers usually forgive is refused.

No envelope knowledge. Refused with a reason: another encoding than UTF-8, a byte order of keys that
hides one (the same key twice), NaN and Infinity, bottomless nesting, files above 8 MiB.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from gateway.hospital_files.problem import FileProblem, HospitalFileRefused

SIZE_MAX = 8 * 1024 * 1024
"""Bytes; 2000 detail rows with every optional field stay below 3 MiB."""
NUMBER_LENGTH_MAX = 40
"""Characters of one number: the widest field is 16,6."""


def refuse(reason: str, text_zh: str, path: str = "$") -> NoReturn:
    """Raise for a file that cannot be read any further."""
    raise HospitalFileRefused((FileProblem(path, reason, text_zh),))


def parse(raw: bytes) -> Any:
    """The file's JSON value. Raises HospitalFileRefused with exactly one problem."""
    if len(raw) > SIZE_MAX:
        refuse("TOO_LARGE", f"文件超过 {SIZE_MAX // 1024 // 1024} MiB,请按次结算拆分成多个文件。")
    text = _decode(raw)
    if not text.strip():
        refuse("EMPTY_FILE", "文件是空的。")
    try:
        return json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        place = f"第 {error.lineno} 行第 {error.colno} 列"
        refuse("NOT_JSON", f"不是有效的 JSON:{place}附近有语法错误。")
    except RecursionError:
        refuse("NESTED_TOO_DEEP", "JSON 嵌套层数过多。")


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


def _number(text: str) -> Decimal:
    if len(text) > NUMBER_LENGTH_MAX or "e" in text.lower():
        refuse("NOT_A_NUMBER", "数值不能用科学计数法,也不能超过 40 个字符。")
    return Decimal(text)


def _no_constant(_: str) -> NoReturn:
    refuse("NOT_A_NUMBER", "数值不能是 NaN 或 Infinity。")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            refuse("DUPLICATE_KEY", f"同一对象里字段 {key[:40]} 出现了两次。")
        found[key] = value
    return found
