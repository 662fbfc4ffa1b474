"""就诊: the visit of a request, without its bill."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.bill import VisitKind
from gateway.domain.visit import Diagnosis, Visit
from gateway.rpc.convert.door import Door
from gateway.rpc.convert.enums import VISIT_KINDS, read_enum
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.texts import text
from gateway.rpc.convert.times import past_instant
from yrd.claim.v1 import claim_pb2

VISIT_NO_MAX = 30
CODE_MAX = 30
NAME_MAX = 100
DOCTOR_NAME_MAX = 50
DIAGNOSES_MAX = 30
DIAGNOSIS_CODE_MAX = 20


def visit(found: Findings, field: str, message: claim_pb2.Visit, door: Door) -> Visit:
    """The visit; what is wrong goes into `found`, and then the value must not be used."""

    def required(name: str, at_most: int) -> str:
        return text(
            found, f"{field}.{name}", getattr(message, name), at_most=at_most, required=True
        )

    kind = read_enum(found, f"{field}.kind", message.kind, VISIT_KINDS)
    started_at = _started_at(found, f"{field}.started_at", message, door)
    return Visit(
        kind=kind or VisitKind.OUTPATIENT,
        visit_no=required("visit_no", VISIT_NO_MAX),
        started_at=started_at,
        ended_at=_ended_at(found, f"{field}.ended_at", message, door, kind, started_at),
        department_code=required("department_code", CODE_MAX),
        department_name=required("department_name", NAME_MAX),
        doctor_code=required("doctor_code", CODE_MAX),
        doctor_name=required("doctor_name", DOCTOR_NAME_MAX),
        diagnoses=_diagnoses(found, f"{field}.diagnoses", message),
    )


def _started_at(found: Findings, field: str, message: claim_pb2.Visit, door: Door) -> datetime:
    if not message.HasField("started_at"):
        found.add(field, "REQUIRED", "就诊(入院)时间必填。")
        return door.now
    return past_instant(found, field, message.started_at, door.now) or door.now


def _ended_at(
    found: Findings,
    field: str,
    message: claim_pb2.Visit,
    door: Door,
    kind: VisitKind | None,
    started_at: datetime,
) -> datetime | None:
    if not message.HasField("ended_at"):
        if kind is VisitKind.INPATIENT:
            found.add(field, "REQUIRED", "住院结算须填写出院时间。")
        return None
    if kind is not None and kind is not VisitKind.INPATIENT:
        found.add(field, "NOT_ALLOWED", "只有住院可填写出院时间。")
        return None
    ended_at = past_instant(found, field, message.ended_at, door.now)
    if ended_at is not None and ended_at < started_at:
        found.add(field, "ENDS_BEFORE_START", "出院时间早于入院时间,请核对。")
    return ended_at


def _diagnoses(found: Findings, field: str, message: claim_pb2.Visit) -> tuple[Diagnosis, ...]:
    if not message.diagnoses:
        found.add(field, "REQUIRED", "至少需要一个诊断,主诊断在前。")
    if len(message.diagnoses) > DIAGNOSES_MAX:
        found.add(field, "TOO_MANY", f"诊断超过{DIAGNOSES_MAX}个。")
        return ()
    return tuple(
        Diagnosis(
            code=text(
                found, f"{field}[{i}].code", d.code, at_most=DIAGNOSIS_CODE_MAX, required=True
            ),
            name=text(found, f"{field}[{i}].name", d.name, at_most=NAME_MAX, required=True),
        )
        for i, d in enumerate(message.diagnoses)
    )
