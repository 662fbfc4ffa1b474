"""What is said to a region and what comes back: calls, answers and the values in them.

"No" is a value and so is "no answer": a refusal is `Declined`, a lost reply is `NoAnswer`, and only
what provably never reached the region is `NotDelivered`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from gateway.domain.bill import VisitKind
from gateway.domain.breakdown import Breakdown
from gateway.domain.visit import Institution

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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


@dataclass(frozen=True, slots=True, repr=False)
class KeptAnswer:
    """An answer to a settle call as it was kept, and what it must say of itself to be ours."""

    msgid: str
    person_no: str
    visit_id: str
    exchange: Exchange


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
    """Our claim id: with the sign of the amounts the idempotency key."""
    visit_id: str
    id_number: str
    settled_at: datetime
    total_fen: int
    insurance_paid_fen: int
