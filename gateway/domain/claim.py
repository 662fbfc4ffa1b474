"""异地就医直接结算: the life of one claim, as one table that can be read aloud.

Pure. `transition(state, event)` is the only way a claim moves; `next_steps(state, ...)` says what
is to be done about a claim in a state, and both the journey and the worker run exactly that. The
table is explored exhaustively in tests/unit/domain/test_claim_life.py: never two effective
settlements for one claim, never a posted entry without a region's yes, every state can still end.

Facts behind it (national interface, domain numbering §10): a settle call takes effect at once;
after a lost reply the only handle is the original msgid (冲正 2601), whose answer is provisional;
only reconciliation (3201/3202) has the last word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.errors import InvariantViolated


class ClaimState(StrEnum):
    """Where a claim stands."""

    RECORDED = "RECORDED"
    """The intent is on disk with its msgid; the region may or may not have been called."""
    SETTLED = "SETTLED"
    """The insured region said yes, and the entry is posted."""
    REFUSED = "REFUSED"
    """The insured region said no, with its reason; nothing is owed."""
    VOIDED = "VOIDED"
    """Nothing took effect: never sent, or reconciliation found nothing at the region."""
    UNKNOWN = "UNKNOWN"
    """No readable, verified answer: it may have taken effect (未知)."""
    REVERSAL_SENT = "REVERSAL_SENT"
    """It is being taken back (冲正 by the original msgid, or a cancellation after a review);
    provisional until reconciliation."""
    REVIEW = "REVIEW"
    """The region said yes with amounts that do not add up: a person must look. Never posted."""
    REVERSING = "REVERSING"
    """The intent to cancel a settled claim is on disk."""
    REVERSAL_UNKNOWN = "REVERSAL_UNKNOWN"
    """The cancellation's reply was lost; reconciliation decides whether it took effect."""
    REVERSED = "REVERSED"
    """The region cancelled the settlement, and the opposite entry is posted."""


class ClaimEvent(StrEnum):
    """What can happen to a claim."""

    REGION_SETTLED = "region_settled"
    REGION_SETTLED_BROKEN = "region_settled_broken"
    """A yes whose amounts break an identity."""
    REGION_REFUSED = "region_refused"
    NOT_SENT = "not_sent"
    """Provably nothing of the pivotal call left us, or an earlier step ended the attempt."""
    NO_ANSWER = "no_answer"
    REVERSAL_BY_MSGID = "reversal_by_msgid"
    """Intent to send 2601 recorded (each attempt has its own msgid)."""
    FOUND_EFFECTIVE = "found_effective"
    """Reconciliation: the region has it. Posts nothing: a statement has no breakdown."""
    FOUND_ABSENT = "found_absent"
    """Reconciliation: the region does not have it (or has it together with its reversal)."""
    FOUND_AMBIGUOUS = "found_ambiguous"
    """Reconciliation: the statement contradicts itself or us; a person must look."""
    TAKE_BACK = "take_back"
    """A person says: take it back at the region, whatever became of it."""
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_ACCEPTED = "cancel_accepted"
    CANCEL_REFUSED = "cancel_refused"
    CANCEL_NOT_SENT = "cancel_not_sent"
    CANCEL_NO_ANSWER = "cancel_no_answer"


class LedgerAct(StrEnum):
    """What the ledger does in the same transaction as the transition."""

    NONE = "none"
    PEND = "pend"
    POST = "post"
    VOID = "void"
    PEND_REVERSAL = "pend_reversal"
    POST_REVERSAL = "post_reversal"
    VOID_REVERSAL = "void_reversal"


