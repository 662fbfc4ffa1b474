"""入院办理冲正: take back an admission (2401) whose reply was lost, so that no stay is left open.

Nothing was settled, and the caller has its answer; but the region may have admitted the patient and
would then refuse the next admission. 2401 is one of the few messages that a 2601 may name. Each try
has its own msgid, on disk before it is sent. A yes or a no ends it: a no means that the region
never saw the admission.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.domain.errors import InvariantViolated, NotFound
from gateway.domain.visit import Institution
from gateway.journeys.postpone import postpone
from gateway.journeys.visit_sequence import outcome_of
from gateway.ports import (
    Accepted,
    Answer,
    Books,
    CallContext,
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
    ) -> None:
        self._store, self._regions, self._institutions = store, regions, institutions
        self._clock = clock

    async def __call__(self, item: OutboxItem) -> bool:
        """Whether it was answered now."""
        claim = await self._store.read(lambda reader: reader.claim(item.claim_id))
        if claim is None:
            raise InvariantViolated("an outbox item without its claim")
        institution = self._institutions.get(claim.institution_code)
        if institution is None:
            raise NotFound("the claim's institution is no longer in the register")
        admission = claim.messages[0]
        message = await self._store.write(lambda books: self._plan(books, claim))
        ctx = CallContext(
            msgid=message.msgid,
            institution=institution,
            visited_region=claim.visited_region,
            insured_region=claim.insured_region,
            sent_at=self._clock.now(),
            timeout_s=TIMEOUT_S,
        )
        order = ReversalOrder(claim.person_no, admission.msgid, admission.transaction)
        answer = await self._regions.of(item.region).reverse(ctx, order)
        return await self._record(item, claim, message, answer)

    def _plan(self, books: Books, claim: ClaimRecord) -> PlannedMessage:
        # Not added to the claim: its answer was told, and stays as it is.
        number = self._regions.of(claim.insured_region).transaction(Verb.REVERSE, claim.visit_kind)
        (msgid,) = books.next_msgids(claim.institution_code, 1, self._clock.now())
        message = PlannedMessage(msgid, number, claim.insured_region)
        books.record_messages(claim.claim_id, (message,))
        return message

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
