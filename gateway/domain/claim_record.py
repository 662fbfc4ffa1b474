"""One claim as we remember it: the caller's answer, and what we need to go on after a crash.

Pure values. `ClaimRecord` is immutable; `moved()` is the only way to a next version and asks the
table of gateway/domain/claim.py. Personal values are stored encrypted as a whole and never
logged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.domain.bill import VisitKind
from gateway.domain.breakdown import Breakdown
from gateway.domain.claim import (
    PROVISIONAL,
    ClaimEvent,
    ClaimState,
    LedgerAct,
    transition,
)
from gateway.domain.pricing import PricedLine
from gateway.domain.visit import Scheme


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """One message we are going to send, or have sent, about a claim."""

    msgid: str
    transaction: str
    region: str
    """6 digits: where it goes."""
    outcome: str = "planned"
    """planned | answered | refused | no_answer | not_sent"""


@dataclass(frozen=True, slots=True)
class EntryRef:
    """A ledger entry of this claim."""

    entry_id: str
    kind: str
    leaf_index: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was settled."""

    by: str
    """region | gateway"""
    reason: str
    region_code: str
    text_zh: str


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """Something to be told to somebody, at least once."""

    item_id: str
    kind: str
    """visited_settlement | visited_reversal | undo_admission"""
    claim_id: str
    region: str
    due_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class ClaimRecord:
    """Everything about one claim. Never logged: no repr."""

    claim_id: str
    request_id: str
    request_hash: str
    """Keyed hash (hex) of the canonical request: same id, other body is refused."""
    state: ClaimState
    version: int
    institution_code: str
    visited_region: str
    insured_region: str
    visit_kind: VisitKind
    visit_no: str
    batch_no: str
    subject_ref: str
    name_masked: str
    id_number_masked: str
    id_number: str
    """Canonical; needed to tell the visited region. Encrypted at rest with the rest of the
    record."""
    scheme: Scheme
    person_no: str
    """人员编号 at the insured region: needed for 2601."""
    computed: Breakdown
    lines: tuple[PricedLine, ...]
    policy_rules: tuple[str, ...]
    catalogue_version: str
    messages: tuple[PlannedMessage, ...]
    created_at: datetime
    updated_at: datetime
    attempt_deadline: datetime
    """After this nobody works on the current call any more."""
    entries: tuple[EntryRef, ...] = ()
    settled: Breakdown | None = None
    differences: tuple[tuple[str, int, int], ...] = ()
    """(part, ours, the region's)."""
    refusal: Refusal | None = None
    region_visit_id: str = ""
    region_settlement_id: str = ""
    region_settled_at: datetime | None = None
    clearing_type_code: str = ""
    clearing_office: str = ""
    broken: tuple[str, ...] = ()
    unknown_codes: tuple[str, ...] = ()
    not_given: tuple[str, ...] = ()
    """Parts of `settled` that the region left out: they stand as 0 and say nothing."""
    window: str = ""
    pivot_msgid: str = ""
    """msgid of the settle call: what a 2601 names."""
    pivot_transaction: str = ""
    reversal_request_id: str = ""
    reversal_request_hash: str = ""
    reversal_reason: str = ""
    reversal_settlement_id: str = ""
    reversal_answered: bool = False
    reversal_attempts: int = 0
    reversal_undelivered: int = 0
    """2601s that provably never left: they lengthen the pause and are no attempts."""
    work_due_at: datetime | None = None
    """When the worker should look again; None when there is nothing to do."""

    @property
    def provisional(self) -> bool:
        return self.state in PROVISIONAL

    @property
    def awaits_reconciliation(self) -> bool:
        """Nothing more is tried here: 对账 (3201/3202), or a person, has the next word."""
        return self.provisional and self.work_due_at is None

    def moved(
        self, event: ClaimEvent, *, at: datetime, **changes: Any
    ) -> tuple[ClaimRecord, LedgerAct]:
        """The next version after `event`, and what the ledger has to do with it."""
        found = transition(self.state, event)
        claim = replace(self, state=found.to, version=self.version + 1, updated_at=at, **changes)
        return claim, found.ledger

    def with_message(self, message: PlannedMessage) -> ClaimRecord:
        """The same claim with one message's outcome set (by msgid), or the message added."""
        known = any(m.msgid == message.msgid for m in self.messages)
        if not known:
            return replace(self, messages=(*self.messages, message))
        rest = tuple(message if m.msgid == message.msgid else m for m in self.messages)
        return replace(self, messages=rest)

    def with_entry(self, entry: EntryRef) -> ClaimRecord:
        return replace(self, entries=(*self.entries, entry))

    @property
    def open_entry_id(self) -> str:
        """The pending entry that is not resolved yet. Pending and its resolution alternate."""
        pending = [e.entry_id for e in self.entries if e.kind == "pending"]
        resolved = sum(1 for e in self.entries if e.kind in ("posted", "voided", "expired"))
        return pending[resolved] if resolved < len(pending) else ""

    @property
    def posted_entry_id(self) -> str:
        """The newest posted entry, or empty."""
        posted = [e.entry_id for e in self.entries if e.kind == "posted"]
        return posted[-1] if posted else ""
