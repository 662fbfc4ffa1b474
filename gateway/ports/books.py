"""Our own store: one transaction (state, journal and leaf together), and a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.ports.calls import Exchange
from ledger.journal import Entry

T = TypeVar("T")

ANY_STATE = frozenset(ClaimState)


@dataclass(frozen=True, slots=True, repr=False)
class Opening:
    """What a leaf commits to; stored under the subject's key, erasable."""

    subject_ref: str
    body: bytes
    """Canonical JSON."""


@dataclass(frozen=True, slots=True, repr=False)
class AskedReversal:
    """A reversal that was recorded before: of which claim, under which body."""

    claim: ClaimRecord
    request_hash: str


@dataclass(frozen=True, slots=True)
class ClaimQuery:
    """Filters of a listing, newest first."""

    institution: str
    states: tuple[str, ...] = ()
    insured_region_prefix: str = ""
    created_from: datetime | None = None
    created_until: datetime | None = None
    before_claim_id: str = ""
    """Exclusive upper bound in (created_at, claim_id) order; empty for the first page."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class AttentionQuery:
    """Filters of the list of provisional claims, oldest first."""

    institution: str = ""
    """Empty for all."""
    insured_region_prefix: str = ""
    claim_id: str = ""
    after: str = ""
    """Exclusive lower bound, a claim id; empty for the first page. Claim ids sort by time."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """Encoded claims and where the next page begins."""

    answers: tuple[bytes, ...]
    next_before: str
    """Claim id to continue before; empty on the last page."""


@dataclass(frozen=True, slots=True)
class Awaiting:
    """How many claims of one state wait for reconciliation."""

    state: ClaimState
    count: int
    oldest: datetime
    """When the one that waits longest came to wait."""


@dataclass(frozen=True, slots=True)
class ProvisionalCount:
    """How many provisional claims of one province and state wait for the same."""

    province: str
    """First two digits of the insured region."""
    state: ClaimState
    waits_for: str
    """gateway (it is tried again here), statement (对账) or person."""
    count: int
    oldest: datetime
    """When the settlement of the one that waits longest was recorded; of a cancellation, when it
    became unknown."""


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many items of one kind wait to be delivered to one province."""

    province: str
    kind: str
    count: int
    oldest_id: str
    """Ids sort by time."""


class Books(Protocol):
    """One transaction: state, journal and leaf together. Synchronous: nothing can await inside
    it."""

    def claim(self, claim_id: str) -> ClaimRecord | None: ...

    def claim_by_request(self, institution: str, request_id: str) -> ClaimRecord | None:
        """By the request_id of its settlement."""

    def claim_by_reversal(self, institution: str, request_id: str) -> AskedReversal | None:
        """By the request_id of any reversal ever recorded of it, refused ones too."""

    def record_reversal_request(
        self, institution: str, request_id: str, claim_id: str, request_hash: str
    ) -> None:
        """Each id once, for ever; raises Conflict if it is taken."""

    def live_claims_of_batch(
        self, institution: str, visit_no: str, batch_no: str
    ) -> tuple[ClaimRecord, ...]:
        """Claims of one charging batch that are not REFUSED, VOIDED or REVERSED."""

    def insert_claim(self, claim: ClaimRecord) -> None:
        """Raises Conflict if the request_id is taken."""

    def update_claim(self, claim: ClaimRecord, *, expected_version: int) -> None:
        """Raises Conflict if the stored version is another."""

    def house_ref(self) -> str:
        """The subject of evidence that is about no single person."""

    def subject_ref(self, id_number: str) -> str:
        """The person's reference in the medical domain, made on first sight."""

    def next_msgids(self, institution: str, count: int, at: datetime) -> tuple[str, ...]:
        """Fresh msgids of one institution, durable with this transaction."""

    def record_messages(self, claim_id: str, messages: tuple[PlannedMessage, ...]) -> None:
        """Each msgid once, for ever; raises InvariantViolated on a repeat."""

    def record_exchange(
        self, msgid: str, subject_ref: str, outcome: str, exchange: Exchange
    ) -> None:
        """Raw bytes as evidence, encrypted."""

    def append_entry(
        self, entry: Entry, *, leaf_type: str, window: str | None, opening: Opening, at: datetime
    ) -> int:
        """Journal entry and its leaf; answers the leaf index."""

    def append_evidence(
        self, entry_id: str, *, leaf_type: str, opening: Opening, at: datetime
    ) -> int:
        """A leaf without postings (e.g. a claim became unknown); answers the leaf index."""

    def enqueue(self, item: OutboxItem) -> None:
        """Outbox: delivered at least once after this transaction commits."""

    def take_outbox(
        self, at: datetime, limit: int, *, until: datetime, region: str = ""
    ) -> tuple[OutboxItem, ...]:
        """What is due, for this worker alone: it is due again at `until` unless finished or
        postponed. `region`: only what goes to area codes that begin so."""

    def finish_outbox(self, item_id: str, at: datetime) -> None: ...

    def postpone_outbox(
        self, item_id: str, attempts: int, due_at: datetime, error: str
    ) -> None: ...


