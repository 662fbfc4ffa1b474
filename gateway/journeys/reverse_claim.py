"""结算撤销: cancel one settled claim, once.

The insured region cancels by its own settlement id (2208/2305); the intent, with its pending
opposite entry and its msgid, is on disk before. A lost answer is REVERSAL_UNKNOWN until
reconciliation: sending the cancellation again could cancel nothing, or something twice. An
exception out of here means that nothing was sent.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import ClaimRecord, Refusal
from gateway.domain.errors import (
    Conflict,
    NotFound,
    Refused,
    RequestIdReused,
)
from gateway.journeys.about_claim import context_of, plan_message
from gateway.journeys.commands import ReverseCommand
from gateway.journeys.once_per_request import OncePerRequest, Request
from gateway.journeys.record_event import Happened, record_event
from gateway.journeys.record_persistently import record_persistently
from gateway.journeys.time_budget import CALL_MIN_S, EFFECT_MIN_S, attempt_ends_after
from gateway.journeys.visit_sequence import outcome_of
from gateway.ports import (
    Accepted,
    Answer,
    AskedReversal,
    Books,
    BooksReader,
    CancelOrder,
    ClaimEncoder,
    Clock,
    Declined,
    Exchange,
    Hasher,
    Ids,
    NoAnswer,
    NotDelivered,
    Regions,
    RegionSettlement,
    Store,
    Trouble,
    Verb,
)


class ReverseClaim:
    """ReverseClaim(command, budget_s=…) → the encoded claim."""

    def __init__(
        self,
        *,
        store: Store,
        regions: Regions,
        clock: Clock,
        ids: Ids,
        hasher: Hasher,
        encode: ClaimEncoder,
        trouble: Trouble,
    ) -> None:
        self._store, self._regions, self._clock, self._ids = store, regions, clock, ids
        self._encode, self._trouble = encode, trouble
        self._once = OncePerRequest[ReverseCommand](
            find=self._find, run=self._run, clock=clock, hasher=hasher
        )
        self.running = self._once.running

    async def __call__(self, command: ReverseCommand, *, budget_s: float) -> bytes:
        """Raises DomainError only if nothing was sent."""
        return await self._once(command, budget_s=budget_s)

    async def _find(self, request: Request[ReverseCommand]) -> bytes | None:
        """The stored answer of the claim that this very request was about before; another body
        under its id is refused."""

        def look(reader: BooksReader) -> bytes | None:
            asked = reader.claim_by_reversal(*request.key)
            if asked is None:
                return None
            _same_request(asked, request)
            return reader.answer(asked.claim.claim_id)

        return await self._store.read(look)

    async def _run(self, request: Request[ReverseCommand]) -> bytes:
        found = await self._find(request)
        if found is not None:
            return found
        request.left_s(self._clock, at_least=EFFECT_MIN_S)
        claim, fresh = await self._store.write(partial(self._record_intent, request))
        if not fresh:
            return await self._find(request) or self._encode(claim)
        try:
            answer = await self._call_region(claim, request)
            claim = await self._record_end(claim, answer)
        except Exception as error:  # a defect of ours must not look like "nothing was sent"
            self._trouble("reverse_claim", claim.claim_id, error)
        return self._encode(claim)

    def _record_intent(
        self, request: Request[ReverseCommand], books: Books
    ) -> tuple[ClaimRecord, bool]:
        command, code = request.command, request.command.institution.code
        earlier = books.claim_by_reversal(*request.key)
        if earlier is not None:
            _same_request(earlier, request)
            return earlier.claim, False
        claim = books.claim(command.claim_id)
        if claim is None or claim.institution_code != code:
            raise NotFound("no such claim of this institution", reason="CLAIM_NOT_FOUND")
        _reversible(claim, command)
        # It may have waited long for its turn to be written.
        left_s = request.left_s(self._clock, at_least=CALL_MIN_S)
        at = self._clock.now()
        attempt_deadline = at + attempt_ends_after(left_s)
        message = plan_message(books, self._regions, claim, Verb.CANCEL, at)
        books.record_reversal_request(*request.key, claim.claim_id, request.body_hash)
        happened = Happened(
            ClaimEvent.CANCEL_REQUESTED,
            {
                "messages": (*claim.messages, message),
                "reversal_request_id": command.request_id,
                "reversal_request_hash": request.body_hash,
                "reversal_reason": command.reason,
                "refusal": None,
                "attempt_deadline": attempt_deadline,
                "work_due_at": attempt_deadline,
            },
        )
        return record_event(books, claim.claim_id, happened, at=at, ids=self._ids), True

    async def _call_region(
        self, claim: ClaimRecord, request: Request[ReverseCommand]
    ) -> Answer[RegionSettlement]:
        left = request.deadline - self._clock.monotonic()
        if left < CALL_MIN_S:  # recording took too long: a region could not answer in time
            return NotDelivered("DEADLINE", Exchange(claim.messages[-1].transaction, b"", None))
        ctx = context_of(
            claim,
            claim.messages[-1].msgid,
            request.command.institution,
            sent_at=self._clock.now(),
            timeout_s=left,
        )
        order = CancelOrder(
            claim.visit_kind, claim.person_no, claim.region_visit_id, claim.region_settlement_id
        )
        return await self._regions.of(claim.insured_region).cancel(ctx, order)

    async def _record_end(
        self, claim: ClaimRecord, answer: Answer[RegionSettlement]
    ) -> ClaimRecord:
        msgid = claim.messages[-1].msgid
        event, changes = _event(claim, answer)
        happened = Happened(event, changes, ((msgid, outcome_of(answer), answer.exchange),))
        recorded = await record_persistently(
            self._store, claim.claim_id, happened, clock=self._clock, ids=self._ids
        )
        return recorded or claim


def _same_request(asked: AskedReversal, request: Request[ReverseCommand]) -> None:
    if asked.request_hash != request.body_hash:
        raise RequestIdReused(metadata={"claim_id": asked.claim.claim_id})


def _reversible(claim: ClaimRecord, command: ReverseCommand) -> None:
    if command.etag and command.etag != str(claim.version):
        raise Conflict(
            "the claim changed since it was read",
            reason="ETAG_MISMATCH",
            metadata={"claim_id": claim.claim_id, "etag": str(claim.version)},
        )
    if claim.state is not ClaimState.SETTLED:
        raise Refused(
            f"a claim in {claim.state} cannot be reversed",
            reason="NOT_REVERSIBLE",
            text_zh=f"该笔业务当前状态为 {claim.state.value},不能撤销;只有已结算的业务可以撤销。",
            metadata={"claim_id": claim.claim_id, "state": claim.state.value},
        )


def _event(
    claim: ClaimRecord, answer: Answer[RegionSettlement]
) -> tuple[ClaimEvent, dict[str, Any]]:
    changes: dict[str, Any] = {"work_due_at": None}
    match answer:
        case Accepted(value=settlement):
            changes["reversal_settlement_id"] = settlement.settlement_id
            changes["reversal_settled_at"] = settlement.settled_at
            if settlement.broken or not _exact_negative(claim, settlement):
                # I8: a reversal that is not the exact negative is never posted.
                changes["broken"] = tuple(dict.fromkeys((*settlement.broken, "I8")))
                return ClaimEvent.CANCEL_NO_ANSWER, changes
            return ClaimEvent.CANCEL_ACCEPTED, changes
        case Declined(code=code, text=text):
            changes["refusal"] = Refusal("region", "REVERSAL_REFUSED", code, text)
            return ClaimEvent.CANCEL_REFUSED, changes
        case NoAnswer():
            return ClaimEvent.CANCEL_NO_ANSWER, changes
        case _:
            changes["refusal"] = Refusal(
                "gateway", "REGION_UNAVAILABLE", "", "参保地平台未能受理撤销,原结算仍然有效。"
            )
            return ClaimEvent.CANCEL_NOT_SENT, changes


def _exact_negative(claim: ClaimRecord, reversal: RegionSettlement) -> bool:
    """I8: in every amount that both answers gave."""
    if claim.settled is None:
        return False
    expected = claim.settled.negated()
    silent = {*claim.not_given, *reversal.not_given}
    taken_over = {name: getattr(expected, name) for name in silent}
    return replace(reversal.breakdown, **taken_over) == expected
