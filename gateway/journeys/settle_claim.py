"""结算: settle one bill, once.

Steps, as in docs/architecture.md (the life of a claim):
(1) the same request_id with the same body gives the claim's current state; (2) price the bill,
ask the insured region who this is; (3) record the intent in one transaction: the msgids are on
disk before the first byte leaves; (4) take the visit through the region's messages: the last one
is the pivot; (5) record what became of it; (6) answer.

An exception out of here means that nothing was sent. After (3) there is always an answer. What is
recorded at (3) is settle_intent.py's, what an answer means at (5) settle_outcome.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import RequestIdReused
from gateway.journeys.assess_bill import AssessBill, Assessment
from gateway.journeys.commands import SettleCommand
from gateway.journeys.laps import Laps
from gateway.journeys.once_per_request import OncePerRequest, Request
from gateway.journeys.record_event import record_intent
from gateway.journeys.record_persistently import record_persistently
from gateway.journeys.settle_intent import intended_claim
from gateway.journeys.settle_outcome import settle_outcome
from gateway.journeys.time_budget import CALL_MIN_S, EFFECT_MIN_S, attempt_ends_after
from gateway.journeys.visit_sequence import SequenceEnd, VisitSequence
from gateway.ports import (
    Books,
    BooksReader,
    ClaimEncoder,
    Clock,
    Hasher,
    Ids,
    Observe,
    Store,
    Trouble,
)


@dataclass(frozen=True, slots=True)
class _Intent:
    claim: ClaimRecord
    fresh: bool


class SettleClaim:
    """SettleClaim(command, budget_s=…) → the encoded claim."""

    def __init__(
        self,
        *,
        store: Store,
        assess: AssessBill,
        clock: Clock,
        ids: Ids,
        hasher: Hasher,
        encode: ClaimEncoder,
        resolve_after: timedelta,
        observe: Observe,
        trouble: Trouble,
    ) -> None:
        self._store, self._assess, self._clock, self._ids = store, assess, clock, ids
        self._encode, self._observe, self._trouble = encode, observe, trouble
        self._resolve_after = resolve_after
        self._sequence = VisitSequence(clock=clock)
        self._once = OncePerRequest[SettleCommand](
            find=self._find, run=self._run, clock=clock, hasher=hasher
        )
        self.running = self._once.running

    async def __call__(self, command: SettleCommand, *, budget_s: float) -> bytes:
        """Raises DomainError only if nothing was sent; see the module's text."""
        return await self._once(command, budget_s=budget_s)

    async def _find(self, request: Request[SettleCommand]) -> bytes | None:
        """The answer as it was stored, byte for byte, whatever encodes answers today."""

        def look(reader: BooksReader) -> bytes | None:
            claim = reader.claim_by_request(*request.key)
            if claim is not None and claim.request_hash != request.body_hash:
                raise RequestIdReused(metadata={"claim_id": claim.claim_id})
            return None if claim is None else reader.answer(claim.claim_id)

        return await self._store.read(look)

    async def _run(self, request: Request[SettleCommand]) -> bytes:
        lap = Laps(self._clock, self._observe)
        found = await self._find(request)  # (1)
        lap("find")
        if found is not None:
            return found
        assessment = await self._assess(request.command, deadline=request.deadline, lap=lap)  # (2)
        request.left_s(self._clock, at_least=EFFECT_MIN_S)
        intent = await self._store.write(  # (3)
            partial(self._record_intent, request, assessment)
        )
        lap("intent")
        if not intent.fresh:
            # Another way to the same intent was quicker, e.g. an earlier process of ours.
            return await self._find(request) or self._encode(intent.claim)
        claim = await self._finish(intent.claim, request, assessment, lap)
        answer = self._encode(claim)  # (6)
        lap("reply")
        return answer

    def _record_intent(
        self, request: Request[SettleCommand], assessment: Assessment, books: Books
    ) -> _Intent:
        """(3), in the transaction."""
        existing = books.claim_by_request(*request.key)
        if existing is not None:
            return _Intent(existing, fresh=False)
        # It may have waited long for its turn to be written.
        left_s = request.left_s(self._clock, at_least=CALL_MIN_S)
        at = self._clock.now()
        claim = intended_claim(
            books,
            request,
            assessment,
            claim_id=self._ids.claim_id(),
            at=at,
            attempt_deadline=at + attempt_ends_after(left_s),
        )
        return _Intent(record_intent(books, claim, at=at, ids=self._ids), fresh=True)

    async def _finish(
        self,
        claim: ClaimRecord,
        request: Request[SettleCommand],
        assessment: Assessment,
        lap: Laps,
    ) -> ClaimRecord:
        """(4) and (5). Never raises: once something may have been sent, the caller is told what is
        on record, and the worker goes on from there."""
        try:
            end = await self._call_region(claim, request, assessment)
            lap("region")
            claim = await self._record_end(claim, assessment, end)
            lap("settle")
        except Exception as error:  # a defect of ours must not look like "nothing was sent"
            self._trouble("settle_claim", claim.claim_id, error)
        return claim

    async def _call_region(
        self, claim: ClaimRecord, request: Request[SettleCommand], assessment: Assessment
    ) -> SequenceEnd:
        """(4)."""
        command = request.command
        return await self._sequence.run(
            assessment.gateway,
            tuple(zip(assessment.plan(command), claim.messages, strict=True)),
            assessment.attendance(command, invoice_no=command.invoice_no),
            command=command,
            deadline=request.deadline,
        )

    async def _record_end(
        self, claim: ClaimRecord, assessment: Assessment, end: SequenceEnd
    ) -> ClaimRecord:
        """(5). If our database cannot take it, the claim stays RECORDED: the worker will treat it
        as unknown, and the caller is told what is on record."""
        resolve_at = self._clock.now() + self._resolve_after
        happened = settle_outcome(assessment, end, resolve_at=resolve_at)
        recorded = await record_persistently(
            self._store, claim.claim_id, happened, clock=self._clock, ids=self._ids
        )
        return recorded or claim
