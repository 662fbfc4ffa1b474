"""What comes through the door, and what does not: each bad input with its path and reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.bill import VisitKind
from gateway.domain.errors import Malformed
from gateway.domain.person import IdMode
from gateway.domain.visit import CertificateKind, Filing, Scheme
from gateway.rpc.convert.commands import predetermine_command, reverse_command, settle_command
from gateway.rpc.convert.unknown_fields import refuse_unknown_fields
from tests.unit.rpc import samples
from yrd.claim.v1 import claim_pb2 as pb
from yrd.type.v1 import type_pb2

Change = Callable[[pb.SettleClaimRequest], object]
LATER = samples.NOW + timedelta(minutes=6)


def refusal(change: Change) -> list[tuple[str, str]]:
    """(field, reason) of everything that a changed request is refused for."""
    request = samples.settle_request()
    change(request)
    with pytest.raises(Malformed) as caught:
        settle_command(request, samples.DOOR)
    return [(v.field, v.reason) for v in caught.value.violations]


def put(path: str, value: object) -> Change:
    """A change that sets one field, e.g. `visit.lines[0].quantity`."""

    def change(request: pb.SettleClaimRequest) -> None:
        *parents, last = path.replace("[", ".[").split(".")
        here: object = request
        for name in parents:
            here = here[int(name[1:-1])] if name[0] == "[" else getattr(here, name)  # type: ignore[index] # protobuf repeated field
        if hasattr(getattr(here, last), "CopyFrom"):
            getattr(here, last).CopyFrom(value)
        else:
            setattr(here, last, value)

    return change


def clear(name: str, parent: str = "") -> Change:
    """A change that leaves a field out."""

    def change(request: pb.SettleClaimRequest) -> None:
        message: Any = getattr(request, parent) if parent else request
        message.ClearField(name)

    return change


def social_security_card_without_serial(request: pb.SettleClaimRequest) -> None:
    request.patient.certificate_kind = type_pb2.CERTIFICATE_KIND_SOCIAL_SECURITY_CARD


def stay_without_end(request: pb.SettleClaimRequest) -> None:
    request.visit.kind = pb.VISIT_KIND_INPATIENT


def stay_that_ends_before_it_begins(request: pb.SettleClaimRequest) -> None:
    request.visit.kind = pb.VISIT_KIND_INPATIENT
    request.visit.ended_at.CopyFrom(samples.stamp(samples.NOW - timedelta(days=3)))


def refund_of_a_refund(request: pb.SettleClaimRequest) -> None:
    request.visit.lines[1].refund_of = "1003"
    request.visit.lines[1].quantity = "-1.5"
    request.visit.lines[1].amount_fen = -1001


def too_many_lines(request: pb.SettleClaimRequest) -> None:
    request.visit.lines.extend(samples.line(str(5000 + i), "1", "1", 100) for i in range(2000))


BAD: list[tuple[Change, str, str]] = [
    (put("request_id", ""), "request_id", "REQUIRED"),
    (put("request_id", "short"), "request_id", "FORMAT"),
    (put("request_id", "with space 1"), "request_id", "FORMAT"),
    (put("request_id", "R-" + samples.ID_NUMBER), "request_id", "PERSONAL_DATA"),
    (put("visited_region", ""), "visited_region", "REQUIRED"),
    (put("visited_region", "3101"), "visited_region", "REGION_MALFORMED"),
    (put("visited_region", "320509"), "visited_region", "VISITED_REGION_MISMATCH"),
    (put("insured_region", "440100"), "insured_region", "REGION_NOT_SERVED"),
    (put("scheme", 99), "scheme", "UNKNOWN_VALUE"),
    (put("filing", 99), "filing", "UNKNOWN_VALUE"),
    (put("invoice_no", "9" * 21), "invoice_no", "TOO_LONG"),
    (clear("patient"), "patient", "REQUIRED"),
    (put("patient.certificate_kind", 0), "patient.certificate_kind", "UNSPECIFIED"),
    (put("patient.certificate_number", "003118195203158883"),
     "patient.certificate_number", "MISMATCH"),
    (social_security_card_without_serial, "patient.card_serial", "REQUIRED"),
    (put("patient.card_serial", "12"), "patient.card_serial", "FORMAT"),
    (put("patient.id_number", ""), "patient.id_number", "REQUIRED"),
    (put("patient.id_number", "003118195203158881"), "patient.id_number", "CHECK_DIGIT"),
    (put("patient.id_number", "11010519491231002X"),
     "patient.id_number", "NOT_SYNTHETIC_IN_DEMO"),
    (put("patient.name", " "), "patient.name", "REQUIRED"),
    (put("patient.name", "测试\n甲"), "patient.name", "INVALID_CHARACTER"),
    (clear("visit"), "visit", "REQUIRED"),
    (put("visit.kind", 0), "visit.kind", "UNSPECIFIED"),
    (put("visit.visit_no", ""), "visit.visit_no", "REQUIRED"),
    (put("visit.batch_no", "B" * 31), "visit.batch_no", "TOO_LONG"),
    (clear("started_at", "visit"), "visit.started_at", "REQUIRED"),
    (put("visit.started_at", samples.stamp(LATER)), "visit.started_at", "FUTURE_DATE"),
    (put("visit.ended_at", samples.stamp(samples.NOW)), "visit.ended_at", "NOT_ALLOWED"),
    (stay_without_end, "visit.ended_at", "REQUIRED"),
    (stay_that_ends_before_it_begins, "visit.ended_at", "ENDS_BEFORE_START"),
    (clear("diagnoses", "visit"), "visit.diagnoses", "REQUIRED"),
    (put("visit.diagnoses[0].code", ""), "visit.diagnoses[0].code", "REQUIRED"),
    (clear("lines", "visit"), "visit.lines", "REQUIRED"),
    (too_many_lines, "visit.lines", "TOO_MANY"),
    (put("visit.lines[0].line_no", "A1"), "visit.lines[0].line_no", "FORMAT"),
    (put("visit.lines[1].line_no", "1001"), "visit.lines[1].line_no", "DUPLICATE_LINE"),
    (put("visit.lines[1].item_code", ""), "visit.lines[1].item_code", "REQUIRED"),
    (put("visit.lines[1].occurred_at", samples.stamp(LATER)),
     "visit.lines[1].occurred_at", "FUTURE_DATE"),
    (put("visit.lines[1].quantity", ""), "visit.lines[1].quantity", "REQUIRED"),
    (put("visit.lines[1].quantity", "1e3"), "visit.lines[1].quantity", "FORMAT"),
    (put("visit.lines[1].quantity", "٣"), "visit.lines[1].quantity", "FORMAT"),
    (put("visit.lines[1].quantity", "NaN"), "visit.lines[1].quantity", "FORMAT"),
    (put("visit.lines[1].quantity", "1.50001"), "visit.lines[1].quantity", "TOO_MANY_DECIMALS"),
    (put("visit.lines[1].quantity", "0"), "visit.lines[1].quantity", "ZERO_QUANTITY"),
    (put("visit.lines[1].unit_price_yuan", "6.6700001"),
     "visit.lines[1].unit_price_yuan", "TOO_MANY_DECIMALS"),
    (put("visit.lines[1].unit_price_yuan", "-6.67"),
     "visit.lines[1].unit_price_yuan", "PRICE_NOT_POSITIVE"),
    (put("visit.lines[1].amount_fen", 1000), "visit.lines[1].amount_fen", "AMOUNT_MISMATCH"),
    (put("visit.lines[2].refund_of", ""),
     "visit.lines[2].refund_of", "NEGATIVE_WITHOUT_ORIGINAL"),
    (put("visit.lines[2].refund_of", "77"), "visit.lines[2].refund_of", "ORIGINAL_NOT_FOUND"),
    (put("visit.lines[2].quantity", "1"), "visit.lines[2].quantity", "REFUND_NOT_NEGATIVE"),
    (put("visit.lines[2].unit_price_yuan", "12.4"),
     "visit.lines[2].unit_price_yuan", "REFUND_PRICE_DIFFERS"),
    (refund_of_a_refund, "visit.lines[1].refund_of", "ORIGINAL_NOT_FOUND"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "reason"), BAD, ids=[f"{f}:{r}" for _, f, r in BAD])
def test_a_bad_field_is_refused_with_its_path_and_reason(
    change: Change, field: str, reason: str
) -> None:
    assert (field, reason) in refusal(change)


def test_a_good_request_becomes_a_command() -> None:
    command = settle_command(samples.settle_request(), samples.DOOR)
    assert command.request_id == "H001-20261124-0001"
    assert command.institution is samples.QINGPU
    assert (command.visited_region, command.insured_region) == ("310118", "330421")
    assert command.patient.certificate_kind is CertificateKind.ID_CARD
    assert command.patient.id_number == samples.ID_NUMBER
    assert command.visit.kind is VisitKind.OUTPATIENT
    assert command.visit.ended_at is None
    assert command.bill.total_fen == 2251
    assert command.bill.lines[1].quantity == Decimal("1.5")
    assert command.bill.lines[2].refund_of == "1001"
    assert command.bill.lines[0].hospital_approved is None
    assert command.scheme is Scheme.EMPLOYEE
    assert command.filing is Filing.LONG_TERM
    assert command.use_account and command.invoice_no == "F0001"


def test_all_violations_are_told_at_once() -> None:
    def change(request: pb.SettleClaimRequest) -> None:
        request.request_id = ""
        request.patient.name = ""
        request.visit.lines[0].quantity = "1e3"
        request.visit.lines[1].amount_fen = 1

    assert refusal(change) == [
        ("request_id", "REQUIRED"),
        ("patient.name", "REQUIRED"),
        ("visit.lines[0].quantity", "FORMAT"),
        ("visit.lines[1].amount_fen", "AMOUNT_MISMATCH"),
    ]


def test_a_missing_part_is_told_once_and_not_field_by_field() -> None:
    assert refusal(clear("patient")) == [("patient", "REQUIRED")]


def test_a_single_reason_becomes_the_reason_of_the_whole() -> None:
    request = samples.settle_request()
    request.patient.id_number = request.patient.certificate_number = "003118195203158881"
    with pytest.raises(Malformed) as caught:
        settle_command(request, samples.DOOR)
    assert caught.value.code == "CHECK_DIGIT"


def test_no_text_repeats_what_was_sent_about_a_person() -> None:
    request = samples.settle_request()
    request.patient.id_number = "003118195203158881"
    request.patient.certificate_number = "003118195203158883"
    request.patient.name = "测试" * 30
    with pytest.raises(Malformed) as caught:
        settle_command(request, samples.DOOR)
    told = str(caught.value) + "".join(v.text_zh for v in caught.value.violations)
    assert "0031181952" not in told and "测试" not in told


def test_five_minutes_of_skew_are_no_future() -> None:
    request = samples.settle_request()
    request.visit.started_at.CopyFrom(samples.stamp(samples.NOW + timedelta(minutes=4)))
    assert settle_command(request, samples.DOOR).visit.started_at > samples.NOW


def test_full_width_digits_of_an_identity_number_are_understood() -> None:
    request = samples.settle_request()
    request.patient.id_number = samples.ID_NUMBER.translate(
        {ord(str(d)): chr(ord("0") + d) for d in range(10)}
    )
    assert settle_command(request, samples.DOOR).patient.id_number == samples.ID_NUMBER


def test_production_refuses_a_synthetic_number() -> None:
    door = dataclasses.replace(samples.DOOR, id_mode=IdMode.PRODUCTION)
    with pytest.raises(Malformed) as caught:
        predetermine_command(samples.predetermine_request(), door)
    assert [v.reason for v in caught.value.violations] == ["SYNTHETIC_IN_PRODUCTION"]


def test_a_bill_of_refunds_only_has_nothing_to_settle() -> None:
    def change(request: pb.SettleClaimRequest) -> None:
        del request.visit.lines[1]
        request.visit.lines[1].quantity = "-2"
        request.visit.lines[1].amount_fen = -2500

    assert refusal(change) == [("visit.lines", "NOT_POSITIVE")]


def test_an_unknown_field_is_refused_with_its_place_because_money_moves_by_it() -> None:
    request = samples.settle_request()
    refuse_unknown_fields(request)
    # Field 99, varint 1: what a newer client might send in the second line.
    newer = request.visit.lines[1].SerializeToString() + b"\x98\x06\x01"
    request.visit.lines[1].ParseFromString(newer)
    with pytest.raises(Malformed) as caught:
        refuse_unknown_fields(request)
    assert [(v.field, v.reason) for v in caught.value.violations] == [
        ("visit.lines[1]#99", "UNKNOWN_FIELD")
    ]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("request_id", "", "REQUIRED"),
        ("claim_id", "", "REQUIRED"),
        ("claim_id", "clm 1", "FORMAT"),
        ("reason", "改" * 201, "TOO_LONG"),
        ("reason", f"{samples.ID_NUMBER} 录错", "PERSONAL_DATA"),
    ],
)
def test_a_bad_reversal_is_refused(field: str, value: str, reason: str) -> None:
    request = pb.ReverseClaimRequest(request_id="H001-20261124-R", claim_id="clm_01")
    setattr(request, field, value)
    with pytest.raises(Malformed) as caught:
        reverse_command(request, samples.DOOR)
    assert [(v.field, v.reason) for v in caught.value.violations] == [(field, reason)]


def test_a_good_reversal_becomes_a_command() -> None:
    request = pb.ReverseClaimRequest(
        request_id="H001-20261124-R", claim_id="clm_01", reason="收费录入错误", etag="2"
    )
    command = reverse_command(request, samples.DOOR)
    assert (command.claim_id, command.reason, command.etag) == ("clm_01", "收费录入错误", "2")
