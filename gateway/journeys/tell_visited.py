"""Tell the visited region of a settlement or its reversal, at least once, idempotently.

No national message exists for that; the row is shaped like 3260's and marked as an assumption
(docs/adr). Its key is our claim id, 30 characters as 结算流水号 allows, with the sign of the
amounts: a reversal carries negative ones. The insured region's 结算ID is no key: provinces issue
them independently, and one may issue a number again.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.claim_record import ClaimRecord, OutboxItem
from gateway.domain.errors import InvariantViolated
from gateway.domain.visit import Institution
from gateway.journeys.about_claim import claim_of, context_of, registered
from gateway.journeys.postpone import postpone
from gateway.ports import (
    Accepted,
    Answer,
    Clock,
    MsgidSource,
    Regions,
    Store,
    VisitedRow,
)

TELL_TIMEOUT_S = 10.0


class TellVisited:
    """TellVisited(item) delivers one outbox item, or postpones it."""

    def __init__(
        self,
        *,
        store: Store,
        regions: Regions,
        institutions: Mapping[str, Institution],
        clock: Clock,
        msgids: MsgidSource,
    ) -> None:
        self._store, self._regions, self._institutions = store, regions, institutions
        self._clock, self._msgids = clock, msgids

    async def __call__(self, item: OutboxItem) -> bool:
        """Whether it was delivered now."""
        claim = await claim_of(self._store, item)
        institution = registered(self._institutions, claim)
        (msgid,) = await self._msgids.take(claim.institution_code, 1)
        now = self._clock.now()
        ctx = context_of(claim, msgid, institution, sent_at=now, timeout_s=TELL_TIMEOUT_S)
        answer = await self._regions.of(item.region).tell_visited(ctx, _row(claim, item))
        await self._record(item, answer)
        return isinstance(answer, Accepted)

    async def _record(self, item: OutboxItem, answer: Answer[None]) -> None:
        at = self._clock.now()
        if isinstance(answer, Accepted):
            await self._store.write(lambda books: books.finish_outbox(item.item_id, at))
            return
        cause = getattr(answer, "cause", None) or getattr(answer, "code", "")
        await postpone(self._store, self._clock, item, str(cause))


def _row(claim: ClaimRecord, item: OutboxItem) -> VisitedRow:
    if claim.settled is None:
        raise InvariantViolated("an outbox item for a claim that was never settled")
    reversal = item.kind == "visited_reversal"
    breakdown = claim.settled.negated() if reversal else claim.settled
    return VisitedRow(
        settlement_no=claim.claim_id,
        visit_id=claim.region_visit_id,
        id_number=claim.id_number,
        settled_at=claim.region_settled_at or claim.updated_at,
        total_fen=breakdown.total_fen,
        insurance_paid_fen=breakdown.due_to_hospital_fen,
    )
