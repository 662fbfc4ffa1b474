"""Claims taken through their whole life in a store, as the journeys do it, for tests that check."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from gateway.domain.claim import ClaimEvent
from gateway.domain.claim_record import ClaimRecord
from gateway.ids import SystemIds
from gateway.journeys.record_event import Happened, record_event
from gateway.ports import Exchange
from gateway.store.open_store import OpenStore
from tests.integration.store.house import NOON, Intent, breakdown, identity

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
