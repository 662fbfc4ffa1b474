"""字典: the codes of a hospital's file that decide something, and what they mean to us.

Only codes that the published dictionaries agree on, plus both spellings where they differ (ordinary
inpatient: Jiangxi 21, Hunan 2101; identity card: 01 or 1). Everything else is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from yrd.claim.v1 import claim_pb2
from yrd.type.v1 import type_pb2

OUTPATIENT_KINDS: Final[Mapping[str, claim_pb2.VisitKind.ValueType]] = MappingProxyType(
    {
        "11": claim_pb2.VISIT_KIND_OUTPATIENT,
        "13": claim_pb2.VISIT_KIND_EMERGENCY,
    }
)
INPATIENT_KINDS: Final[Mapping[str, claim_pb2.VisitKind.ValueType]] = MappingProxyType(
    {
        "21": claim_pb2.VISIT_KIND_INPATIENT,
        "2101": claim_pb2.VISIT_KIND_INPATIENT,
    }
)
SCHEMES: Final[Mapping[str, type_pb2.Scheme.ValueType]] = MappingProxyType(
    {
        "310": type_pb2.SCHEME_EMPLOYEE,
        "390": type_pb2.SCHEME_RESIDENT,
    }
)
CERTIFICATES: Final[Mapping[str, type_pb2.CertificateKind.ValueType]] = MappingProxyType(
    {
        "01": type_pb2.CERTIFICATE_KIND_E_CREDENTIAL,
        "02": type_pb2.CERTIFICATE_KIND_ID_CARD,
        "03": type_pb2.CERTIFICATE_KIND_SOCIAL_SECURITY_CARD,
    }
)
IDENTITY_CARDS: Final[Mapping[str, bool]] = MappingProxyType({"01": True, "1": True})
FLAGS: Final[Mapping[str, bool]] = MappingProxyType({"0": False, "1": True})
WHOLE_STAY: Final[Mapping[str, bool]] = MappingProxyType({"0": False})
"""中途结算标志: only a whole stay is settled here."""
APPROVALS: Final[Mapping[str, bool | None]] = MappingProxyType(
    {
        "0": None,
        "1": True,
        "2": False,
    }
)
"""医院审批标志: 1 covered, 2 own pay, 0 as the catalogue lists the item (not said)."""
