"""对账: look for claims whose statement is due, ask once for those that share one, and go on.

Nothing lies in memory: what is due stands with each claim. A region that does not answer delays
only itself, and no more than one of its statements is waited for in a round. Not here: what a
statement decides (gateway/journeys/reconcile_unknown.py).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import DomainError
from gateway.journeys.reconcile_unknown import Outcome, ReconcileUnknown
from gateway.journeys.statement_span import Question, question
from gateway.ports import Clock, Store
from gateway.telemetry import Logger

BATCH = 2000
"""Claims looked at in one round; the rest is still due in the next."""

Asked = dict[Question, list[ClaimRecord]]


class ReconcileClaims:
    """One round. Answers how many claims it moved."""

    def __init__(
        self, *, store: Store, reconcile: ReconcileUnknown, clock: Clock, logger: Logger
    ) -> None:
        self._store, self._reconcile, self._clock = store, reconcile, clock
        self._log = logger

    async def __call__(self) -> int:
        now = self._clock.now()
        due = await self._store.read(lambda reader: reader.claims_to_reconcile(now, BATCH))
        by_province: defaultdict[str, Asked] = defaultdict(dict)
        for claim in due:
            asked = await self._ready(claim)
            if asked is not None:
                of_province = by_province[asked.pooling_region[:2]]
                of_province.setdefault(asked, []).append(claim)
        return sum(await asyncio.gather(*(self._province(asked) for asked in by_province.values())))

    async def _ready(self, claim: ClaimRecord) -> Question | None:
        """Its question, once the days that it asks about are closed."""
        rules = self._reconcile.rules
        try:
            asked = question(claim, rules)
            closes = asked.span.closes(rules.hour)
            if closes <= self._clock.now():
                return asked
            await self._reconcile.put_off([claim], until=closes)
        except Exception as error:  # one that cannot be asked about must not hold up the others
            self._failed(error, claim.claim_id)
        return None

    async def _province(self, asked: Asked) -> int:
        moved, away = 0, ""
        for what, claims in asked.items():
            try:
                found = Outcome(cause=away) if away else await self._reconcile(what, claims)
                if found.cause:
                    await self._reconcile.put_off(claims)
            except Exception as error:  # what was not decided is still due
                self._failed(error, claims[0].claim_id)
                return moved
            away = away or (found.cause if found.region_is_away else "")
            moved += found.moved
            self._tell(what, claims, found)
        return moved

    def _tell(self, what: Question, claims: list[ClaimRecord], found: Outcome) -> None:
        told = self._log.warning if found.cause else self._log.info
        told(
            "statement_not_got" if found.cause else "statement_read",
            region=what.pooling_region,
            institution=what.institution,
            day=what.span.last.isoformat(),
            checked=len(claims),
            count=found.moved,
            undated=found.undated,
            cause=found.cause,
        )

    def _failed(self, error: Exception, claim_id: str) -> None:
        level = self._log.warning if isinstance(error, DomainError) else self._log.error
        level("reconcile_failed", claim_id=claim_id, error_type=type(error).__name__)
