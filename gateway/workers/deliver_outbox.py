"""发件箱: deliver what the visited regions are to be told, oldest first, at least once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.journeys.tell_visited import TellVisited
from gateway.ports import Clock, Store

BATCH = 32
LEASE = timedelta(seconds=60)
"""How long other gateways leave an item to the one that took it: longer than a telling takes."""


class DeliverOutbox:
    """One round. Answers how many items were delivered."""

    def __init__(self, *, store: Store, tell: TellVisited, clock: Clock) -> None:
        self._store, self._tell, self._clock = store, tell, clock

    async def __call__(self) -> int:
        now = self._clock.now()
        if not await self._store.read(lambda reader: reader.due_outbox(now, 1)):
            return 0
        items = await self._store.write(
            lambda books: books.take_outbox(now, BATCH, until=now + LEASE)
        )
        delivered = await asyncio.gather(*(self._tell(item) for item in items))
        return sum(delivered)
