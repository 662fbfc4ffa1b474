"""What the core needs from the world, as Protocols. Adapters and the store implement them.

"No" is a value and so is "no answer": a region call never raises for anything the region or the
network did. A refusal is `Declined`, a lost reply is `NoAnswer`, and only what provably never
reached the region is `NotDelivered`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from gateway.domain.accumulators import Accumulators
from gateway.domain.bill import BillLine, VisitKind
from gateway.domain.breakdown import Breakdown
from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.domain.visit import Attendance, Institution, Insurance, Patient, PersonFound
from ledger.cosignature import Cosignature
from ledger.journal import Entry

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# --- regions -----------------------------------------------------------------------------------


class Verb(StrEnum):
    """What we say to a region; each province has its own transaction number for it."""

    FIND_PERSON = "find_person"
    ACCUMULATORS = "accumulators"
    REGISTER = "register"
    DESCRIBE = "describe"
    UPLOAD_LINES = "upload_lines"
    DISCHARGE = "discharge"
    PREDETERMINE = "predetermine"
    SETTLE = "settle"
    CANCEL = "cancel"
    REVERSE = "reverse"
    TELL_VISITED = "tell_visited"


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One message of a visit's sequence, e.g. lines 100..199 of a stay."""

    verb: Verb
    transaction: str
    """交易编号 in this province, e.g. 2207 or 2207A."""
    first_line: int = 0
    end_line: int = 0


@dataclass(frozen=True, slots=True)
class CallContext:
    """Everything about one message that is not its content."""

    msgid: str
    """30 characters, unique for ever, durable before this call where it may have an effect."""
    institution: Institution
    visited_region: str
    insured_region: str
    sent_at: datetime
    """交易时间, aware UTC."""
    timeout_s: float
    """At most this long; the adapter takes the smaller of this and its own limit."""


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """The raw bytes of one call: evidence, stored encrypted. Never logged: no repr."""

    transaction: str
    request: bytes
    reply: bytes | None


@dataclass(frozen=True, slots=True)
class Accepted(Generic[T_co]):
    """The region said yes, and the answer was read and verified."""

    value: T_co
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Declined:
    """The region said no."""

    code: str
    text: str
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Neither yes nor no: time-out, cut connection, 5xx, unreadable, unverifiable, another's
    reply."""

    cause: str
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """Provably never reached the region: refused connection, open breaker, gateway 401."""

    cause: str
    exchange: Exchange


Answer = Accepted[T] | Declined | NoAnswer | NotDelivered


@dataclass(frozen=True, slots=True)
class RegionLine:
    """The region's own split of one bill line."""

    line_no: str
    amount_fen: int
    own_pay_fen: int
    over_limit_fen: int
    pre_self_pay_fen: int
    in_scope_fen: int
    item_class_code: str


@dataclass(frozen=True, slots=True)
class RegionSettlement:
    """结算信息 as the region answered it, in our terms."""

    settlement_id: str
    """结算ID; empty on a predetermination."""
    visit_id: str
    breakdown: Breakdown
    settled_at: datetime | None
    """结算时间 of the centre, aware; None where the region gave none."""
    clearing_type_code: str
    """清算类别 as written; empty where absent."""
    clearing_office: str
    """清算经办机构; empty where absent."""
    not_given: tuple[str, ...] = ()
    """Parts of the breakdown (`deductible_fen`) that the region left out, null or empty: they stand
    as 0 there and say nothing."""
    broken: tuple[str, ...] = ()
    """Identities that fail (I1…I7) or fields that cannot be read; never corrected."""
    unknown_codes: tuple[str, ...] = ()
    """`field=code` of codes our dictionary lacks."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """结算撤销 by the region's own ids."""

    kind: VisitKind
    person_no: str
    visit_id: str
    settlement_id: str


@dataclass(frozen=True, slots=True)
class ReversalOrder:
    """冲正 2601 by the original message."""

    person_no: str
    original_msgid: str
    original_transaction: str


@dataclass(frozen=True, slots=True, repr=False)
class VisitedRow:
    """What the visited region is told: a row shaped like 3260's (assumption). Never logged."""

    settlement_no: str
    """Our claim id or the region's settlement id: the idempotency key."""
    visit_id: str
    id_number: str
    settled_at: datetime
    total_fen: int
    insurance_paid_fen: int


