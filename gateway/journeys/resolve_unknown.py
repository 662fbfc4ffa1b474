"""未知结果的处理: what the worker does about a claim whose outcome nobody knows.

Runs exactly `next_steps()` of gateway/domain/claim.py. 冲正 2601 names the original msgid; each
attempt has its own msgid, on disk before it is sent; any answer is provisional until
reconciliation. How many may go to one region is the pace's to say (pace.py); a claim that gets no
turn stays due. Between attempts pauses double, each a little differently, up to an hour; one that
provably never left is no attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.claim import ClaimEvent, ClaimState, Step, next_steps
from gateway.domain.claim_record import ClaimRecord, PlannedMessage
from gateway.domain.errors import Conflict
from gateway.domain.visit import Institution
from gateway.journeys.about_claim import context_of, plan_message, registered
from gateway.journeys.pace import Paces
from gateway.journeys.postpone import chance
from gateway.journeys.record_event import Happened, record_event
from gateway.journeys.visit_sequence import outcome_of
from gateway.ports import (
    Accepted,
    Answer,
    Books,
    CancelOrder,
    Clock,
    Declined,
    Ids,
    NotDelivered,
    Regions,
    ReversalOrder,
    Store,
    Verb,
)

LONGEST_PAUSE = timedelta(hours=1)
"""Between two 2601 attempts, however many there were."""
REVERSAL_TIMEOUT_S = 20.0
"""Longest wait for one 2601 answer."""


@dataclass(frozen=True, slots=True)
class ResolveTimings:
    """How patient the worker is."""

    resolve_after: timedelta
    """Before the first 2601: the original may still be under way."""
    retry: timedelta
    """Between 2601 attempts; doubles, up to LONGEST_PAUSE."""
    attempts_max: int
    """Then a person has to look."""

    def pause(self, attempts: int, chance: float = 1.0) -> timedelta:
        """How long after this many attempts the next one is due: between half of the pause and the
        whole of it, by `chance` (0 to 1), so that claims lost together do not return together."""
        # The exponent is bounded too: a shift by a configured number overflows.
        whole = min(self.retry * (1 << min(attempts - 1, 20)), max(self.retry, LONGEST_PAUSE))
        return whole * ((1.0 + chance) / 2)


class ResolveUnknown:
    """ResolveUnknown(claim) moves one claim one step on."""

    def __init__(
        self,
        *,
        store: Store,
        regions: Regions,
        institutions: Mapping[str, Institution],
        clock: Clock,
        ids: Ids,
        timings: ResolveTimings,
        paces: Paces | None = None,
    ) -> None:
        """Without `paces` there is no budget; an open breaker is heeded all the same."""
        self._paces = paces or Paces(regions=regions, clock=clock)
        self._store, self._regions, self._institutions = store, regions, institutions
        self._clock, self._ids, self._timings = clock, ids, timings

    async def __call__(self, claim: ClaimRecord) -> ClaimRecord:
        """Raises StorageUnavailable or Conflict; the claim is then looked at again later."""
        due = claim.work_due_at is None or claim.work_due_at <= self._clock.now()
        steps = next_steps(
            claim.state,
            expired=due,
            answered=claim.reversal_answered,
            exhausted=claim.reversal_attempts >= self._timings.attempts_max,
        )
        for step in steps:
            match step:
                case Step.MARK_UNKNOWN:
                    claim = await self._mark(claim, ClaimEvent.NO_ANSWER)
                case Step.MARK_CANCEL_UNKNOWN:
                    claim = await self._mark(claim, ClaimEvent.CANCEL_NO_ANSWER)
                case Step.SEND_REVERSAL | Step.REPEAT_REVERSAL if due:
                    claim = await self._reverse(claim)
                case _:
                    pass  # CALL_* belong to the journey; AWAIT_* to reconciliation or a person.
        return claim

    async def _mark(self, claim: ClaimRecord, event: ClaimEvent) -> ClaimRecord:
        due = None
        if event is ClaimEvent.NO_ANSWER:
            due = self._clock.now() + self._timings.resolve_after
        happened = Happened(event, {"work_due_at": due})

        def mark(books: Books) -> ClaimRecord:
            _unmoved(books, claim)
            return record_event(
                books, claim.claim_id, happened, at=self._clock.now(), ids=self._ids
            )

        return await self._store.write(mark)

    async def _reverse(self, claim: ClaimRecord) -> ClaimRecord:
        # Found before anything is recorded: an attempt on record that nobody could send is a lie.
        institution = registered(self._institutions, claim)
        pace = self._paces.of(claim.insured_region)
        if not pace.begin():
            return claim
        answered: bool | None = None
        try:
            planned = await self._store.write(lambda books: self._record_attempt(books, claim))
            message = planned.messages[-1]
            answer = await self._send(planned, message, institution)
            answered = isinstance(answer, Accepted | Declined)
        finally:
            pace.end(answered)
        return await self._store.write(
            lambda books: self._record_answer(books, planned, message, answer)
        )

    async def _send(
        self, claim: ClaimRecord, message: PlannedMessage, institution: Institution
    ) -> Answer[object]:
        now = self._clock.now()
        ctx = context_of(
            claim, message.msgid, institution, sent_at=now, timeout_s=REVERSAL_TIMEOUT_S
        )
        region = self._regions.of(claim.insured_region)
        if message.transaction == region.transaction(Verb.CANCEL, claim.visit_kind):
            return await region.cancel(
                ctx,
                CancelOrder(
                    claim.visit_kind,
                    claim.person_no,
                    claim.region_visit_id,
                    claim.region_settlement_id,
                ),
            )
        order = ReversalOrder(claim.person_no, claim.pivot_msgid, claim.pivot_transaction)
        return await region.reverse(ctx, order)

    def _means(self, claim: ClaimRecord) -> Verb:
        """By the settlement id where we hold one (a yes that a person had to look at), once:
        whether a second cancellation is harmless is not stated. Else by the original msgid."""
        region = self._regions.of(claim.insured_region)
        cancel = region.transaction(Verb.CANCEL, claim.visit_kind)
        tried = any(message.transaction == cancel for message in claim.messages)
        return Verb.CANCEL if claim.region_settlement_id and not tried else Verb.REVERSE

    def _record_attempt(self, books: Books, claim: ClaimRecord) -> ClaimRecord:
        at = self._clock.now()
        _unmoved(books, claim)
        message = plan_message(books, self._regions, claim, self._means(claim), at)
        attempts = claim.reversal_attempts + 1
        pause = self._pause(attempts, claim)
        changes = {
            "messages": (*claim.messages, message),
            "reversal_attempts": attempts,
            "work_due_at": at + pause if attempts < self._timings.attempts_max else None,
        }
        happened = Happened(ClaimEvent.REVERSAL_BY_MSGID, changes)
        return record_event(books, claim.claim_id, happened, at=at, ids=self._ids)

    def _record_answer(
        self, books: Books, planned: ClaimRecord, message: PlannedMessage, answer: Answer[object]
    ) -> ClaimRecord:
        books.record_exchange(
            message.msgid, planned.subject_ref, outcome_of(answer), answer.exchange
        )
        current = books.claim(planned.claim_id)
        if current is None or current.state is not ClaimState.REVERSAL_SENT:
            return current or planned
        now = self._clock.now()
        claim = replace(
            current.with_message(replace(message, outcome=outcome_of(answer))),
            version=current.version + 1,
            updated_at=now,
            **self._after(current, answer, now),
        )
        books.update_claim(claim, expected_version=current.version)
        return claim

    def _after(self, claim: ClaimRecord, answer: Answer[object], now: datetime) -> dict[str, Any]:
        """What an answer changes of the retry."""
        match answer:
            case Accepted() | Declined():
                return {"reversal_answered": True, "work_due_at": None}
            case NotDelivered():
                # It never left: not one of the attempts after which a person is asked.
                attempts = claim.reversal_attempts
                return {
                    "reversal_attempts": attempts - 1,
                    "reversal_undelivered": claim.reversal_undelivered + 1,
                    "work_due_at": claim.work_due_at or now + self._pause(attempts, claim),
                }
            case _:
                return {}

    def _pause(self, attempts: int, claim: ClaimRecord) -> timedelta:
        tries = attempts + claim.reversal_undelivered
        return self._timings.pause(tries, chance(self._ids.salt()))


def _unmoved(books: Books, claim: ClaimRecord) -> None:
    """Its journey may have ended, and another one begun, since the worker read it."""
    current = books.claim(claim.claim_id)
    if current is None or current.version != claim.version:
        raise Conflict("the claim moved while it was being resolved")
