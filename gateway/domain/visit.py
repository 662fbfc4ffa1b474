"""就诊: who came, to which institution, with which insurance, for what.

Pure values shared by the journeys and every province's adapter. Personal values (P4) live in memory
and encrypted at rest only; nothing here is ever logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from gateway.domain.bill import Bill, HospitalLevel, VisitKind


class Scheme(StrEnum):
    """险种, as far as benefits differ by it."""

    EMPLOYEE = "employee"
    """职工基本医疗保险"""
    RESIDENT = "resident"
    """城乡居民基本医疗保险"""


class PersonKind(StrEnum):
    """人员类别, as far as benefits differ by it; residents' age bands follow from the birth
    date."""

    ACTIVE = "active"
    """在职"""
    RETIRED = "retired"
    """退休"""
    RESIDENT = "resident"
    """居民"""


class CertificateKind(StrEnum):
    """就诊凭证类型."""

    E_CREDENTIAL = "e_credential"
    """医保电子凭证 (number = ecToken: passed through, never stored)"""
    ID_CARD = "id_card"
    """居民身份证"""
    SOCIAL_SECURITY_CARD = "social_security_card"
    """社会保障卡"""


class Filing(StrEnum):
    """备案, as the caller knows it."""

    UNSPECIFIED = "unspecified"
    LONG_TERM = "long_term"
    """跨省长期居住: filed"""
    TRANSFER = "transfer"
    """异地转诊、急诊抢救"""
    TEMPORARY = "temporary"
    """其他临时外出, not filed"""


@dataclass(frozen=True, slots=True)
class Institution:
    """定点医药机构."""

    code: str
    """12 characters, e.g. H00310000001 (synthetic)."""
    name: str
    region: str
    """医保区划 of the institution, 6 digits: the visited region of its claims."""
    level: HospitalLevel
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """The person at the counter, as their certificate names them. Never logged: no repr."""

    certificate_kind: CertificateKind
    certificate_number: str
    card_serial: str
    id_number: str
    """Canonical 公民身份号码, already validated."""
    name: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """诊断."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One 就诊."""

    kind: VisitKind
    visit_no: str
    """门诊号 / 住院号 of the institution."""
    started_at: datetime
    ended_at: datetime | None
    department_code: str
    department_name: str
    doctor_code: str
    doctor_name: str
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True)
class Insurance:
    """One row of what a region knows about a person's insurance (insuinfo)."""

    scheme: Scheme | None
    """None where the region's code maps to no scheme of ours; then `scheme_code` tells."""
    scheme_code: str
    """险种 as the region wrote it, e.g. 310."""
    person_kind: PersonKind | None
    person_kind_code: str
    """人员类别 as the region wrote it, e.g. 11, 21, 116032."""
    insured_region: str
    """参保地医保区划, 6 digits."""
    active: bool
    """False when the insurance is paused."""
    account_fen: int | None
    """个人账户余额; None where the region gave none. A hint, never proof."""


@dataclass(frozen=True, slots=True, repr=False)
class PersonFound:
    """人员基本信息 as the insured region answers it. Never logged: no repr."""

    person_no: str
    """人员编号 of the region: opaque, 9 to 30 characters."""
    id_number: str
    name: str
    birth: date | None
    insurances: tuple[Insurance, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Attendance:
    """Everything a region's messages about one visit may need. Never logged: no repr."""

    patient: Patient
    person: PersonFound
    insurance: Insurance
    visit: Visit
    bill: Bill
    own_pay_fen: int = 0
    over_limit_fen: int = 0
    pre_self_pay_fen: int = 0
    in_scope_fen: int = 0
    use_account: bool = True
    invoice_no: str = ""
    region_visit_id: str = ""
    """就诊ID issued by the region; empty before registration."""
    extra: dict[str, str] = field(default_factory=dict)
    """What an adapter learned on the way and needs again (e.g. a sign-in number)."""
