"""算例用词: the Chinese words of a cases file, as 经办人员 write them, and what they mean here.

A word that is not listed is refused and never guessed. Full-width forms and the words that add
nothing (岁, 医保, 医院 …) are taken off first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TypeVar

from gateway.domain.bill import HospitalLevel, VisitKind
from gateway.domain.person_category import PersonCategory
from gateway.domain.visit import Scheme

T = TypeVar("T")

CITIES = {
    "上海": "310000", "青浦": "310118", "苏州": "320500", "吴江": "320509", "嘉兴": "330400",
    "嘉善": "330421",
}  # fmt: skip
SCHEMES = {"职工": Scheme.EMPLOYEE, "居民": Scheme.RESIDENT}
VISITS = {
    "门诊": VisitKind.OUTPATIENT, "急诊": VisitKind.EMERGENCY, "住院": VisitKind.INPATIENT,
}  # fmt: skip
LEVELS = {
    "一级": HospitalLevel.PRIMARY, "基层": HospitalLevel.PRIMARY, "社区": HospitalLevel.PRIMARY,
    "一级及基层": HospitalLevel.PRIMARY, "一级/基层": HospitalLevel.PRIMARY,
    "二级": HospitalLevel.SECONDARY, "三级": HospitalLevel.TERTIARY,
}  # fmt: skip
PERSONS = {
    "在职": PersonCategory.ACTIVE,
    "退休": PersonCategory.RETIRED,
    **dict.fromkeys(("19-59", "成年", "成年人"), PersonCategory.ADULT),
    **dict.fromkeys(("60+", "60及以上", "60以上", "老年", "老年人"), PersonCategory.SENIOR),
    **dict.fromkeys(
        ("学生", "儿童", "学生儿童", "学生及儿童", "学生和儿童", "中小学生", "未成年人", "0-18"),
        PersonCategory.STUDENT,
    ),
}
_NOISE = ("基本医疗保险", "医保", "城镇", "城乡", "普通", "医院", "甲等", "乙等", "岁", "人员")
_DASHES = str.maketrans({"–": "-", "—": "-", "~": "-", "至": "-"})
_ANYONE = {"", "any", "不限", "n/a", "na", "-"}
_NOT_SAID = {"", "n/a", "na", "-"}


def is_any(text: str) -> bool:
    """Whoever or wherever: no word at all, or one that says so."""
    return text.lower() in _ANYONE


def is_unsaid(text: str) -> bool:
    return text.lower() in _NOT_SAID


def meaning(text: str, words: Mapping[str, T]) -> T | None:
    """What a word stands for, or None."""
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES).replace(" ", "")
    if plain in words:
        return words[plain]
    for noise in _NOISE:
        plain = plain.replace(noise, "")
    # 19-59岁居民: the scheme has a column of its own.
    return words.get(plain) or words.get(plain.removesuffix("居民").removesuffix("职工"))


def city_code(name: str) -> str | None:
    """Area code of a city we know by name, or None."""
    return CITIES.get(name.rstrip("市区县"))
