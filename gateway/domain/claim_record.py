"""One claim as we remember it: the caller's answer, and what we need to go on after a crash.

Pure values. `ClaimRecord` is immutable; `moved()` is the only way to a next version and asks the
table of gateway/domain/claim.py. Personal values are stored encrypted as a whole and never
logged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from gateway.domain.bill import VisitKind
from gateway.domain.breakdown import Breakdown
from gateway.domain.business_day import SHANGHAI, business_day
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


class Standing(StrEnum):
    """What a statement says of one claim's settlement at the region."""

    EFFECTIVE = "effective"
    ABSENT = "absent"
    TAKEN_BACK = "taken_back"
    """It is there, and so is what takes it back."""
    AMBIGUOUS = "ambiguous"
    """The rows contradict each other, or us."""


class Attention(StrEnum):
    """Why a person has to look at a claim that waits for reconciliation."""

    NONE = ""
    DECIDE = "decide"
    """In REVIEW, and the region's statement has it: take it back, or read its answer again."""
    STILL_EFFECTIVE = "still_effective"
    """Taken back as often as may be, and the statement still has it."""
    AMBIGUOUS = "ambiguous"
    NO_STATEMENT = "no_statement"
    """Asked for often, never got; it is still asked for, once a day."""


@dataclass(frozen=True, slots=True)
class StatementFinding:
    """对账结论: which statement said what about a claim."""

    standing: Standing
    msgids: tuple[str, ...]
    """Of the 3202 messages whose results decided."""
    first_day: str
    """ISO, the centre's days, inclusive."""
    last_day: str
    digest: str
    """SHA-256 (hex) of the rows about this claim, in canonical JSON."""
    at: datetime


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
    reversal_settled_at: datetime | None = None
    """结算时间 of the cancellation at the centre."""
    reversal_answered: bool = False
    reversal_attempts: int = 0
    reversal_undelivered: int = 0
    """2601s that provably never left: they lengthen the pause and are no attempts."""
    work_due_at: datetime | None = None
    """When the worker should look again; None when there is nothing to do."""
    reconcile_due_at: datetime | None = None
    """When its statement is asked for (again), where that was put off."""
    reconcile_attempts: int = 0
    """Statements asked for in vain since it last moved."""
    attention: Attention = Attention.NONE
    found: StatementFinding | None = None
    """What the newest statement said of it."""
    take_backs: int = 0
    """How often a statement made us take it back."""

    @property
    def reconcile_due(self) -> datetime | None:
        """When to ask for a statement about it; None where none can tell more.

        The day on which it last moved must be over, in the centre's time.
        """
        asks = self.attention in (Attention.NONE, Attention.NO_STATEMENT)
        # Nobody can decide a cancellation here: what the region corrects, its statement tells.
        corrected = (
            self.state is ClaimState.REVERSAL_UNKNOWN and self.attention is Attention.AMBIGUOUS
        )
        if not self.provisional or not (asks or corrected):
            return None
        tomorrow = business_day(self.updated_at) + timedelta(days=1)
        return self.reconcile_due_at or datetime.combine(tomorrow, time(), SHANGHAI)

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
        fresh = {
            "reconcile_due_at": None,
            "reconcile_attempts": 0,
            "attention": Attention.NONE,
            # What was said of the settlement says nothing of its cancellation.
            "found": None if event is ClaimEvent.CANCEL_REQUESTED else self.found,
        }
        moved = fresh | changes
        claim = replace(self, state=found.to, version=self.version + 1, updated_at=at, **moved)
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
