"""What waits, in the database: pages, filters, counts, and an index for who asks often."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.claim import PROVISIONAL, ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem
from gateway.journeys.list_attention import AttentionItem, ListAttention
from gateway.journeys.resolve_unknown import ResolveTimings
from gateway.ports import AttentionQuery, OutboxCount
from gateway.store.engine import read_engine
from gateway.store.open_store import OpenStore
from gateway.store.tables import IS_PROVISIONAL
from gateway.workers.resolve_claims import MARKING, sending
from tests.integration.store.house import HOSPITAL, NOON, Intent, identity, opened, options, prepare
from tests.integration.store.lives import all_lives


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OpenStore]:
    """An open store."""
    prepare(tmp_path)
    async with opened(tmp_path) as store:
        yield store


@pytest.fixture
async def waiting(house: OpenStore) -> list[ClaimRecord]:
    """Of claims in every state, those that are provisional, by id."""
    lives = await all_lives(house)
    found = [claim for claim in lives if claim.provisional]
    assert {claim.state for claim in found} == PROVISIONAL and len(found) < len(lives)
    return sorted(found, key=lambda claim: claim.claim_id)


async def listed(house: OpenStore, query: AttentionQuery) -> tuple[ClaimRecord, ...]:
    return await house.store.read(lambda reader: reader.provisional_claims(query))


async def test_the_list_holds_the_provisional_claims_by_id_and_nothing_else(
    house: OpenStore, waiting: list[ClaimRecord]
) -> None:
    assert await listed(house, AttentionQuery()) == tuple(waiting)


async def test_the_list_is_filtered_by_region_institution_and_claim(
    house: OpenStore, waiting: list[ClaimRecord]
) -> None:
    everything = tuple(waiting)
    assert await listed(house, AttentionQuery(insured_region_prefix="33")) == everything
    assert await listed(house, AttentionQuery(insured_region_prefix="31")) == ()
    assert await listed(house, AttentionQuery(institution=HOSPITAL)) == everything
    assert await listed(house, AttentionQuery(institution="H00320000001")) == ()
    one = everything[2]
    assert await listed(house, AttentionQuery(claim_id=one.claim_id)) == (one,)
    settled = await house.store.write(Intent("fresh", identity(77)))
    assert await listed(house, AttentionQuery(claim_id=settled.claim_id)) == ()


@pytest.mark.parametrize("needs_person", [False, True])
async def test_pages_of_any_size_hold_each_claim_once(
    house: OpenStore, waiting: list[ClaimRecord], needs_person: bool
) -> None:
    attend = ListAttention(store=house.store)
    whole = await attend(AttentionQuery(limit=500), needs_person=needs_person)
    assert whole.next_after == ""
    expected = [c for c in waiting if c.state is ClaimState.REVIEW or not needs_person]
    assert [item.claim for item in whole.items] == expected
    for size in (1, 2, 3, 5):
        items: list[AttentionItem] = []
        after = ""
        while True:
            query = AttentionQuery(limit=size, after=after)
            page = await attend(query, needs_person=needs_person)
            assert len(page.items) <= size
            items += page.items
            after = page.next_after
            if not after:
                break
        assert [item.claim for item in items] == expected


async def test_the_counts_say_whom_a_claim_waits_for(
    house: OpenStore, waiting: list[ClaimRecord]
) -> None:
    found = await house.store.read(lambda reader: reader.provisional_counts())
    assert {(row.province, row.oldest) for row in found} == {("33", NOON)}
    counts = {(row.state, row.waits_for): row.count for row in found}
    states = Counter(claim.state for claim in waiting)
    assert counts == {
        (ClaimState.REVERSAL_SENT, "gateway"): states[ClaimState.REVERSAL_SENT],
        (ClaimState.REVERSAL_UNKNOWN, "statement"): states[ClaimState.REVERSAL_UNKNOWN],
        (ClaimState.REVIEW, "person"): states[ClaimState.REVIEW],
        (ClaimState.UNKNOWN, "gateway"): states[ClaimState.UNKNOWN],
    }


async def test_the_outbox_is_counted_by_province_and_kind(house: OpenStore) -> None:
    before = await house.store.read(lambda reader: reader.outbox_counts())
    item = OutboxItem("out_0", "undo_admission", "clm_1", "320509", due_at=NOON)
    await house.store.write(lambda books: books.enqueue(item))
    await house.store.write(lambda books: books.enqueue(replace(item, item_id="out_1")))
    after = await house.store.read(lambda reader: reader.outbox_counts())
    assert set(after) - set(before) == {OutboxCount("32", "undo_admission", 2, "out_0")}
    await house.store.write(lambda books: books.finish_outbox("out_0", NOON))
    (left,) = set(await house.store.read(lambda reader: reader.outbox_counts())) - set(before)
    assert (left.count, left.oldest_id) == (1, "out_1")


@pytest.mark.usefixtures("waiting")
async def test_each_lane_is_given_its_own_work_and_none_is_left_out(house: OpenStore) -> None:
    later = NOON + timedelta(hours=2)

    async def due(region: str, states: frozenset[ClaimState]) -> set[str]:
        found = await house.store.read(
            lambda reader: reader.claims_needing_work(later, 100, region=region, states=states)
        )
        return {claim.claim_id for claim in found}

    whole = await house.store.read(lambda reader: reader.claims_needing_work(later, 100))
    marking = await due(MARKING.region, MARKING.states)
    lanes = [await due(sending(p).region, sending(p).states) for p in ("31", "32", "33")]
    assert marking and lanes[2] and not lanes[0] and not lanes[1]
    assert marking | lanes[2] == {claim.claim_id for claim in whole}
    assert not marking & lanes[2]
    left_out = frozenset(marking)
    rest = await house.store.read(
        lambda reader: reader.claims_needing_work(later, 100, left_out=left_out)
    )
    assert {claim.claim_id for claim in rest} == lanes[2]


async def test_news_are_taken_by_the_province_they_go_to(house: OpenStore) -> None:
    item = OutboxItem("out_z", "visited_settlement", "clm_1", "330421", due_at=NOON)
    await house.store.write(lambda books: books.enqueue(item))
    until = NOON + timedelta(minutes=1)
    none = await house.store.write(
        lambda books: books.take_outbox(NOON, 10, until=until, region="32")
    )
    assert none == ()
    taken = await house.store.write(
        lambda books: books.take_outbox(NOON, 10, until=until, region="33")
    )
    assert taken == (item,)


@pytest.mark.sqlite
async def test_who_asks_for_what_waits_does_not_read_the_whole_table(
    house: OpenStore, tmp_path: Path
) -> None:
    engine = read_engine(options(tmp_path).database)
    asked = (
        f"SELECT state, count(*) FROM claim WHERE {IS_PROVISIONAL} GROUP BY state",
        f"SELECT body FROM claim WHERE {IS_PROVISIONAL} AND claim_id > 'clm' ORDER BY claim_id",
    )
    with engine.connect() as connection:
        for query in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
            assert any("claim_provisional" in str(row) for row in plan), plan
    engine.dispose()


def test_the_index_is_about_the_states_that_are_provisional() -> None:
    names = sorted(state.value for state in PROVISIONAL)
    assert f"state IN ({', '.join(repr(name) for name in names)})" == IS_PROVISIONAL


def test_a_pause_lies_between_its_half_and_its_whole() -> None:
    timings = ResolveTimings(timedelta(0), timedelta(seconds=60), 10)
    assert timings.pause(1, 0.0) == timedelta(seconds=30)
    assert timings.pause(1, 0.5) == timedelta(seconds=45)
    assert timings.pause(3, 1.0) == timedelta(seconds=240)
