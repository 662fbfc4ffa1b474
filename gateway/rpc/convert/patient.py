"""就诊人: the patient of a request. Nothing in here is ever repeated in a text or logged."""

from __future__ import annotations

import re

from gateway.domain.business_day import business_day
from gateway.domain.person import validate_id
from gateway.domain.visit import CertificateKind, Patient
from gateway.rpc.convert.door import Door
from gateway.rpc.convert.enums import CERTIFICATES, read_enum
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.texts import text
from yrd.claim.v1 import claim_pb2

CERTIFICATE_NUMBER_MAX = 50
NAME_MAX = 50
_CARD_SERIAL = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)


def patient(found: Findings, field: str, message: claim_pb2.Patient, door: Door) -> Patient:
    """The patient; what is wrong goes into `found`, and then the value must not be used."""
    kind = read_enum(found, f"{field}.certificate_kind", message.certificate_kind, CERTIFICATES)
    id_number = _id_number(found, f"{field}.id_number", message.id_number, door)
    return Patient(
        certificate_kind=kind or CertificateKind.ID_CARD,
        certificate_number=_certificate(found, field, message, kind, id_number),
        card_serial=_card_serial(found, f"{field}.card_serial", message.card_serial, kind),
        id_number=id_number,
        name=text(found, f"{field}.name", message.name, at_most=NAME_MAX, required=True),
    )


def _id_number(found: Findings, field: str, value: str, door: Door) -> str:
    if not value.strip():
        found.add(field, "REQUIRED", "公民身份号码必填。")
        return ""
    verdict = validate_id(value, mode=door.id_mode, today=business_day(door.now))
    if not verdict.accepted:
        found.add(field, verdict.code, verdict.text_zh)
    return verdict.canonical


def _certificate(
    found: Findings,
    field: str,
    message: claim_pb2.Patient,
    kind: CertificateKind | None,
    id_number: str,
) -> str:
    field = f"{field}.certificate_number"
    number = message.certificate_number
    if kind is CertificateKind.ID_CARD:
        # An identity card's number is the identity number: once is enough, and twice must agree.
        if number.strip() and id_number and number.strip().upper() != id_number:
            found.add(field, "MISMATCH", "凭证为身份证时,凭证编号应与公民身份号码一致。")
        return id_number
    return text(found, field, number, at_most=CERTIFICATE_NUMBER_MAX, required=kind is not None)


def _card_serial(found: Findings, field: str, value: str, kind: CertificateKind | None) -> str:
    value = value.strip()
    if not value:
        if kind is CertificateKind.SOCIAL_SECURITY_CARD:
            found.add(field, "REQUIRED", "使用社会保障卡时须填写卡识别码,请重新读卡。")
    elif not _CARD_SERIAL.fullmatch(value):
        found.add(field, "FORMAT", "卡识别码须为32位十六进制字符,请重新读卡。")
    return value.upper()
