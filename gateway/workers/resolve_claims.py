"""未知结果: look for claims that nobody works on any more, and move each one step on."""

from __future__ import annotations

import asyncio

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import DomainError
from gateway.journeys.resolve_unknown import ResolveUnknown
from gateway.ports import Clock, Store
from gateway.telemetry import Logger

BATCH = 50
"""Claims looked at in one round; a region that is down must not hold up the others for long."""


class ResolveClaims:
    """One round. Answers how many claims it looked at."""

    def __init__(
        self, *, store: Store, resolve: ResolveUnknown, clock: Clock, logger: Logger
    ) -> None:
        self._store, self._resolve, self._clock = store, resolve, clock
        self._log = logger
        self._stuck = 0
        """Claims of the last round that could not be resolved: they are due first again, and must
        not take the places of the others."""

    async def __call__(self) -> int:
        now, limit = self._clock.now(), BATCH + self._stuck
        claims = await self._store.read(lambda reader: reader.claims_needing_work(now, limit))
        went = await asyncio.gather(*(self._one(claim) for claim in claims))
        self._stuck = went.count(False)
        return len(claims)

    async def _one(self, claim: ClaimRecord) -> bool:
        """Whether it could be handled."""
        try:
            moved = await self._resolve(claim)
        except DomainError as error:
            # Somebody else moved it, or our database is away: the next round sees what is there.
            self._log.warning("resolve_postponed", claim_id=claim.claim_id, error_code=error.code)
            return False
        except Exception as error:  # one that cannot be resolved must not hold up the others
            self._log.error(
                "resolve_failed",
                claim_id=claim.claim_id,
                error_code=type(error).__name__,
                exc_info=error,
            )
            return False
        if moved.state is not claim.state:
            self._log.info(
                "claim_resolved_a_step", claim_id=claim.claim_id, state=moved.state.value
            )
        if moved.state is ClaimState.REVERSAL_SENT and needs_person(moved):
            self._log.error("claim_needs_a_person", claim_id=claim.claim_id, state=moved.state)
        return True


def needs_person(claim: ClaimRecord) -> bool:
    """Every 2601 attempt went unanswered: only reconciliation or a person goes on from here."""
    return not claim.reversal_answered and claim.awaits_reconciliation