class Step(StrEnum):
    """What somebody has to do about a claim."""

    CALL_REGION = "call_region"
    """Send the settlement (journey only, once: while its deadline has not passed)."""
    MARK_UNKNOWN = "mark_unknown"
    """Nobody is waiting any more and nobody knows whether it was sent."""
    SEND_REVERSAL = "send_reversal"
    """冲正 2601 by the original msgid."""
    REPEAT_REVERSAL = "repeat_reversal"
    """2601 was not answered: send it again under a new msgid of its own."""
    CALL_CANCEL = "call_cancel"
    MARK_CANCEL_UNKNOWN = "mark_cancel_unknown"
    AWAIT_RECONCILIATION = "await_reconciliation"
    AWAIT_PERSON = "await_person"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads, and what the ledger does with it."""

    to: ClaimState
    ledger: LedgerAct = LedgerAct.NONE


_S, _E, _L = ClaimState, ClaimEvent, LedgerAct

TABLE: MappingProxyType[tuple[ClaimState, ClaimEvent], Transition] = MappingProxyType(
    {
        (_S.RECORDED, _E.REGION_SETTLED): Transition(_S.SETTLED, _L.POST),
        (_S.RECORDED, _E.REGION_SETTLED_BROKEN): Transition(_S.REVIEW),
        (_S.RECORDED, _E.REGION_REFUSED): Transition(_S.REFUSED, _L.VOID),
        (_S.RECORDED, _E.NOT_SENT): Transition(_S.VOIDED, _L.VOID),
        (_S.RECORDED, _E.NO_ANSWER): Transition(_S.UNKNOWN),
        # A late answer after we said "unknown" is still an answer, until a 2601 crosses it.
        (_S.UNKNOWN, _E.REGION_SETTLED): Transition(_S.SETTLED, _L.POST),
        (_S.UNKNOWN, _E.REGION_SETTLED_BROKEN): Transition(_S.REVIEW),
        (_S.UNKNOWN, _E.REGION_REFUSED): Transition(_S.REFUSED, _L.VOID),
        (_S.UNKNOWN, _E.NOT_SENT): Transition(_S.VOIDED, _L.VOID),
        (_S.UNKNOWN, _E.NO_ANSWER): Transition(_S.UNKNOWN),
        (_S.UNKNOWN, _E.REVERSAL_BY_MSGID): Transition(_S.REVERSAL_SENT),
        # It stands at the region and we never read a yes: nothing is posted, it is taken back.
        (_S.UNKNOWN, _E.FOUND_EFFECTIVE): Transition(_S.UNKNOWN),
        (_S.UNKNOWN, _E.FOUND_AMBIGUOUS): Transition(_S.UNKNOWN),
        (_S.UNKNOWN, _E.FOUND_ABSENT): Transition(_S.VOIDED, _L.VOID),
        # After a 2601 left us only reconciliation decides; answers in between are evidence.
        (_S.REVERSAL_SENT, _E.REVERSAL_BY_MSGID): Transition(_S.REVERSAL_SENT),
        (_S.REVERSAL_SENT, _E.FOUND_EFFECTIVE): Transition(_S.REVERSAL_SENT),
        (_S.REVERSAL_SENT, _E.FOUND_AMBIGUOUS): Transition(_S.REVERSAL_SENT),
        (_S.REVERSAL_SENT, _E.TAKE_BACK): Transition(_S.REVERSAL_SENT),
        (_S.REVERSAL_SENT, _E.FOUND_ABSENT): Transition(_S.VOIDED, _L.VOID),
        # A person decides: take it back, or read the kept answer again with today's dictionary.
        (_S.REVIEW, _E.REGION_SETTLED): Transition(_S.SETTLED, _L.POST),
        (_S.REVIEW, _E.TAKE_BACK): Transition(_S.REVERSAL_SENT),
        (_S.REVIEW, _E.FOUND_EFFECTIVE): Transition(_S.REVIEW),
        (_S.REVIEW, _E.FOUND_AMBIGUOUS): Transition(_S.REVIEW),
        (_S.REVIEW, _E.FOUND_ABSENT): Transition(_S.VOIDED, _L.VOID),
        (_S.SETTLED, _E.CANCEL_REQUESTED): Transition(_S.REVERSING, _L.PEND_REVERSAL),
        (_S.REVERSING, _E.CANCEL_ACCEPTED): Transition(_S.REVERSED, _L.POST_REVERSAL),
        (_S.REVERSING, _E.CANCEL_REFUSED): Transition(_S.SETTLED, _L.VOID_REVERSAL),
        (_S.REVERSING, _E.CANCEL_NOT_SENT): Transition(_S.SETTLED, _L.VOID_REVERSAL),
        (_S.REVERSING, _E.CANCEL_NO_ANSWER): Transition(_S.REVERSAL_UNKNOWN),
        (_S.REVERSAL_UNKNOWN, _E.CANCEL_ACCEPTED): Transition(_S.REVERSED, _L.POST_REVERSAL),
        (_S.REVERSAL_UNKNOWN, _E.CANCEL_REFUSED): Transition(_S.REVERSAL_UNKNOWN),
        (_S.REVERSAL_UNKNOWN, _E.CANCEL_NO_ANSWER): Transition(_S.REVERSAL_UNKNOWN),
        (_S.REVERSAL_UNKNOWN, _E.FOUND_EFFECTIVE): Transition(_S.SETTLED, _L.VOID_REVERSAL),
        (_S.REVERSAL_UNKNOWN, _E.FOUND_AMBIGUOUS): Transition(_S.REVERSAL_UNKNOWN),
        (_S.REVERSAL_UNKNOWN, _E.FOUND_ABSENT): Transition(_S.REVERSED, _L.POST_REVERSAL),
    }
)

TERMINAL = frozenset({ClaimState.REFUSED, ClaimState.VOIDED, ClaimState.REVERSED})
"""No event leads out of these. SETTLED is final too, but for a cancellation asked for later."""

RESTING = TERMINAL | {ClaimState.SETTLED}
"""States whose answer to the caller no longer changes by itself."""

PROVISIONAL = frozenset(
    {
        ClaimState.UNKNOWN,
        ClaimState.REVERSAL_SENT,
        ClaimState.REVIEW,
        ClaimState.REVERSAL_UNKNOWN,
    }
)
"""States in which neither success nor failure may be assumed."""


def transition(state: ClaimState, event: ClaimEvent) -> Transition:
    """The table's answer. Raises InvariantViolated where the table has none."""
    found = TABLE.get((state, event))
    if found is None:
        raise InvariantViolated(f"a claim in {state} cannot take {event}")
    return found


