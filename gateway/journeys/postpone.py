"""Try an outbox item again later, each time twice as late, and never all at the same moment."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from gateway.domain.claim_record import OutboxItem
from gateway.ports import Clock, Store

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=10)


async def postpone(store: Store, clock: Clock, item: OutboxItem, cause: str) -> None:
    """`cause` is kept beside the item, for whoever asks why it takes so long."""
    whole = min(FIRST_PAUSE * 2 ** min(item.attempts, 12), LONGEST_PAUSE)
    # Of the item and the attempt alone: what was postponed together does not return together.
    told = hashlib.sha256(f"{item.item_id}/{item.attempts}".encode()).digest()
    due_at = clock.now() + whole * ((1.0 + chance(told)) / 2)
    await store.write(
        lambda books: books.postpone_outbox(item.item_id, item.attempts + 1, due_at, cause)
    )


def chance(random: bytes) -> float:
    """A number from 0 up to 1 from four bytes or more."""
    return int.from_bytes(random[:4]) / 2**32
