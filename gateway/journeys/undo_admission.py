"""入院办理冲正: take back an admission (2401) whose reply was lost, so that no stay is left open.

Nothing was settled, and the caller has its answer; but the region may have admitted the patient and
would then refuse the next admission. 2401 is one of the few messages that a 2601 may name. Each try
has its own msgid, on disk before it is sent. A yes or a no ends it: a no means that the region
never saw the admission.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.domain.visit import Institution
from gateway.journeys.about_claim import claim_of, context_of, plan_message, registered
from gateway.journeys.pace import Paces
from gateway.journeys.postpone import postpone
from gateway.journeys.visit_sequence import outcome_of
from gateway.ports import (
    Accepted,
    Answer,
    Books,
    Clock,
    Declined,
    Regions,
    ReversalOrder,
    Store,
    Verb,
)

TIMEOUT_S = 20.0


class UndoAdmission:
    """UndoAdmission(item) delivers one outbox item, or postpones it."""

    def __init__(
        self,
        *,
        store: Store,
        regions: Regions,
        institutions: Mapping[str, Institution],
        clock: Clock,
        paces: Paces | None = None,
    ) -> None:
        """`paces`: of 2601s, shared with those of unknown claims."""
        self._paces = paces or Paces(regions=regions, clock=clock)
        self._store, self._regions, self._institutions = store, regions, institutions
        self._clock = clock

    async def __call__(self, item: OutboxItem) -> bool:
        """Whether it was answered now."""
        claim = await claim_of(self._store, item)
        institution = registered(self._institutions, claim)
        pace = self._paces.of(item.region)
        if not pace.begin():
            await postpone(self._store, self._clock, item, "no_turn")
            return False
        answered: bool | None = None
        try:
            message, answer = await self._reverse(item, claim, institution)
            answered = isinstance(answer, Accepted | Declined)
        finally:
            pace.end(answered)
        return await self._record(item, claim, message, answer)

    async def _reverse(
        self, item: OutboxItem, claim: ClaimRecord, institution: Institution
    ) -> tuple[PlannedMessage, Answer[None]]:
        admission = claim.messages[0]
        # Not added to the claim: its answer was told, and stays as it is.
        message = await self._store.write(
            lambda books: plan_message(books, self._regions, claim, Verb.REVERSE, self._clock.now())
        )
        now = self._clock.now()
        ctx = context_of(claim, message.msgid, institution, sent_at=now, timeout_s=TIMEOUT_S)
        order = ReversalOrder(claim.person_no, admission.msgid, admission.transaction)
        return message, await self._regions.of(item.region).reverse(ctx, order)

    async def _record(
        self, item: OutboxItem, claim: ClaimRecord, message: PlannedMessage, answer: Answer[None]
    ) -> bool:
        ended = isinstance(answer, Accepted | Declined)

        def write(books: Books) -> None:
            outcome = outcome_of(answer)
            books.record_exchange(message.msgid, claim.subject_ref, outcome, answer.exchange)
            if ended:
                books.finish_outbox(item.item_id, self._clock.now())

        await self._store.write(write)
        if not ended:
            await postpone(self._store, self._clock, item, outcome_of(answer))
        return ended
