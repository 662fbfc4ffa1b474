"""对账: look for claims whose statement is due, ask once for those that share one, and go on.

Nothing lies in memory: what is due stands with each claim. A region that does not answer delays
only itself, and no more than one of its statements is waited for in a round. Not here: what a
statement decides (gateway/journeys/reconcile_unknown.py).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime

from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import InvariantViolated, Overloaded, StorageUnavailable
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
        now, hour = self._clock.now(), self._reconcile.rules.hour
        due = await self._store.read(lambda reader: reader.claims_to_reconcile(now, BATCH))
        by_province: defaultdict[str, Asked] = defaultdict(dict)
        early: defaultdict[datetime, list[ClaimRecord]] = defaultdict(list)
        for claim in due:
            asked = await self._question(claim)
            if asked is None:
                continue
            closes = asked.span.closes(hour)
            if closes > now:
                early[closes].append(claim)
            else:
                by_province[asked.pooling_region[:2]].setdefault(asked, []).append(claim)
        for closes, claims in early.items():
            await self._put_off(claims, closes)
        return sum(await asyncio.gather(*(self._province(asked) for asked in by_province.values())))

    async def _question(self, claim: ClaimRecord) -> Question | None:
        try:
            return question(claim, self._reconcile.rules)
        except InvariantViolated as error:  # it must not hold up the others
            await self._failed(error, [claim])
            return None

    async def _province(self, asked: Asked) -> int:
        moved, away = 0, ""
        for what, claims in asked.items():
            try:
                found = Outcome(cause=away) if away else await self._reconcile(what, claims)
            except Exception as error:  # one that cannot be asked about must not hold up the others
                await self._failed(error, claims)
                continue
            if found.cause:
                await self._put_off(claims)
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

    async def _failed(self, error: Exception, claims: list[ClaimRecord]) -> None:
        """Told, and asked again later than the others: they are due first and would stay so."""
        if isinstance(error, StorageUnavailable | Overloaded):
            self._log.warning("reconcile_postponed", error_type=type(error).__name__)
            return
        first = claims[0].claim_id
        self._log.error(
            "reconcile_failed", claim_id=first, error_type=type(error).__name__, exc_info=error
        )
        await self._put_off(claims)

    async def _put_off(self, claims: list[ClaimRecord], until: datetime | None = None) -> None:
        try:
            await self._reconcile.put_off(claims, until)
        except (StorageUnavailable, Overloaded) as error:  # they are still due
            self._log.warning("reconcile_postponed", error_type=type(error).__name__)
