"""发件箱: do what was promised to be done after a commit, oldest first, at least once.

One lane for each province that is told: one that is slow or away holds up nobody else's news.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.domain.claim_record import OutboxItem
from gateway.journeys.pace import Pace
from gateway.journeys.postpone import postpone
from gateway.journeys.record_event import UNDO_ADMISSION
from gateway.journeys.tell_visited import TellVisited
from gateway.journeys.undo_admission import UndoAdmission
from gateway.ports import Clock, Store
from gateway.telemetry import Logger

BATCH = 32
BATCHES = 8
"""Of one round, as long as they are full; then whoever wants to stop the worker is heard."""
LEASE = timedelta(seconds=60)
"""How long other gateways leave an item to the one that took it: longer than a telling takes."""


class DeliverOutbox:
    """One round. Answers how many items were delivered."""

    def __init__(
        self,
        *,
        store: Store,
        tell: TellVisited,
        undo_admission: UndoAdmission,
        clock: Clock,
        logger: Logger,
        region: str = "",
        pace: Pace | None = None,
    ) -> None:
        """`region`: only what goes to area codes that begin so, as fast as `pace` allows."""
        self._store, self._clock, self._region, self._pace = store, clock, region, pace
        self._tell, self._undo_admission = tell, undo_admission
        self._log = logger

    async def __call__(self) -> int:
        delivered = 0
        for _ in range(BATCHES):
            free = BATCH if self._pace is None else min(BATCH, self._pace.free())
            taken = await self._take(free) if free else ()
            delivered += sum(await asyncio.gather(*(self._paced(item) for item in taken)))
            if len(taken) < free or not taken:
                break
        return delivered

    async def _take(self, most: int) -> tuple[OutboxItem, ...]:
        now, region = self._clock.now(), self._region
        if not await self._store.read(lambda reader: reader.due_outbox(now, 1, region=region)):
            return ()
        return await self._store.write(
            lambda books: books.take_outbox(now, most, until=now + LEASE, region=region)
        )

    async def _paced(self, item: OutboxItem) -> bool:
        if self._pace is None:
            return await self._one(item)
        if not self._pace.begin():
            return False  # the breaker has just opened: it is due again when the lease ends
        delivered: bool | None = None
        try:
            delivered = await self._one(item)
        finally:
            self._pace.end(delivered)
        return delivered

    async def _one(self, item: OutboxItem) -> bool:
        try:
            if item.kind == UNDO_ADMISSION:
                return await self._undo_admission(item)
            return await self._tell(item)
        except Exception as error:  # one that cannot be told must not hold up the others
            cause = type(error).__name__
            self._log.error(
                "outbox_item_failed",
                claim_id=item.claim_id,
                error_code=cause,
                exc_info=error,
            )
        await postpone(self._store, self._clock, item, cause)
        return False
