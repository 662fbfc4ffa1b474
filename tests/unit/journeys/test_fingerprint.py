"""What makes two requests the same body."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from gateway.domain.bill import Bill, BillLine, HospitalLevel, VisitKind
from gateway.domain.visit import (
    CertificateKind,
    Diagnosis,
    Institution,
    Patient,
    Scheme,
    Visit,
)
from gateway.journeys.commands import SettleCommand
from gateway.journeys.fingerprint import fingerprint

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
LINE = BillLine("1001", "SYN-XA01-0001", "Y1", AT, Decimal("2"), Decimal("12.50"), 2500)
COMMAND = SettleCommand(
    institution=Institution(
        "H00310000001", "示例医院", "310118", HospitalLevel.TERTIARY, date(2023, 1, 1)
    ),
    visited_region="310118",
    insured_region="330421",
    patient=Patient(
        CertificateKind.ID_CARD, "003321198503120117", "", "003321198503120117", "测试丙一"
    ),
    visit=Visit(
        VisitKind.OUTPATIENT,
        "OP1",
        AT,
        None,
        "A03",
        "内科",
        "D1",
        "测试医师",
        (Diagnosis("J06.900", "示例诊断"),),
    ),
    bill=Bill("B001", (LINE,)),
    request_id="req-fingerprint-1",
)


def test_the_same_command_has_the_same_fingerprint() -> None:
    assert fingerprint(COMMAND) == fingerprint(replace(COMMAND))


def test_every_part_of_the_bill_counts() -> None:
    dearer = replace(LINE, unit_price=Decimal("12.51"), amount_fen=2502)
    assert fingerprint(replace(COMMAND, bill=Bill("B001", (dearer,)))) != fingerprint(COMMAND)


def test_the_same_amount_written_otherwise_is_the_same_body() -> None:
    spelled = replace(LINE, quantity=Decimal("2.0000"), unit_price=Decimal("12.5"))
    assert fingerprint(replace(COMMAND, bill=Bill("B001", (spelled,)))) == fingerprint(COMMAND)


def test_the_same_instant_in_another_zone_is_the_same_body() -> None:
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    moved = replace(COMMAND, visit=replace(COMMAND.visit, started_at=shanghai))
    assert fingerprint(moved) == fingerprint(COMMAND)


def test_a_field_left_at_its_default_does_not_count() -> None:
    assert b'"scheme"' not in fingerprint(COMMAND)
    assert b'"scheme"' in fingerprint(replace(COMMAND, scheme=Scheme.EMPLOYEE))


def test_the_institutions_register_entry_may_change_without_changing_the_request() -> None:
    renamed = replace(COMMAND.institution, name="示例新名医院", level=HospitalLevel.SECONDARY)
    assert fingerprint(replace(COMMAND, institution=renamed)) == fingerprint(COMMAND)
