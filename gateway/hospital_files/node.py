"""One JSON object of a file, read field by field; what is wrong is collected, not raised.

Every reader answers None (or "") for a field that is absent or wrong, so that one pass finds
everything. Codes may come as text or as a whole number (`"11"` or `11`); everything else keeps to
its type. Empty text and null mean "not given" (general rule of the interface: empty text is sent as
"").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from gateway.hospital_files import known_fields
from gateway.hospital_files.problem import FileProblem

T = TypeVar("T")

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The wire carries no zone."""
LARGEST = Decimal(10) ** 14
"""The interface's amounts are 16,2."""


class Node:
    """A JSON object at `path`; `found` is shared by all nodes of one file."""

    def __init__(
        self,
        path: str,
        values: Mapping[str, Any],
        found: list[FileProblem],
        *,
        table: tuple[str, str],
    ) -> None:
        self.path = path
        self.values = values
        self._found = found
        self._table = table

    def at(self, name: str) -> str:
        """JSON path of a field of this object."""
        return f"{self.path}.{name}"

    def say(self, name: str, reason: str, text_zh: str) -> None:
        """Note a problem of the field, named as the specification names it."""
        label = known_fields.names(*self._table).get(name, "")
        shown = f"{label}({name})" if label else name
        self._found.append(FileProblem(self.at(name), reason, f"{shown}:{text_zh}"))

    def check_names(self) -> None:
        """Every field must be a published one: a misspelt name would silently lose its value."""
        for name in self.values:
            if name not in known_fields.names(*self._table):
                near = known_fields.nearest(name, *self._table)
                hint = f"是否应为 {near}?" if near else "请核对接口规范。"
                text = f"未知字段 {name[:40]}。{hint}"
                self._found.append(FileProblem(self.at(name[:40]), "UNKNOWN_FIELD", text))

    def text(self, name: str, *, required: bool = True) -> str:
        """A text field, outer white space removed; "" where absent."""
        value = self.values.get(name)
        if value is None or value == "":
            if required:
                self.say(name, "REQUIRED", "必填,不能为空。")
            return ""
        if not isinstance(value, str):
            # An identity number or a code with leading zeros does not survive as a number.
            self.say(name, "NOT_TEXT", "应为文本(加引号)。")
            return ""
        return value.strip()

    def code(self, name: str, known: Mapping[str, T], *, required: bool = True) -> T | None:
        """A code that we know; an unknown one is named, never guessed."""
        value = self.values.get(name)
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = str(int(value))
        if value is None or value == "":
            if required:
                self.say(name, "REQUIRED", "必填,不能为空。")
            return None
        if not isinstance(value, str) or value.strip() not in known:
            self.say(name, "UNKNOWN_CODE", f"不支持的代码,可用:{'、'.join(known)}。")
            return None
        return known[value.strip()]

    def decimal(self, name: str, *, places: int, required: bool = True) -> Decimal | None:
        """An exact number with at most `places` decimals, given as a number or as text."""
        value = self.values.get(name)
        if value is None or value == "":
            if required:
                self.say(name, "REQUIRED", "必填,不能为空。")
            return None
        number = value if isinstance(value, Decimal) else _plain_number(value)
        if number is None:
            self.say(name, "NOT_A_NUMBER", "应为数值,如 12.50。")
            return None
        if abs(number) >= LARGEST:
            self.say(name, "OUT_OF_RANGE", "数值过大。")
            return None
        if number != number.quantize(Decimal(1).scaleb(-places)):
            reason = "THIRD_DECIMAL" if places == 2 else "TOO_MANY_DECIMALS"
            self.say(name, reason, f"最多 {places} 位小数。")
            return None
        return number

    def fen(self, name: str, *, required: bool = True) -> int | None:
        """An amount in yuan, exactly, as fen."""
        yuan = self.decimal(name, places=2, required=required)
        return None if yuan is None else int(yuan.scaleb(2))

    def moment(self, name: str, *, required: bool = True) -> datetime | None:
        """`yyyy-MM-dd HH:mm:ss` in Asia/Shanghai, as aware UTC."""
        text = self.text(name, required=required)
        if not text:
            return None
        try:
            local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
        except ValueError:
            self.say(name, "NOT_A_TIME", "时间格式应为 yyyy-MM-dd HH:mm:ss,且为真实日期。")
            return None
        return local.replace(tzinfo=SHANGHAI).astimezone(UTC)


def _plain_number(value: object) -> Decimal | None:
    """A Decimal from text like `-12.50`: ASCII digits only, no exponent, no separators."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    digits = text.removeprefix("-")
    whole, _, fraction = digits.partition(".")
    plain = digits.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in digits)
    if not plain or len(text) > 40:
        return None
    return Decimal(text)
