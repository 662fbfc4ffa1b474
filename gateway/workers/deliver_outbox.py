"""发件箱: deliver what the visited regions are to be told, oldest first, at least once."""

from __future__ import annotations

import asyncio

from gateway.domain.claim_record import OutboxItem
from gateway.journeys.tell_visited import TellVisited
from gateway.ports import Clock, Store
from gateway.telemetry import Logger

BATCH = 32


class DeliverOutbox:
    """One round. Answers how many items were delivered."""

    def __init__(self, *, store: Store, tell: TellVisited, clock: Clock, logger: Logger) -> None:
        self._store, self._tell, self._clock = store, tell, clock
        self._log = logger

    async def __call__(self) -> int:
        now = self._clock.now()
        items = await self._store.read(lambda reader: reader.due_outbox(now, BATCH))
        delivered = await asyncio.gather(*(self._one(item) for item in items))
        return sum(delivered)

    async def _one(self, item: OutboxItem) -> bool:
        try:
            return await self._tell(item)
        except Exception as error:  # one that cannot be told must not hold up the others
            cause = type(error).__name__
            self._log.error(
                "outbox_item_failed",
                claim_id=item.claim_id,
                error_code=cause,
                exc_info=error,
            )
        await self._tell.postpone(item, cause)
        return False
