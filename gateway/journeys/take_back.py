"""人工撤回: a person decides that what may stand at the region is taken back there.

For claims in REVIEW, and for those whose 冲正 went unanswered or whose statement a person had to
look at. Who decided and why stands in the leaf. Nothing is sent here: the worker takes it back by
the region's settlement id where we hold one, by the original msgid otherwise, and the statement of
the day decides whether it worked.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import Malformed, NotFound, Refused
from gateway.journeys.record_event import Happened, record_event
from gateway.ports import Books, Clock, Ids, Store

REASON_MAX = 200
"""Characters."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided what about which claim, and why."""

    claim_id: str
    operator: str
    """As the certificate names them."""
    reason: str

    def refuse_empty(self) -> None:
        """Raises Malformed unless somebody answers for it, with a reason."""
        if not self.operator or not 0 < len(self.reason) <= REASON_MAX:
            raise Malformed(
                "a decision needs its operator and a reason",
                reason="REASON_REQUIRED",
                text_zh=f"请写明操作人与原因(不超过 {REASON_MAX} 字)。",
            )

    def noted(self) -> dict[str, str]:
        """What the leaf keeps of it."""
        return {"operator": self.operator, "reason": self.reason}


class TakeBack:
    """TakeBack(decision) → the claim, on its way back."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self._store, self._clock, self._ids = store, clock, ids

    async def __call__(self, decision: Decision) -> ClaimRecord:
        """Raises NotFound, Malformed without a reason, and Refused unless a person is waited for.

        Asking twice is refused the second time: the claim then waits for nobody.
        """
        decision.refuse_empty()
        return await self._store.write(lambda books: self._record(books, decision))

    def _record(self, books: Books, decision: Decision) -> ClaimRecord:
        claim = books.claim(decision.claim_id)
        if claim is None:
            raise NotFound("no such claim")
        refuse_unless(claim, allowed=may_take_back(claim))
        at = self._clock.now()
        changes = {
            "reversal_answered": False,
            "reversal_attempts": 0,
            "reversal_undelivered": 0,
            "work_due_at": at,
        }
        happened = Happened(ClaimEvent.TAKE_BACK, changes, noted=decision.noted())
        return record_event(books, claim.claim_id, happened, at=at, ids=self._ids)


def may_take_back(claim: ClaimRecord) -> bool:
    """In review, or on its way back and nobody goes on with it."""
    if claim.state is ClaimState.REVIEW:
        return True
    unheard = not claim.reversal_answered or bool(claim.attention)
    return claim.state is ClaimState.REVERSAL_SENT and claim.awaits_reconciliation and unheard


def refuse_unless(claim: ClaimRecord, *, allowed: bool) -> None:
    """Raises Refused: this claim waits for no such decision."""
    if not allowed:
        raise Refused(
            f"a claim in {claim.state} waits for no such decision",
            reason="NOTHING_TO_DECIDE",
            text_zh=f"该笔业务当前状态为 {claim.state.value},不需要、也不能由人工这样处理。",
            metadata={"claim_id": claim.claim_id, "state": claim.state.value},
        )
