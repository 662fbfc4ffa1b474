"""Enumerations of the protos and of the domain, both ways, each in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from gateway.domain.bill import VisitKind
from gateway.domain.breakdown import Fund
from gateway.domain.claim import ClaimState
from gateway.domain.visit import CertificateKind, Filing, Scheme
from gateway.rpc.convert.findings import Findings
from yrd.claim.v1 import claim_pb2 as claim
from yrd.type.v1 import type_pb2 as common

VISIT_KINDS = {
    claim.VISIT_KIND_OUTPATIENT: VisitKind.OUTPATIENT,
    claim.VISIT_KIND_EMERGENCY: VisitKind.EMERGENCY,
    claim.VISIT_KIND_INPATIENT: VisitKind.INPATIENT,
}
FILINGS = {
    claim.FILING_KIND_UNSPECIFIED: Filing.UNSPECIFIED,
    claim.FILING_KIND_LONG_TERM: Filing.LONG_TERM,
    claim.FILING_KIND_TRANSFER: Filing.TRANSFER,
    claim.FILING_KIND_TEMPORARY: Filing.TEMPORARY,
}
CERTIFICATES = {
    common.CERTIFICATE_KIND_E_CREDENTIAL: CertificateKind.E_CREDENTIAL,
    common.CERTIFICATE_KIND_ID_CARD: CertificateKind.ID_CARD,
    common.CERTIFICATE_KIND_SOCIAL_SECURITY_CARD: CertificateKind.SOCIAL_SECURITY_CARD,
}
SCHEMES: dict[common.Scheme.ValueType, Scheme | None] = {
    common.SCHEME_UNSPECIFIED: None,
    common.SCHEME_EMPLOYEE: Scheme.EMPLOYEE,
    common.SCHEME_RESIDENT: Scheme.RESIDENT,
}
STATES = {state: claim.ClaimState.Value(f"CLAIM_STATE_{state.name}") for state in ClaimState}
FUNDS = {fund: common.Fund.Value(f"FUND_{fund.name}") for fund in Fund}

VISIT_KINDS_OUT = {ours: theirs for theirs, ours in VISIT_KINDS.items()}
SCHEMES_OUT = {ours: theirs for theirs, ours in SCHEMES.items()}
STATES_IN = {theirs: ours for ours, theirs in STATES.items()}

K = TypeVar("K", bound=int)
V = TypeVar("V")


def read_enum(found: Findings, field: str, value: K, table: Mapping[K, V]) -> V | None:
    """Our value, or None after adding UNSPECIFIED (0) or UNKNOWN_VALUE (a number of no name)."""
    if value in table:
        return table[value]
    if value == 0:
        found.add(field, "UNSPECIFIED", "此项必须选择,请补充后重试。")
    else:
        found.add(field, "UNKNOWN_VALUE", "此项的取值不在本系统支持的范围内。")
    return None
