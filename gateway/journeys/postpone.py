"""Try an outbox item again later, each time twice as late."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.claim_record import OutboxItem
from gateway.ports import Clock, Store

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=10)


async def postpone(store: Store, clock: Clock, item: OutboxItem, cause: str) -> None:
    """`cause` is kept beside the item, for whoever asks why it takes so long."""
    due_at = clock.now() + min(FIRST_PAUSE * 2 ** min(item.attempts, 12), LONGEST_PAUSE)
    await store.write(
        lambda books: books.postpone_outbox(item.item_id, item.attempts + 1, due_at, cause)
    )
