"""What reconciliation reads of the store, on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.business_day import SHANGHAI
from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import Attention, ClaimRecord, PlannedMessage
from gateway.domain.msgid import compose
from gateway.ports import Books, Exchange
from gateway.store.engine import write_engine
from gateway.store.open_store import OpenStore
from gateway.store.verify_store import verify_store
from tests.integration.store.house import (
    HOSPITAL,
    NOON,
    Intent,
    breakdown,
    opened,
    options,
    prepare,
    unguarded,
)

DAY = date(2026, 11, 24)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OpenStore]:
    """An open store."""
    prepare(tmp_path)
    async with opened(tmp_path) as store:
        yield store


async def stored(house: OpenStore, claim: ClaimRecord, **changes: object) -> ClaimRecord:
    """The claim with other fields, one version on."""
    changed = replace(claim, **changes, version=claim.version + 1)  # type: ignore[arg-type]  # fields of a claim by name

    def write(books: Books) -> None:
        books.update_claim(changed, expected_version=claim.version)

    await house.store.write(write)
    return changed


async def due(house: OpenStore, at: datetime) -> list[str]:
    found = await house.store.read(lambda reader: reader.claims_to_reconcile(at, 10))
    return [claim.claim_id for claim in found]


async def test_a_claim_is_due_when_its_day_is_over_or_when_it_was_put_off_to(
    house: OpenStore,
) -> None:
    made = await house.store.write(Intent("r-1"))
    midnight = datetime(2026, 11, 25, tzinfo=SHANGHAI)
    assert await due(house, midnight) == []
    lost, _ = made.moved(ClaimEvent.NO_ANSWER, at=NOON)
    lost = await stored(house, made, **{"state": lost.state, "updated_at": NOON})
    assert await due(house, midnight - timedelta(seconds=1)) == []
    assert await due(house, midnight) == [made.claim_id]
    later = midnight + timedelta(hours=4)
    lost = await stored(house, lost, reconcile_due_at=later)
    assert await due(house, midnight) == []
    assert await due(house, later) == [made.claim_id]
    lost = await stored(house, lost, attention=Attention.AMBIGUOUS)
    assert await due(house, later) == []
    lost = await stored(house, lost, attention=Attention.NO_STATEMENT)
    assert await due(house, later) == [made.claim_id]
    await stored(house, lost, state=ClaimState.VOIDED)
    assert await due(house, later) == []


async def test_a_statement_is_made_of_what_was_settled_or_reversed_on_its_days(
    house: OpenStore,
) -> None:
    async def found(pool: str = "330400", institution: str = HOSPITAL) -> list[str]:
        claims = await house.store.read(
            lambda reader: reader.claims_of_statement(institution, pool, DAY, DAY)
        )
        return sorted(claim.request_id for claim in claims)

    ids: dict[str, datetime] = {
        "today": NOON, "last-week": NOON - timedelta(days=7), "next-week": NOON + timedelta(days=7),
        "reversed-today": NOON - timedelta(days=7), "lost": NOON,
    }  # fmt: skip
    for request_id, at in ids.items():
        made = await house.store.write(Intent(request_id, at=at))
        state = ClaimState.UNKNOWN if request_id == "lost" else ClaimState.SETTLED
        settled = await stored(house, made, state=state, settled=breakdown(), updated_at=at)
        if request_id == "reversed-today":
            await stored(house, settled, state=ClaimState.REVERSED, updated_at=NOON)
    assert await found() == ["reversed-today", "today"]
    assert await found(pool="320500") == []
    assert await found(institution="H00320000001") == []


async def test_the_newest_bytes_under_a_msgid_are_opened_again(house: OpenStore) -> None:
    made = await house.store.write(Intent("r-1"))
    (message,) = made.messages
    raw = Exchange("2207", "报文".encode(), b'{"infcode":0}')

    def write(books: Books) -> None:
        books.record_exchange(message.msgid, made.subject_ref, "answered", raw)

    assert await house.store.read(lambda reader: reader.exchange(message.msgid)) is None
    await house.store.write(write)
    assert await house.store.read(lambda reader: reader.exchange(message.msgid)) == raw


@pytest.mark.sqlite
async def test_verify_knows_the_messages_of_a_statement_by_their_bytes(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    msgid = compose(HOSPITAL, NOON, 5000)

    def write(books: Books) -> None:
        books.record_messages("", (PlannedMessage(msgid, "9102", "330400"),))
        raw = Exchange("9102", b"{}", b"PK")
        books.record_exchange(msgid, books.house_ref(), "answered", raw)

    async with opened(tmp_path) as house:
        await house.store.write(write)
        await house.log.publish()
    here = options(tmp_path)

    def problems() -> list[str]:
        found = verify_store(
            here.database, here.keys_dir, vkey, production=False, check_answer=lambda answer: answer
        )
        return [problem.code for problem in found.state.problems]

    assert problems() == []
    engine = write_engine(here.database)
    unguarded(engine, "DELETE FROM exchange")
    engine.dispose()
    assert problems() == ["MESSAGE_WITHOUT_CLAIM"]
