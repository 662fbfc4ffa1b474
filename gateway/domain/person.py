"""公民身份号码: is this a well-formed identity number, how old is its holder, how is it shown.

Pure; `today` is an argument. It never compares the prefix with a table of regions: a number keeps
the code of the place and year of its assignment (310229, 320525 belong to living people), and says
nothing about residence or insurance. It does not look anyone up. No message holds the number.
First 6 + last 4 digits would be an unsafe mask (33 candidates once the age is known); ours leaves
about a hundred thousand, and synthetic values go the same way.
Source: GB 11643 (structure, ISO 7064 MOD 11-2); order of the checks as numbered below.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.domain.errors import Malformed

_FORMAT = re.compile(r"(00|[1-9][0-9])[0-9]{15}[0-9X]", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
AGE_IMPLAUSIBLE_ABOVE = 120

COMPOUND_SURNAMES = frozenset({
    "欧阳", "上官", "司马", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐",
    "司徒", "东方", "西门", "南宫", "端木", "轩辕", "长孙", "宇文", "独孤", "闻人",
})  # fmt: skip


class IdMode(StrEnum):
    """Which world we are in. Set once at start; there is no default."""

    DEMO = "demo"
    """Only synthetic numbers (00…) are let in; demo and test environments."""
    PRODUCTION = "production"
    """Synthetic numbers are refused."""


class IdKind(StrEnum):
    """Whose number it is, by its first digits."""

    CITIZEN = "citizen"
    """公民"""
    HMT_RESIDENT = "hmt_resident"
    """港澳台居民居住证 (81, 82, 83) [unverified]"""
    FOREIGN_RESIDENT = "foreign_resident"
    """外国人永久居留身份证 (9, form of 2023): digits 2–6 are not checked"""
    SYNTHETIC = "synthetic"
    """合成数据, ours only: 00 is no province"""


@dataclass(frozen=True, slots=True, repr=False)
class IdVerdict:
    """What the validator says. Holds the number: no repr, never logged."""

    accepted: bool
    code: str
    """OK, or the first check that failed: FORMAT, NOT_SYNTHETIC_IN_DEMO, …"""
    canonical: str = ""
    """18 ASCII characters; empty unless accepted."""
    kind: IdKind | None = None
    warnings: tuple[str, ...] = ()
    """AGE_IMPLAUSIBLE: accepted all the same."""

    @property
    def text_zh(self) -> str:
        """中文说明 for the person at the counter; without the value."""
        return _TEXTS[self.code]


_TEXTS = {
    "OK": "身份号码有效。",
    "FORMAT": "身份号码应为 18 位:17 位数字加 1 位数字或 X。",
    "NOT_SYNTHETIC_IN_DEMO": "演示环境只接受合成身份号码(00 开头),请勿录入真实人员的号码。",
    "SYNTHETIC_IN_PRODUCTION": "生产环境不接受合成身份号码(00 开头)。",
    "BIRTH_DATE": "身份号码中的出生日期不存在或晚于今天,请核对。",
    "SEQUENCE_ZERO": "身份号码的顺序码不能为 000,请核对。",
    "CHECK_DIGIT": "身份号码的校验码不符,请逐位核对。",
}


def check_digit(first17: str) -> str:
    """校验码 of the first 17 digits (MOD 11-2)."""
    total = sum(w * int(d) for w, d in zip(_WEIGHTS, first17, strict=True))
    return _CHECK[total % 11]


def validate_id(text: str, *, mode: IdMode, today: date) -> IdVerdict:
    """The checks in their order; the first that fails gives the code. `today` in Asia/Shanghai."""
    # (1) normalise: full-width digits and X, lower-case x
    number = unicodedata.normalize("NFKC", text).strip().upper()
    # (2) a full match with ASCII classes: \d takes Arabic-Indic digits, $ a final newline
    if not _FORMAT.fullmatch(number):
        return IdVerdict(False, "FORMAT")
    # (3) before the content, so that a mistyped real number is refused in demo too
    synthetic = number.startswith("00")
    if mode is IdMode.DEMO and not synthetic:
        return IdVerdict(False, "NOT_SYNTHETIC_IN_DEMO")
    if mode is IdMode.PRODUCTION and synthetic:
        return IdVerdict(False, "SYNTHETIC_IN_PRODUCTION")
    # (4) a real day that is not in the future
    birth = _birth(number)
    if birth is None or birth > today:
        return IdVerdict(False, "BIRTH_DATE")
    # (5)
    if number[14:17] == "000":
        return IdVerdict(False, "SEQUENCE_ZERO")
    # (6)
    if check_digit(number[:17]) != number[17]:
        return IdVerdict(False, "CHECK_DIGIT")
    # (7)
    odd = age_on(birth, today) > AGE_IMPLAUSIBLE_ABOVE
    return IdVerdict(True, "OK", number, _kind(number), ("AGE_IMPLAUSIBLE",) if odd else ())


def birth_date_of(canonical: str) -> date:
    """出生日期 of an accepted number. The register's date, where there is one, wins over it."""
    birth = _birth(canonical)
    if birth is None:
        raise Malformed("not an accepted identity number", reason="BIRTH_DATE")
    return birth


def age_on(birth: date, day: date) -> int:
    """周岁 on a day: completed years; 29 February counts from 1 March in common years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def mask_id(number: str) -> str:
    """First 3 + 13 asterisks + last 2 of an identity number; all asterisks for anything else."""
    if not _FORMAT.fullmatch(number):
        return "*" * len(number)
    return f"{number[:3]}{'*' * 13}{number[-2:]}"


def mask_name(name: str) -> str:
    """张三 → 张*, 欧阳锋甲 → 欧阳**, 阿依·古丽 → 阿***. A name of one character is hidden whole."""
    if len(name) < 2:
        return "*" * len(name)
    if "·" in name:
        return f"{name[0]}***"
    if len(name) > 2 and name[:2] in COMPOUND_SURNAMES:
        return name[:2] + "*" * (len(name) - 2)
    return name[0] + "*" * (len(name) - 1)


def _birth(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _kind(number: str) -> IdKind:
    if number.startswith("00"):
        return IdKind.SYNTHETIC
    if number.startswith("9"):
        return IdKind.FOREIGN_RESIDENT
    if number[:2] in ("81", "82", "83"):
        return IdKind.HMT_RESIDENT
    return IdKind.CITIZEN
