"""人员类别: what a benefit rule may depend on in a person.

Pure. It is made from what the insured region answered and from the age on the service day; it is
never guessed from an identity number's prefix.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.errors import Malformed
from gateway.domain.visit import PersonKind, Scheme

STUDENT_AGE_MAX = 18
SENIOR_AGE_MIN = 60


class PersonCategory(StrEnum):
    """人员类别 of the policies: what a benefit rule may depend on."""

    ACTIVE = "active"
    """在职职工"""
    RETIRED = "retired"
    """退休职工"""
    ADULT = "adult_19_59"
    """19–59 岁居民"""
    SENIOR = "senior_60_plus"
    """60 岁及以上居民"""
    STUDENT = "student"
    """学生儿童: residents of 18 or younger"""

    @property
    def scheme(self) -> Scheme:
        employee = self in (PersonCategory.ACTIVE, PersonCategory.RETIRED)
        return Scheme.EMPLOYEE if employee else Scheme.RESIDENT


def category_of(scheme: Scheme, kind: PersonKind | None, age: int | None) -> PersonCategory:
    """人员类别 from what the insured region said and the age on the service day.

    Raises Malformed PERSON_KIND_UNCLEAR when it cannot be told: never guessed.
    """
    if scheme is Scheme.EMPLOYEE and kind in (PersonKind.ACTIVE, PersonKind.RETIRED):
        return PersonCategory(kind.value)
    if scheme is Scheme.RESIDENT and kind in (PersonKind.RESIDENT, None) and age is not None:
        if age >= SENIOR_AGE_MIN:
            return PersonCategory.SENIOR
        return PersonCategory.STUDENT if age <= STUDENT_AGE_MAX else PersonCategory.ADULT
    raise Malformed(
        f"no category for {scheme} / {kind}",
        reason="PERSON_KIND_UNCLEAR",
        text_zh="参保地返回的人员类别与险种不相配,无法确定待遇,请向参保地核实。",
    )
