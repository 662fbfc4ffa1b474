"""Requests that ask for something to be done → commands of the journeys. All or nothing."""

from __future__ import annotations

from dataclasses import fields

from gateway.domain.region import RegionUnknown, pooling_region_of, region_of
from gateway.domain.visit import Filing
from gateway.journeys.commands import PredetermineCommand, ReverseCommand, SettleCommand
from gateway.rpc.convert import texts
from gateway.rpc.convert.bill import bill
from gateway.rpc.convert.door import Door
from gateway.rpc.convert.enums import FILINGS, SCHEMES, read_enum
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.patient import patient
from gateway.rpc.convert.visit import visit
from yrd.claim.v1 import claim_pb2

INVOICE_NO_MAX = 20
REASON_MAX = 200

BillRequest = claim_pb2.SettleClaimRequest | claim_pb2.PredetermineClaimRequest


def settle_command(request: claim_pb2.SettleClaimRequest, door: Door) -> SettleCommand:
    """Raises Malformed with every violation of the request."""
    found = Findings()
    request_id = texts.request_id(found, "request_id", request.request_id)
    common = _bill_command(found, request, door)
    invoice_no = texts.text(found, "invoice_no", request.invoice_no, at_most=INVOICE_NO_MAX)
    found.refuse()
    inherited = {f.name: getattr(common, f.name) for f in fields(common)}
    return SettleCommand(**inherited, request_id=request_id, invoice_no=invoice_no)


def predetermine_command(
    request: claim_pb2.PredetermineClaimRequest, door: Door
) -> PredetermineCommand:
    """Raises Malformed with every violation of the request."""
    found = Findings()
    command = _bill_command(found, request, door)
    found.refuse()
    return command


def reverse_command(request: claim_pb2.ReverseClaimRequest, door: Door) -> ReverseCommand:
    """Raises Malformed with every violation of the request."""
    found = Findings()
    command = ReverseCommand(
        institution=door.institution,
        request_id=texts.request_id(found, "request_id", request.request_id),
        claim_id=texts.claim_id(found, "claim_id", request.claim_id),
        reason=texts.remark(found, "reason", request.reason, at_most=REASON_MAX),
        etag=texts.text(found, "etag", request.etag, at_most=20),
    )
    found.refuse()
    return command


def _bill_command(found: Findings, request: BillRequest, door: Door) -> PredetermineCommand:
    visited, insured = _regions(found, request, door)
    in_patient = _inside(found, "patient", present=request.HasField("patient"))
    in_visit = _inside(found, "visit", present=request.HasField("visit"))
    return PredetermineCommand(
        institution=door.institution,
        visited_region=visited,
        insured_region=insured,
        patient=patient(in_patient, "patient", request.patient, door),
        visit=visit(in_visit, "visit", request.visit, door),
        bill=bill(in_visit, "visit", request.visit, door),
        scheme=read_enum(found, "scheme", request.scheme, SCHEMES),
        filing=read_enum(found, "filing", request.filing, FILINGS) or Filing.UNSPECIFIED,
        use_account=request.use_personal_account,
    )


def _inside(found: Findings, field: str, *, present: bool) -> Findings:
    """Where to note what is wrong inside a part: nowhere, once the part itself is missing."""
    if present:
        return found
    found.add(field, "REQUIRED", "此项必填,请补充后重试。")
    return Findings()


def _regions(found: Findings, request: BillRequest, door: Door) -> tuple[str, str]:
    """(visited, insured), both served; the visited one is where the caller's institution is."""
    served = True
    for field, code in (
        ("visited_region", request.visited_region),
        ("insured_region", request.insured_region),
    ):
        if not code:
            found.add(field, "REQUIRED", "医保区划代码必填。")
            served = served and field != "visited_region"
            continue
        try:
            region_of(code, field=field)
        except RegionUnknown as unknown:
            for violation in unknown.violations:
                found.add(violation.field, violation.reason, violation.text_zh)
            served = served and field != "visited_region"
    here = pooling_region_of(door.institution.region)
    if served and pooling_region_of(request.visited_region) != here:
        found.add(
            "visited_region",
            "VISITED_REGION_MISMATCH",
            "就医地应为本机构所在的统筹区,请核对就医地代码。",
        )
    return request.visited_region, request.insured_region
