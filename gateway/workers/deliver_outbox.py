"""发件箱: do what was promised to be done after a commit, oldest first, at least once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.domain.claim_record import OutboxItem
from gateway.journeys.postpone import postpone
from gateway.journeys.record_event import UNDO_ADMISSION
from gateway.journeys.tell_visited import TellVisited
from gateway.journeys.undo_admission import UndoAdmission
from gateway.ports import Clock, Store
from gateway.telemetry import Logger

BATCH = 32
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
    ) -> None:
        self._store, self._clock = store, clock
        self._tell, self._undo_admission = tell, undo_admission
        self._log = logger

    async def __call__(self) -> int:
        now = self._clock.now()
        if not await self._store.read(lambda reader: reader.due_outbox(now, 1)):
            return 0
        items = await self._store.write(
            lambda books: books.take_outbox(now, BATCH, until=now + LEASE)
        )
        delivered = await asyncio.gather(*(self._one(item) for item in items))
        return sum(delivered)

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
