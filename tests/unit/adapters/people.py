"""One synthetic patient, visit and bill, and codecs that need no network."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from adapters import wiring
from adapters.anhui.codec import AnhuiCodec
from adapters.baseline.codec import NationalCodec
from adapters.jiangsu.codec import JiangsuCodec
from adapters.shanghai.codec import ShanghaiCodec
from adapters.signing import schemes
from adapters.signing.scheme import Secrets
from adapters.zhejiang.codec import ZhejiangCodec
from gateway.domain.bill import Bill, BillLine, HospitalLevel, VisitKind
from gateway.domain.visit import (
    Attendance,
    CertificateKind,
    Diagnosis,
    Institution,
    Insurance,
    Patient,
    PersonFound,
    PersonKind,
    Scheme,
    Visit,
)
from gateway.ports import CallContext
from tests.stand_in_secrets import our_secrets

NOW = datetime(2025, 9, 10, 2, 30, tzinfo=UTC)
MSGID = "H00310000001202509101030000001"
CLASSES = {
    "shanghai": ShanghaiCodec,
    "jiangsu": JiangsuCodec,
    "zhejiang": ZhejiangCodec,
    "anhui": AnhuiCodec,
}
REGIONS = {"shanghai": "310118", "jiangsu": "320509", "zhejiang": "330421", "anhui": "348801"}
HOSPITAL = Institution(
    "H00310000001", "示例青浦中心医院", "310118", HospitalLevel.TERTIARY, date(2023, 1, 1)
)


def codec(province: str) -> NationalCodec:
    profile = wiring.book_of(f"adapters.{province}").at(date(2025, 9, 10))
    secrets = Secrets("demo-ak", b"demo-secret")
    if profile.encryption is not None:
        secrets = our_secrets(province)
    return CLASSES[province](
        profile,
        schemes.of(profile.signing, secrets, profile.name_zh),
        cipher=schemes.cipher_of(profile.encryption, secrets),
    )


def context(province: str) -> CallContext:
    return CallContext(MSGID, HOSPITAL, HOSPITAL.region, REGIONS[province], NOW, 10.0)


def attendance(kind: VisitKind = VisitKind.OUTPATIENT, psn_type: str = "11") -> Attendance:
    patient = Patient(
        CertificateKind.SOCIAL_SECURITY_CARD,
        "T0000001X",
        "003118D156000005FFFF000000000001",
        "003118195203158882",
        "测试甲一",
    )
    insurance = Insurance(
        Scheme.EMPLOYEE, "310", PersonKind.ACTIVE, psn_type, "310118", True, 300_000
    )
    person = PersonFound("900000001", patient.id_number, patient.name, None, (insurance,))
    visit = Visit(
        kind,
        "V00001",
        NOW,
        NOW,
        "0301",
        "内科",
        "D001",
        "测试医师",
        (Diagnosis("I10.x00", "高血压"), Diagnosis("E11.900", "2型糖尿病")),
    )
    bill = Bill(
        "B0001",
        (
            BillLine(
                "1",
                "SYN-XA01-0001",
                "H1",
                NOW,
                Decimal("1.5"),
                Decimal("12.345678"),
                1852,
                hospital_approved=True,
            ),
        ),
    )
    return Attendance(
        patient,
        person,
        insurance,
        visit,
        bill,
        own_pay_fen=0,
        over_limit_fen=2,
        pre_self_pay_fen=185,
        in_scope_fen=1665,
        region_visit_id="S1",
    )
