"""中文名称 of the words a benefit depends on: one place, so that a receipt and a table agree."""

from __future__ import annotations

from gateway.domain.bill import HospitalLevel
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy_rules import VisitClass
from gateway.domain.visit import Scheme

SCHEME_ZH = {Scheme.EMPLOYEE: "职工", Scheme.RESIDENT: "居民"}

PERSON_ZH = {
    PersonCategory.ACTIVE: "在职",
    PersonCategory.RETIRED: "退休",
    PersonCategory.ADULT: "19–59岁",
    PersonCategory.SENIOR: "60岁及以上",
    PersonCategory.STUDENT: "学生儿童",
}

VISIT_ZH = {VisitClass.OUTPATIENT: "门诊", VisitClass.INPATIENT: "住院"}

LEVEL_ZH = {
    HospitalLevel.PRIMARY: "一级/基层",
    HospitalLevel.SECONDARY: "二级",
    HospitalLevel.TERTIARY: "三级",
}
