"""Texts of a request: trimmed, of a known width, of the agreed characters.

Widths are those of the national interface, whose fields the texts end up in.
"""

from __future__ import annotations

import re

from gateway import telemetry
from gateway.rpc.convert.findings import Findings

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_CLAIM_ID = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_LINE_NO = re.compile(r"[0-9]{1,15}", re.ASCII)


def text(found: Findings, field: str, value: str, *, at_most: int, required: bool = False) -> str:
    """The trimmed text; adds REQUIRED, TOO_LONG or INVALID_CHARACTER."""
    value = value.strip()
    if not value and required:
        found.add(field, "REQUIRED", "此项必填,请补充后重试。")
    if len(value) > at_most:
        found.add(field, "TOO_LONG", f"此项过长,最多{at_most}个字符,请核对后重试。")
    if _CONTROL.search(value):
        found.add(field, "INVALID_CHARACTER", "此项含有不可见的控制字符,请重新录入。")
    return value


def request_id(found: Findings, field: str, value: str) -> str:
    """8 to 64 of [A-Za-z0-9._-], and no identity number: it is stored and logged as it is."""
    if not value:
        found.add(field, "REQUIRED", "请求号必填;每笔新业务请使用新的请求号。")
    elif not _REQUEST_ID.fullmatch(value):
        found.add(field, "FORMAT", "请求号须为8至64位字母、数字、点、下划线或连字符,请修改后重试。")
    elif _names_a_person(value):
        found.add(field, "PERSONAL_DATA", "请求号中不得含有身份证号码,请更换编号规则。")
    return value


def claim_id(found: Findings, field: str, value: str) -> str:
    """Required; the characters of our ids."""
    if not value:
        found.add(field, "REQUIRED", "结算单编号必填。")
    elif not _CLAIM_ID.fullmatch(value):
        found.add(field, "FORMAT", "结算单编号格式不正确,请原样使用系统返回的编号。")
    return value


def line_no(found: Findings, field: str, value: str) -> str:
    """费用明细流水号: 1 to 15 ASCII digits (the narrowest province's width)."""
    if not value:
        found.add(field, "REQUIRED", "费用明细流水号必填。")
    elif not _LINE_NO.fullmatch(value):
        found.add(field, "FORMAT", "费用明细流水号须为1至15位数字。")
    return value


def remark(found: Findings, field: str, value: str, *, at_most: int) -> str:
    """Free text that is kept: no identity number in it."""
    value = text(found, field, value, at_most=at_most)
    if _names_a_person(value):
        found.add(field, "PERSONAL_DATA", "说明中不得含有身份证号码,请删去后重试。")
    return value


def _names_a_person(value: str) -> bool:
    # Only with a right check digit: an 18-digit running number made of a time is no person.
    return "[REDACTED:id_number]" in telemetry.redact(value)
