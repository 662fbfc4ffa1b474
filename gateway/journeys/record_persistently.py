"""Write what a region answered until our own database takes it: a read answer must not be lost.

The caller is told what is on record as soon as its time is over; this goes on behind it. Past its
end the claim is what the worker makes of it (unknown), and the raw bytes are gone.
"""

from __future__ import annotations

from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import Conflict, Overloaded, StorageUnavailable
from gateway.journeys.record_event import Happened, record_event
from gateway.ports import Clock, Ids, Store

TRIES = 40
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
"""Together a little more than a minute."""


async def record_persistently(
    store: Store, claim_id: str, happened: Happened, *, clock: Clock, ids: Ids
) -> ClaimRecord | None:
    """The claim as it now stands, or None if the database never took it."""
    for attempt in range(TRIES):
        try:
            return await store.write(
                lambda books: record_event(books, claim_id, happened, at=clock.now(), ids=ids)
            )
        except (StorageUnavailable, Overloaded, Conflict):
            await clock.sleep(min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S))
    return None