class RegionGateway(Protocol):
    """One province's platform. No method raises for what the region or the network did."""

    def plan(self, kind: VisitKind, line_count: int) -> tuple[PlannedCall, ...]:
        """The messages that settle a visit, in order; the last one is the pivot."""

    def transaction(self, verb: Verb, kind: VisitKind) -> str:
        """This province's number for a verb."""

    async def find_person(self, ctx: CallContext, patient: Patient) -> Answer[PersonFound]:
        """人员基本信息 1101."""

    async def accumulators(
        self, ctx: CallContext, person: PersonFound, insurance: Insurance, day: date
    ) -> Answer[Accumulators]:
        """累计 5206 of the insurance year that holds `day`."""

    async def register(self, ctx: CallContext, att: Attendance) -> Answer[str]:
        """挂号 2201 / 入院 2401: answers the region's visit id."""

    async def describe(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        """就诊信息 2203 (outpatient)."""

    async def upload_lines(
        self, ctx: CallContext, att: Attendance, lines: tuple[BillLine, ...]
    ) -> Answer[tuple[RegionLine, ...]]:
        """费用明细 2204 / 2301."""

    async def discharge(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        """出院 2402."""

    async def predetermine(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        """预结算 2206 / 2303: nothing takes effect."""

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        """结算 2207 / 2304: takes effect at once."""

    async def cancel(self, ctx: CallContext, order: CancelOrder) -> Answer[RegionSettlement]:
        """结算撤销 2208 / 2305: the exact negative takes effect at once."""

    async def reverse(self, ctx: CallContext, order: ReversalOrder) -> Answer[None]:
        """冲正 2601: any answer is provisional."""

    async def tell_visited(self, ctx: CallContext, row: VisitedRow) -> Answer[None]:
        """Tell the *visited* region of a settlement (assumption; idempotent by settlement_no)."""

    def health(self) -> str:
        """ "closed", "open" or "half_open": the breaker's state."""


class Regions(Protocol):
    """All provinces we serve."""

    def of(self, region: str) -> RegionGateway:
        """The platform of a region code's province. Raises Malformed if we do not serve it."""


# --- our own store -------------------------------------------------------------------------------


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

    def take_outbox(self, at: datetime, limit: int, *, until: datetime) -> tuple[OutboxItem, ...]:
        """What is due, for this worker alone: it is due again at `until` unless finished or
        postponed."""

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

    def claims_needing_work(self, at: datetime, limit: int) -> tuple[ClaimRecord, ...]:
        """RECORDED or REVERSING past their deadline, UNKNOWN, REVERSAL_SENT unanswered and due."""

    def due_outbox(self, at: datetime, limit: int) -> tuple[OutboxItem, ...]: ...


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
class ClaimPage:
    """Encoded claims and where the next page begins."""

    answers: tuple[bytes, ...]
    next_before: str
    """Claim id to continue before; empty on the last page."""


class Store(Protocol):
    """Our own database."""

    async def write(self, work: Callable[[Books], T]) -> T:
        """Run `work` in a transaction (many callers share one commit); returns after the commit.

        Raises what `work` raised (nothing of it is kept), Overloaded when the queue is full,
        StorageUnavailable when the commit failed.
        """

    async def read(self, work: Callable[[BooksReader], T]) -> T:
        """Run `work` on a snapshot."""


class Clock(Protocol):
    """The only reader of time."""

    def now(self) -> datetime:
        """Aware UTC."""

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    """The only maker of ids and randomness."""

    def claim_id(self) -> str: ...

    def entry_id(self) -> str: ...

    def outbox_id(self) -> str: ...

    def salt(self) -> bytes:
        """32 random bytes."""


class ClaimEncoder(Protocol):
    """Turns a claim into the bytes a caller gets, once, at each change."""

    def __call__(self, claim: ClaimRecord, /) -> bytes: ...


class MsgidSource(Protocol):
    """Msgids for calls without effect (1101, 5206, 2206): reserved in blocks from durable
    storage."""

    async def take(self, institution: str, count: int) -> tuple[str, ...]: ...


# --- the log -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """One signed tree head."""

    note: str
    tree_size: int
    root_hash: bytes
    vkey: str
    signed_at: datetime
    witnessed: bool = True
    """As many witnesses have cosigned as this gateway asks for."""


class Log(Protocol):
    """The transparency log of our own database."""

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None:
        """The newest one (0), or the one of exactly this size; None if there is none."""

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        """The smallest signed checkpoint that covers the leaf; None until it is signed."""

    async def publish(self) -> int | None:
        """Sign a checkpoint if the log grew; answers its size, or None. Serialised in here."""

    async def inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, ...]: ...

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]: ...

    async def leaves(self, start: int, limit: int) -> tuple[bytes, ...]: ...

    async def size(self) -> int: ...

    async def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        """(salt, canonical body) of a leaf; None where it was erased."""

    async def health(self) -> None:
        """Commit nothing, read the head and the last checkpoint; raises StorageUnavailable."""


# --- witnesses -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness answered with signature lines; not verified yet."""

    lines: str


@dataclass(frozen=True, slots=True)
class SizeDiffers:
    """The last checkpoint that the witness cosigned is of another size, or its root differs."""

    size: int


@dataclass(frozen=True, slots=True)
class WitnessRefused:
    """The witness will not cosign this."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class WitnessSilent:
    """No answer, or none that could be read."""

    cause: str


WitnessAnswer = Cosigned | SizeDiffers | WitnessRefused | WitnessSilent


class Witness(Protocol):
    """One witness of our log. Does not raise for what the witness or the network did."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    @property
    def vkey(self) -> str:
        """Its public key (type 0x04)."""

    async def add_checkpoint(
        self, old_size: int, proof: tuple[bytes, ...], note: str
    ) -> WitnessAnswer:
        """Ask it to cosign; `proof` shows consistency from `old_size` (empty for 0)."""


class Cosignatures(Protocol):
    """What witnesses have cosigned of our log."""

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None: ...

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]: ...

    async def last_cosigned(self, vkey: str) -> int:
        """The largest size that this witness has cosigned; 0 if none is known."""

    async def add_cosignatures(self, tree_size: int, given: tuple[Cosignature, ...]) -> int:
        """Keep verified cosignatures of this checkpoint; answers how many are new."""


class Hasher(Protocol):
    """Keyed hash of a canonical request, so that a stored hash tells nothing about a person."""

    def request_hash(self, canonical: bytes) -> str: ...


class Observe(Protocol):
    """Told how long a stage of a journey took (docs/performance.md); must be cheap."""

    def __call__(self, stage: str, seconds: float) -> None: ...


class Trouble(Protocol):
    """Told of a defect that a journey survived; must not raise."""

    def __call__(self, where: str, claim_id: str, error: Exception) -> None: ...
