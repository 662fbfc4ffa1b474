"""未知结果: look for claims that nobody works on any more, and move each one step on.

A lane for what needs only our own database, and one for each province's 2601s: a province that is
slow or away holds up its own lane and nobody else's. The queue is the database; what a lane
remembers may be lost at any moment.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import Conflict, Overloaded, StorageUnavailable
from gateway.journeys.pace import Pace
from gateway.journeys.resolve_unknown import ResolveUnknown
from gateway.ports import ANY_STATE, Clock, Store
from gateway.telemetry import Logger

BATCH = 50
"""Claims looked at in one round."""
AGAIN_S = 60.0
"""After which a claim that could not be resolved (its institution has left the register, a defect
of ours) is tried again."""
LEFT_OUT_MAX = 5_000
"""Most that are left out; beyond it the first of them are tried again."""
TRANSIENT = (Conflict, StorageUnavailable, Overloaded)
OURS = frozenset({ClaimState.RECORDED, ClaimState.REVERSING})
"""States whose next step is a note in our own database: nothing is sent."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Which claims one worker looks at."""

    states: frozenset[ClaimState] = ANY_STATE
    region: str = ""
    """First digits of the insured region; empty is all."""


EVERYTHING = Lane()
MARKING = Lane(OURS)
"""Nobody knows whether it was sent: said so at once, whatever the regions do."""


def sending(province: str) -> Lane:
    """One province's 2601s."""
    return Lane(ANY_STATE - OURS, province)


class ResolveClaims:
    """One round. Answers how many claims it looked at."""

    def __init__(
        self,
        *,
        store: Store,
        resolve: ResolveUnknown,
        clock: Clock,
        logger: Logger,
        lane: Lane = EVERYTHING,
        pace: Pace | None = None,
    ) -> None:
        """`pace`: the one that `resolve` keeps for the lane's region; no more is read than may
        go."""
        self._store, self._resolve, self._clock = store, resolve, clock
        self._log, self._lane, self._pace = logger, lane, pace
        self._left_out: dict[str, float] = {}
        """Claims that could not be resolved, until when (monotonic): they are due first again, and
        must not take the places of the others. In memory, for a new process may know better."""

    async def __call__(self) -> int:
        free = BATCH if self._pace is None else min(BATCH, self._pace.free())
        if not free:
            return 0
        now, lane, left_out = self._clock.now(), self._lane, self._still_left_out()
        claims = await self._store.read(
            lambda reader: reader.claims_needing_work(
                now, free, region=lane.region, states=lane.states, left_out=left_out
            )
        )
        await asyncio.gather(*(self._one(claim) for claim in claims))
        return len(claims)

    def _still_left_out(self) -> frozenset[str]:
        now = self._clock.monotonic()
        found = [(claim_id, until) for claim_id, until in self._left_out.items() if until > now]
        self._left_out = dict(found[-LEFT_OUT_MAX:])
        return frozenset(self._left_out)

    async def _one(self, claim: ClaimRecord) -> None:
        try:
            moved = await self._resolve(claim)
        except TRANSIENT as error:
            # Somebody else moved it, or our database is away: the next round sees what is there.
            self._log.warning("resolve_postponed", claim_id=claim.claim_id, error_code=error.code)
            return
        except Exception as error:  # one that cannot be resolved must not hold up the others
            self._log.error(
                "resolve_failed",
                claim_id=claim.claim_id,
                error_code=type(error).__name__,
                exc_info=error,
            )
            self._left_out[claim.claim_id] = self._clock.monotonic() + AGAIN_S
            return
        if moved.state is not claim.state:
            self._log.info(
                "claim_resolved_a_step", claim_id=claim.claim_id, state=moved.state.value
            )
        if moved.state is ClaimState.REVERSAL_SENT and needs_person(moved):
            self._log.error("claim_needs_a_person", claim_id=claim.claim_id, state=moved.state)


def needs_person(claim: ClaimRecord) -> bool:
    """Every 2601 attempt went unanswered: only reconciliation or a person goes on from here."""
    return not claim.reversal_answered and claim.awaits_reconciliation
