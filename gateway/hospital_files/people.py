"""Who and where: institution, regions and patient, as the messages of one file agree on them."""

from __future__ import annotations

from collections.abc import Sequence as Seq

from gateway.hospital_files.agreement import agreed_code, agreed_text, given
from gateway.hospital_files.codes import CERTIFICATES, IDENTITY_CARDS, SCHEMES
from gateway.hospital_files.draft import Draft
from gateway.hospital_files.node import Node
from yrd.type.v1 import type_pb2


def add_places(draft: Draft, heads: Seq[Node]) -> str:
    """Fill the regions; answers the institution's code."""
    request = draft.request
    institution, _ = agreed_text("fixmedins_code", heads, required=True)
    for attribute, name in (
        ("visited_region", "mdtrtarea_admvs"), ("insured_region", "insuplc_admdvs"),
    ):  # fmt: skip
        value, source = agreed_text(name, heads, required=True)
        setattr(request, attribute, value)
        draft.came_from(attribute, source, name)
    return institution


def add_patient(draft: Draft, nodes: Seq[Node]) -> None:
    """Fill the patient and the scheme from every node that names them."""
    patient = draft.request.patient
    scheme, source = agreed_code("insutype", nodes, SCHEMES, required=True)
    draft.request.scheme = scheme or type_pb2.SCHEME_UNSPECIFIED
    draft.came_from("scheme", source, "insutype")
    kind, source = agreed_code("mdtrt_cert_type", nodes, CERTIFICATES, required=True)
    patient.certificate_kind = kind or type_pb2.CERTIFICATE_KIND_UNSPECIFIED
    draft.came_from("patient.certificate_kind", source, "mdtrt_cert_type")
    for name in ("psn_cert_type", "cert_type"):
        agreed_code(name, nodes, IDENTITY_CARDS, required=False)
    _add_texts(draft, nodes)
    if kind == type_pb2.CERTIFICATE_KIND_ID_CARD:
        _fill_from_each_other(draft)
    if not patient.id_number and not any(given(n, "certno") for n in nodes):
        nodes[0].say("certno", "REQUIRED", "跨省结算必须填写证件号码。")


def _add_texts(draft: Draft, nodes: Seq[Node]) -> None:
    for attribute, name, required in (
        ("id_number", "certno", False),
        ("name", "psn_name", True),
        ("certificate_number", "mdtrt_cert_no", False),
        ("card_serial", "card_sn", False),
    ):
        value, source = agreed_text(name, nodes, required=required)
        setattr(draft.request.patient, attribute, value)
        draft.came_from(f"patient.{attribute}", source or nodes[0], name)


def _fill_from_each_other(draft: Draft) -> None:
    """On an identity card the certificate's number is the identity number (mdtrt_cert_type 02)."""
    patient = draft.request.patient
    if not patient.id_number:
        patient.id_number = patient.certificate_number
        draft.origins["patient.id_number"] = draft.origins["patient.certificate_number"]
    if not patient.certificate_number:
        patient.certificate_number = patient.id_number
        draft.origins["patient.certificate_number"] = draft.origins["patient.id_number"]


def check_same_visit(nodes: Seq[Node]) -> None:
    """人员编号 and 就诊ID are the region's and of no use to us, but must not name two visits."""
    for name in ("psn_no", "mdtrt_id"):
        agreed_text(name, nodes, required=False)