class BooksReader(Protocol):
    """A consistent snapshot."""

    def claim(self, claim_id: str) -> ClaimRecord | None: ...

    def claim_by_request(self, institution: str, request_id: str) -> ClaimRecord | None: ...

    def claim_by_reversal(self, institution: str, request_id: str) -> AskedReversal | None: ...

    def answer(self, claim_id: str) -> bytes | None:
        """The encoded answer as stored at the last change: byte-identical for ever."""

    def list_answers(self, query: ClaimQuery) -> ClaimPage: ...

    def claims_needing_work(
        self,
        at: datetime,
        limit: int,
        *,
        region: str = "",
        states: frozenset[ClaimState] = ANY_STATE,
        left_out: frozenset[str] = frozenset(),
    ) -> tuple[ClaimRecord, ...]:
        """RECORDED or REVERSING past their deadline, UNKNOWN, REVERSAL_SENT unanswered and due;
        those due longest first. `region`: only claims whose insured region's code begins so;
        `left_out`: none of these claim ids."""

    def exchange(self, msgid: str) -> Exchange | None:
        """The raw bytes of the newest exchange under this msgid."""

    def claims_to_reconcile(self, at: datetime, limit: int) -> tuple[ClaimRecord, ...]:
        """Claims whose statement is to be asked for (again), the longest due first."""

    def claims_of_statement(
        self, institution: str, pooling_region: str, first: date, last: date
    ) -> tuple[ClaimRecord, ...]:
        """Settled and reversed claims that may have a row in a statement of these days of the
        centre, inclusive; the caller takes those that have."""

    def awaiting_reconciliation(self, institution: str) -> tuple[Awaiting, ...]:
        """Claims about which nothing more is tried here, by state; of one institution, or of all
        ("")."""

    def provisional_counts(self) -> tuple[ProvisionalCount, ...]:
        """By province, state and what they wait for."""

    def outbox_counts(self) -> tuple[OutboxCount, ...]:
        """What is not delivered yet, by province and kind."""

    def provisional_claims(self, query: AttentionQuery) -> tuple[ClaimRecord, ...]:
        """Those of which neither success nor failure may be assumed, by claim id; without claims
        of erased persons."""

    def due_outbox(
        self, at: datetime, limit: int, *, region: str = ""
    ) -> tuple[OutboxItem, ...]: ...


class Store(Protocol):
    """Our own database."""

    async def write(self, work: Callable[[Books], T]) -> T:
        """Run `work` in a transaction (many callers share one commit); returns after the commit.

        Raises what `work` raised (nothing of it is kept), Overloaded when the queue is full,
        StorageUnavailable when the commit failed.
        """

    async def read(self, work: Callable[[BooksReader], T]) -> T:
        """Run `work` on a snapshot."""
