"""What journeys rely on: claims, their request ids, batches, listings, work and outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem
from gateway.domain.errors import Conflict, InvariantViolated, Malformed
from gateway.ports import Books, BooksReader, ClaimPage, ClaimQuery, Exchange
from gateway.store.engine import write_engine
from gateway.store.open_store import OpenStore
from tests.integration.store.house import (
    HOSPITAL,
    ID_NUMBER,
    NOON,
    Intent,
    encode,
    identity,
    opened,
    options,
    prepare,
    unguarded,
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OpenStore]:
    """An open store with nothing in it."""
    prepare(tmp_path)
    async with opened(tmp_path) as store:
        yield store


def listing(query: ClaimQuery) -> Callable[[BooksReader], ClaimPage]:
    """Work that reads one page."""
    return lambda reader: reader.list_answers(query)


async def settled(house: OpenStore, claim: ClaimRecord, event: ClaimEvent) -> ClaimRecord:
    """The claim after one more event."""

    def work(books: Books) -> ClaimRecord:
        moved, _ = claim.moved(event, at=NOON + timedelta(seconds=1))
        books.update_claim(moved, expected_version=claim.version)
        return moved

    return await house.store.write(work)


async def test_a_claim_is_found_by_its_id_and_by_its_request(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))

    def look(reader: BooksReader) -> list[object]:
        return [
            reader.claim(made.claim_id),
            reader.claim_by_request(HOSPITAL, "r-1"),
            reader.claim_by_request("H00320000001", "r-1"),
            reader.claim_by_reversal(HOSPITAL, "r-1"),
            reader.claim("clm_none"),
        ]

    assert await house.store.read(look) == [made, made, None, None, None]


async def test_the_answer_is_stored_at_each_change_and_read_back_byte_for_byte(
    house: OpenStore,
) -> None:
    made = await house.store.write(Intent("r-1"))
    assert await house.store.read(lambda r: r.answer(made.claim_id)) == encode(made)
    moved = await settled(house, made, ClaimEvent.NO_ANSWER)
    assert await house.store.read(lambda r: r.answer(made.claim_id)) == encode(moved)
    assert await house.store.read(lambda r: r.answer("clm_none")) is None


async def test_a_request_id_is_taken_once_however_many_try_at_once(house: OpenStore) -> None:
    tries = [house.store.write(Intent("r-same")) for _ in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, ClaimRecord) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19


async def test_an_update_of_an_old_version_is_a_conflict_and_changes_nothing(
    house: OpenStore,
) -> None:
    made = await house.store.write(Intent("r-1"))
    moved = await settled(house, made, ClaimEvent.NO_ANSWER)
    with pytest.raises(Conflict):
        await settled(house, made, ClaimEvent.REGION_REFUSED)
    assert await house.store.read(lambda r: r.claim(made.claim_id)) == moved


async def test_an_update_without_a_version_of_its_own_is_our_defect(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))
    with pytest.raises(InvariantViolated):
        await house.store.write(lambda b: b.update_claim(made, expected_version=made.version))


async def test_a_reversal_has_a_request_id_of_its_own_taken_once(house: OpenStore) -> None:
    first = await house.store.write(Intent("r-1"))
    second = await house.store.write(Intent("r-2"))

    async def reverse(claim: ClaimRecord) -> None:
        await house.store.write(
            lambda b: b.record_reversal_request(HOSPITAL, "rev-1", claim.claim_id, "11" * 32)
        )

    results = await asyncio.gather(reverse(first), reverse(second), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    found = await house.store.read(lambda r: r.claim_by_reversal(HOSPITAL, "rev-1"))
    assert found is not None and found.claim.claim_id == first.claim_id


async def test_each_reversal_ever_asked_for_is_remembered_when_the_claim_names_a_newer_one(
    house: OpenStore,
) -> None:
    made = await house.store.write(Intent("r-1"))
    for number, request_id in enumerate(("rev-1", "rev-2"), start=2):
        changed = replace(made, version=number, reversal_request_id=request_id)

        def work(books: Books, changed: ClaimRecord = changed) -> None:
            books.record_reversal_request(
                HOSPITAL, changed.reversal_request_id, changed.claim_id, f"{changed.version:064x}"
            )
            books.update_claim(changed, expected_version=changed.version - 1)

        await house.store.write(work)

    def look(reader: BooksReader) -> list[tuple[str, str] | None]:
        found = [reader.claim_by_reversal(HOSPITAL, f"rev-{n}") for n in (1, 2, 3)]
        return [
            None if asked is None else (asked.claim.claim_id, asked.request_hash) for asked in found
        ]

    assert await house.store.read(look) == [
        (made.claim_id, f"{2:064x}"),
        (made.claim_id, f"{3:064x}"),
        None,
    ]


async def test_of_one_batch_only_live_claims_are_seen(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))

    async def ids(institution: str, visit_no: str, batch_no: str) -> list[str]:
        found = await house.store.write(
            lambda books: books.live_claims_of_batch(institution, visit_no, batch_no)
        )
        return [claim.claim_id for claim in found]

    assert await ids(HOSPITAL, made.visit_no, made.batch_no) == [made.claim_id]
    assert await ids("H00320000001", made.visit_no, made.batch_no) == []
    assert await ids(HOSPITAL, made.visit_no, "other") == []
    await settled(house, made, ClaimEvent.REGION_REFUSED)
    assert await ids(HOSPITAL, made.visit_no, made.batch_no) == []


async def test_a_person_keeps_one_reference_and_two_persons_share_none(house: OpenStore) -> None:
    def referring(number: int) -> Callable[[Books], str]:
        return lambda books: books.subject_ref(identity(number % 5))

    refs = await asyncio.gather(*(house.store.write(referring(n)) for n in range(40)))
    assert len(set(refs)) == 5
    assert await house.store.write(lambda b: b.subject_ref(identity(3))) == refs[3]


async def test_a_reference_made_in_a_work_that_failed_is_forgotten(house: OpenStore) -> None:
    def fail(books: Books) -> None:
        books.subject_ref(ID_NUMBER)
        raise Conflict

    with pytest.raises(Conflict):
        await house.store.write(fail)
    made = await house.store.write(Intent("r-1"))
    assert await house.store.read(lambda r: r.claim(made.claim_id)) == made


async def test_a_listing_goes_newest_first_page_by_page_under_its_filters(
    house: OpenStore,
) -> None:
    made = []
    for number in range(7):
        at = NOON + timedelta(seconds=number // 2)  # two claims share an instant
        made.append(await house.store.write(Intent(f"r-{number}", at=at)))
    await settled(house, made[3], ClaimEvent.REGION_REFUSED)

    async def pages(**filters: object) -> list[str]:
        found: list[str] = []
        before = ""
        while True:
            query = ClaimQuery(HOSPITAL, before_claim_id=before, limit=2, **filters)  # type: ignore[arg-type]  # named fields
            page = await house.store.read(listing(query))
            found += [answer.decode().split("|")[0] for answer in page.answers]
            before = page.next_before
            if not before:
                return found

    newest_first = [c.claim_id for c in sorted(made, key=lambda c: (c.created_at, c.claim_id))][
        ::-1
    ]
    assert await pages() == newest_first
    assert await pages(states=("REFUSED",)) == [made[3].claim_id]
    assert await pages(insured_region_prefix="33") == newest_first
    assert await pages(insured_region_prefix="3_") == []
    assert set(await pages(created_from=NOON + timedelta(seconds=3))) == {made[6].claim_id}
    until = set(await pages(created_until=NOON + timedelta(seconds=1)))
    assert until == {made[0].claim_id, made[1].claim_id}


async def test_another_institution_sees_nothing_and_its_tokens_lead_nowhere(
    house: OpenStore,
) -> None:
    made = await house.store.write(Intent("r-1"))
    page = await house.store.read(lambda r: r.list_answers(ClaimQuery("H00320000001")))
    assert page.answers == ()
    with pytest.raises(Malformed):
        await house.store.read(
            lambda r: r.list_answers(ClaimQuery("H00320000001", before_claim_id=made.claim_id))
        )


async def test_the_worker_sees_what_is_due_and_nothing_else(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))

    async def due(at: datetime) -> list[str]:
        found = await house.store.read(lambda r: r.claims_needing_work(at, 10))
        return [claim.claim_id for claim in found]

    assert await due(made.attempt_deadline - timedelta(seconds=1)) == []
    assert await due(made.attempt_deadline) == [made.claim_id]
    later = NOON + timedelta(minutes=5)
    unknown = await settled(house, replace(made, work_due_at=later), ClaimEvent.NO_ANSWER)
    assert await due(NOON + timedelta(minutes=4)) == []
    assert await due(later) == [made.claim_id]
    sent = await settled(house, unknown, ClaimEvent.REVERSAL_BY_MSGID)
    assert await due(later) == [made.claim_id]
    answered = replace(sent, reversal_answered=True, version=sent.version + 1)
    await house.store.write(lambda b: b.update_claim(answered, expected_version=sent.version))
    assert await due(later + timedelta(days=1)) == []
    assert answered.state is ClaimState.REVERSAL_SENT


async def test_what_waits_for_reconciliation_is_counted_by_state(house: OpenStore) -> None:
    async def awaiting(institution: str) -> list[tuple[str, int, datetime]]:
        found = await house.store.read(lambda r: r.awaiting_reconciliation(institution))
        return [(row.state.value, row.count, row.oldest) for row in found]

    made = await house.store.write(Intent("r-1"))
    later = NOON + timedelta(minutes=5)
    unknown = await settled(house, replace(made, work_due_at=later), ClaimEvent.NO_ANSWER)
    assert await awaiting("") == [], "the worker is still at it"
    sent = await settled(house, unknown, ClaimEvent.REVERSAL_BY_MSGID)
    given_up = replace(sent, work_due_at=None, version=sent.version + 1)
    await house.store.write(lambda b: b.update_claim(given_up, expected_version=sent.version))
    expected = [("REVERSAL_SENT", 1, given_up.updated_at)]
    assert await awaiting("") == await awaiting(made.institution_code) == expected
    assert await awaiting("H00320000001") == [], "another's claims are not theirs to count"


async def test_an_outbox_item_stays_until_it_is_done(house: OpenStore) -> None:
    item = OutboxItem("out_1", "visited_settlement", "clm_1", "310118", due_at=NOON)
    await house.store.write(lambda b: b.enqueue(item))
    assert await house.store.read(lambda r: r.due_outbox(NOON, 10)) == (item,)
    assert await house.store.read(lambda r: r.due_outbox(NOON - timedelta(seconds=1), 10)) == ()
    later = NOON + timedelta(seconds=9)
    await house.store.write(lambda b: b.postpone_outbox("out_1", 1, later, f"no {ID_NUMBER}"))
    assert await house.store.read(lambda r: r.due_outbox(NOON, 10)) == ()
    again = replace(item, attempts=1, due_at=later)
    assert await house.store.read(lambda r: r.due_outbox(later, 10)) == (again,)
    await house.store.write(lambda b: b.finish_outbox("out_1", later))
    await house.store.write(lambda b: b.finish_outbox("out_1", later))
    assert await house.store.read(lambda r: r.due_outbox(later, 10)) == ()
    with pytest.raises(InvariantViolated):
        await house.store.write(lambda b: b.postpone_outbox("out_1", 2, later, ""))


async def test_a_msgid_is_planned_once_for_ever(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))
    with pytest.raises(InvariantViolated):
        await house.store.write(lambda b: b.record_messages("clm_other", made.messages))


async def test_a_read_is_a_snapshot_and_cannot_write(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))
    exchange = Exchange("2207", b"{}", None)

    def write(reader: object) -> None:
        reader._evidence.record_exchange("m", made.subject_ref, "planned", exchange, NOON)  # type: ignore[attr-defined]  # reaching in on purpose

    with pytest.raises(Exception, match="refused a statement"):
        await house.store.read(write)


async def test_a_claim_that_does_not_open_holds_up_no_other(
    house: OpenStore, tmp_path: Path
) -> None:
    damaged = await house.store.write(Intent("r-1"))
    sound = await house.store.write(Intent("r-2"))
    engine = write_engine(options(tmp_path).database)
    zeros = f"x'{bytes(40).hex()}'"
    unguarded(engine, f"UPDATE claim SET body = {zeros} WHERE claim_id = '{damaged.claim_id}'")
    engine.dispose()
    later = NOON + timedelta(hours=1)
    assert await house.store.read(lambda r: r.claims_needing_work(later, 10)) == (sound,)