def allows(state: ClaimState, event: ClaimEvent) -> bool:
    """Whether the table has an answer at all."""
    return (state, event) in TABLE


def next_steps(
    state: ClaimState, *, expired: bool, answered: bool = False, exhausted: bool = False
) -> tuple[Step, ...]:
    """What is to be done now.

    `expired`: the attempt's own deadline has passed, so nobody is still working on the call.
    `answered`: a 2601 for this claim got an answer (provisional all the same).
    `exhausted`: as many 2601 were sent as may be, and none was answered.
    """
    match state:
        case ClaimState.RECORDED:
            return (Step.MARK_UNKNOWN,) if expired else (Step.CALL_REGION,)
        case ClaimState.UNKNOWN:
            return (Step.SEND_REVERSAL,)
        case ClaimState.REVERSAL_SENT:
            if answered:
                return (Step.AWAIT_RECONCILIATION,)
            if exhausted:
                return (Step.AWAIT_PERSON, Step.AWAIT_RECONCILIATION)
            return (Step.REPEAT_REVERSAL,) if expired else ()
        case ClaimState.REVERSING:
            return (Step.MARK_CANCEL_UNKNOWN,) if expired else (Step.CALL_CANCEL,)
        case ClaimState.REVERSAL_UNKNOWN:
            return (Step.AWAIT_RECONCILIATION,)
        case ClaimState.REVIEW:
            return (Step.AWAIT_PERSON, Step.AWAIT_RECONCILIATION)
        case ClaimState.SETTLED | ClaimState.REFUSED | ClaimState.VOIDED | ClaimState.REVERSED:
            return ()
