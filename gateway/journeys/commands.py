"""What callers ask for, parsed and validated at the door, in our own terms."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.bill import Bill
from gateway.domain.visit import Filing, Institution, Patient, Scheme, Visit


@dataclass(frozen=True, slots=True, repr=False)
class PredetermineCommand:
    """预结算: a bill to be estimated."""

    institution: Institution
    visited_region: str
    insured_region: str
    patient: Patient
    visit: Visit
    bill: Bill
    scheme: Scheme | None = None
    filing: Filing = Filing.UNSPECIFIED
    use_account: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class SettleCommand(PredetermineCommand):
    """结算: a bill to be settled, once, under the caller's request_id."""

    request_id: str = ""
    invoice_no: str = ""


@dataclass(frozen=True, slots=True)
class ReverseCommand:
    """结算撤销 of one settled claim."""

    institution: Institution
    request_id: str
    claim_id: str
    reason: str = ""
    etag: str = ""
