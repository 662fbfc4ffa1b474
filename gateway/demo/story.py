"""演示经过: what happened, as values; and every promise that did not hold.

No output here: show.py prints a story for people, document.py writes it for machines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.cases import Case
from gateway.hospital_files.claim_file import HospitalClaim
from gateway.hospital_files.problem import FileProblem
from ledger.limits import Standing
from yrd.claim.v1 import claim_pb2


@dataclass(slots=True, repr=False)
class ClaimTold:
    """One claim of the demonstration, as it last stood."""

    case: Case
    hospital: HospitalClaim
    claim: claim_pb2.Claim
    raw: bytes
    """The exact bytes of the first answer."""
    first_state: str = ""
    """State of the first answer, where it went on by itself."""
    receipt: bytes = b""
    receipt_path: Path | None = None
    receipt_ok: bool = False


@dataclass(frozen=True, slots=True)
class RefusedByUs:
    """A request that was answered with an error status: nothing was written, nothing was sent."""

    key: str
    title_zh: str
    status: str
    reason: str
    field: str
    text_zh: str


@dataclass(slots=True)
class Story:
    """Everything that happened."""

    claims: list[ClaimTold] = field(default_factory=list)
    refused: list[RefusedByUs] = field(default_factory=list)
    file_problems: tuple[FileProblem, ...] = ()
    estimate: claim_pb2.PredetermineClaimResponse | None = None
    estimate_title: str = ""
    replay_case: str = ""
    replay_identical: bool = False
    checkpoint_note: str = ""
    vkey: str = ""
    witnesses_asked: int = 0
    witnesses: int = 0
    """How many of them have cosigned the last checkpoint."""
    log_files: int = 0
    """Static files of the exported log."""
    log_ok: bool = False
    """A checker without our code has found it whole, and signed by all of them."""
    platforms_effective: int = 0
    visited_told: int = 0
    prepayments: tuple[Standing, ...] = ()
    """What is left of them at the end."""
    verify_ok: bool = False
    verify_checked: dict[str, int] = field(default_factory=dict)
    verify_problems: tuple[str, ...] = ()
    platforms_tried: int = 0
    platforms_conform: int = 0
    """Stand-ins, one a province, on which every quick rule of the conformance suite holds."""
    conformance_zh: str = ""
    milliseconds: int = 0
    broken: list[str] = field(default_factory=list)
    """Promises that did not hold; empty when all did."""

    def expect(self, held: bool, promise_zh: str) -> None:
        """Note a promise that does not hold."""
        if not held:
            self.broken.append(promise_zh)

    def told(self, key: str) -> ClaimTold:
        return next(told for told in self.claims if told.case.key == key)
