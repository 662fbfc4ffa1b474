"""Claims taken through their whole life in a store, as the journeys do it, for tests that check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from gateway.domain.claim import ClaimEvent
from gateway.domain.claim_record import ClaimRecord
from gateway.ids import SystemIds
from gateway.journeys.record_event import Happened, record_event
from gateway.ports import Books, Exchange
from gateway.store.open_store import OpenStore
from tests.integration.store.house import NOON, Intent, breakdown, identity, numbered

IDS = SystemIds()


async def lived(
    house: OpenStore, request_id: str, *events: ClaimEvent, person: int = 0
) -> ClaimRecord:
    """A claim after these events."""
    claim = await house.store.write(Intent(request_id, identity(person)))
    for event in events:
        changes: dict[str, Any] = {}
        if event in (ClaimEvent.REGION_SETTLED, ClaimEvent.FOUND_EFFECTIVE):
            # The region decides: its amounts are not those that were pended.
            changes["settled"] = replace(breakdown(), account_fen=20_00, cash_fen=33_45)
        exchange = Exchange("2207", b'{"input":1}', b'{"infcode":0}')
        happened = Happened(event, changes, ((claim.messages[0].msgid, "answered", exchange),))
        claim = await house.store.write(
            partial(record_event, claim_id=claim.claim_id, happened=happened, at=NOON, ids=IDS)
        )
    return claim


async def asked_to_reverse(house: OpenStore, claim: ClaimRecord) -> None:
    """The request as ReverseClaim records it: by itself, and in the claim as its newest."""
    request, hashed = f"rv-{claim.request_id}", "5a" * 32

    def work(books: Books) -> None:
        books.record_reversal_request(claim.institution_code, request, claim.claim_id, hashed)
        asked = replace(
            claim,
            version=claim.version + 1,
            reversal_request_id=request,
            reversal_request_hash=hashed,
        )
        books.update_claim(asked, expected_version=claim.version)

    await house.store.write(work)


async def all_lives(house: OpenStore) -> list[ClaimRecord]:
    """One claim in every state that has entries of its own kind."""
    e = ClaimEvent
    paths: list[tuple[ClaimEvent, ...]] = [
        (),
        (e.REGION_SETTLED,),
        (e.REGION_SETTLED, e.CANCEL_REQUESTED),
        (e.REGION_SETTLED, e.CANCEL_REQUESTED, e.CANCEL_REFUSED),
        (e.REGION_SETTLED, e.CANCEL_REQUESTED, e.CANCEL_ACCEPTED),
        (e.REGION_SETTLED, e.CANCEL_REQUESTED, e.CANCEL_NO_ANSWER),
        (e.REGION_REFUSED,),
        (e.NOT_SENT,),
        (e.NO_ANSWER,),
        (e.NO_ANSWER, e.REVERSAL_BY_MSGID),
        (e.NO_ANSWER, e.REVERSAL_BY_MSGID, e.REGION_SETTLED),
        (e.NO_ANSWER, e.REVERSAL_BY_MSGID, e.FOUND_EFFECTIVE),
        (e.NO_ANSWER, e.REVERSAL_BY_MSGID, e.FOUND_ABSENT),
        (e.REGION_SETTLED_BROKEN,),
    ]
    return [await lived(house, f"r-{n}", *path, person=n) for n, path in enumerate(paths)]


@asynccontextmanager
async def crowded(house: OpenStore, callers: int) -> AsyncIterator[list[int]]:
    """So many callers record intents one after another; the list grows with what was recorded."""
    numbers, written, over = count(), list[int](), asyncio.Event()

    async def caller() -> None:
        while not over.is_set():
            number = next(numbers)
            await house.store.write(Intent(numbered("busy", number), identity(number % 50)))
            written.append(number)

    tasks = [asyncio.create_task(caller()) for _ in range(callers)]
    try:
        yield written
    finally:
        over.set()
        await asyncio.gather(*tasks)
