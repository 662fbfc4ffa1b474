"""失效: due entries end once, resolved ones never, whoever looks and whatever the clock does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.errors import InvariantViolated
from gateway.ids import SystemIds
from gateway.ports import Books, Opening
from gateway.store.expiries import Expiries
from gateway.store.open_store import OpenStore
from gateway.store.unit_of_work import UnitOfWork
from gateway.store.verify_store import verify_store
from gateway.workers import expire_pending
from gateway.workers.expire_pending import ExpirePending
from ledger.commitment import canonical_json
from ledger.expiry import Due
from ledger.journal import Entry, EntryKind
from ledger.reads import find_entry, leaf_at, resolution_of, to_us
from tests.integration.store.house import NOON, Intent, StandingClock, opened, options, prepare
from tests.unit.ledger.books import claim_legs

IDS = SystemIds()


class Log:
    """Implements telemetry.Logger: keeps the names of events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, **fields: Any) -> None:
        self.events.append(event)

    warning = error = info


def reserved(name: str, seconds: int) -> Entry:
    """Pending, and over so many seconds after noon."""
    expires_us = to_us(NOON + timedelta(seconds=seconds))
    return Entry(name, EntryKind.PENDING, legs=claim_legs(100), expires_us=expires_us)


async def append(house: OpenStore, clock: StandingClock, *entries: Entry) -> None:
    def work(books: Books) -> None:
        assert isinstance(books, UnitOfWork)
        for entry in entries:
            opening = Opening(books.house_ref(), canonical_json({"v": 1, "id": entry.entry_id}))
            books.append_entry(
                entry, leaf_type=f"entry.{entry.kind.value}", window=None, opening=opening,
                at=clock.now(),
            )  # fmt: skip

    await house.store.write(work)


def worker(house: OpenStore, clock: StandingClock, log: Log | None = None) -> ExpirePending:
    expiries = Expiries(house.store, clock=clock, ids=IDS)
    return ExpirePending(expiries=expiries, clock=clock, logger=log or Log())


async def ended_as(house: OpenStore, name: str) -> str | None:
    def look(connection: Any) -> str | None:
        resolver = resolution_of(connection, name)
        found = find_entry(connection, resolver) if resolver else None
        return None if found is None else found.entry.kind.value

    return await house.store.snapshots.read(look)


async def test_what_is_due_expires_once_and_what_is_not_stays_pending(tmp_path: Path) -> None:
    vkey, clock = prepare(tmp_path), StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        await append(house, clock, reserved("e1", 10), reserved("e2", 20), reserved("later", 99))
        expire = worker(house, clock)
        assert await expire() == 0
        clock.advance(20)
        assert [await expire(), await expire()] == [2, 0]
        assert await ended_as(house, "e1") == "expired"
        assert await ended_as(house, "later") is None
        clock.advance(7_200)
        assert await expire() == 1
        await house.log.publish()
    database, keys = options(tmp_path).database, tmp_path / "keys"
    report = verify_store(database, keys, vkey, production=False)
    assert report.ok, (report.ledger.problems, report.state.problems)


async def test_its_leaf_names_the_funds_and_opens_under_the_houses_key(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        await append(house, clock, reserved("e1", 10))
        clock.advance(10)
        await worker(house, clock)()

        def look(connection: Any) -> bytes:
            found = find_entry(connection, str(resolution_of(connection, "e1")))
            assert found is not None
            leaf = leaf_at(connection, found.index)
            assert leaf is not None
            return leaf.data

        leaf = await house.store.snapshots.read(look)
        assert b'"type":"entry.expired"' in leaf
        assert b'"funds":["pooled"]' in leaf


async def test_what_was_resolved_before_never_expires(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        await append(house, clock, reserved("e1", 10), reserved("e2", 10))
        await append(
            house, clock,
            Entry("p1", EntryKind.POSTED, legs=claim_legs(90), resolves="e1"),
            Entry("v2", EntryKind.VOIDED, resolves="e2"),
        )  # fmt: skip
        clock.advance(3_600)
        assert await worker(house, clock)() == 0
        assert await ended_as(house, "e1") == "posted"


async def test_a_posting_that_overtakes_the_worker_is_no_error(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock, log = StandingClock(), Log()
    async with opened(tmp_path, clock=clock) as house:
        await append(house, clock, reserved("e1", 10))
        clock.advance(10)
        expiries = Expiries(house.store, clock=clock, ids=IDS)
        (item,) = await expiries.due(after_us=0, now_us=to_us(clock.now()), most=9)
        await append(
            house, clock, Entry("p1", EntryKind.POSTED, legs=claim_legs(90), resolves="e1")
        )
        assert await expiries.expire(item) is False
        assert await ended_as(house, "e1") == "posted"
        assert log.events == []


async def test_two_workers_at_once_end_each_entry_once(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        await append(house, clock, *(reserved(f"e{n}", 10) for n in range(40)))
        clock.advance(10)
        logs = Log(), Log()
        ended = await asyncio.gather(*(worker(house, clock, log)() for log in logs))
        assert sum(ended) == 40
        assert {event for log in logs for event in log.events} == {"entry_expired"}


async def test_more_than_a_batch_is_ended_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path)
    monkeypatch.setattr(expire_pending, "BATCH", 3)
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        await append(house, clock, *(reserved(f"e{n}", 10 + n) for n in range(7)))
        clock.advance(86_400)
        expire = worker(house, clock)
        assert [await expire() for _ in range(4)] == [3, 3, 1, 0]


async def test_a_clock_that_was_set_back_ends_nothing_early_and_misses_nothing(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        expire = worker(house, clock)
        clock.advance(86_400)  # a day ahead by mistake, and put right
        assert await expire() == 0
        clock.advance(-86_400)
        await append(house, clock, reserved("e1", 10))
        assert await expire() == 0
        item = Due("e1", to_us(NOON + timedelta(seconds=10)), ("pooled",))
        assert await Expiries(house.store, clock=clock, ids=IDS).expire(item) is False
        clock.advance(10)
        assert await expire() == 1


async def test_no_entry_of_a_claim_ever_expires(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        claim = await house.store.write(Intent("r-1"))
        (entry,) = claim.entries
        stored = await house.store.snapshots.read(lambda c: find_entry(c, entry.entry_id))
        assert stored is not None
        assert stored.entry.expires_us is None
        clock.advance(10_000_000)
        assert await worker(house, clock)() == 0
        item = Due(entry.entry_id, to_us(NOON), ("pooled",))
        with pytest.raises(InvariantViolated):
            await Expiries(house.store, clock=clock, ids=IDS).expire(item)


class Failing:
    """Implements Expiring: these are due for ever, and cannot be ended."""

    def __init__(self, *items: Due) -> None:
        self.items = list(items)
        self.asked: list[tuple[int, int]] = []

    async def due(self, *, after_us: int, now_us: int, most: int) -> list[Due]:
        self.asked.append((after_us, most))
        return [item for item in self.items if after_us < item.expires_us <= now_us][:most]

    async def expire(self, item: Due) -> bool:
        raise RuntimeError


async def test_what_could_not_be_ended_is_looked_for_again_and_takes_nobodys_place() -> None:
    clock, log = StandingClock(), Log()
    failing = Failing(Due("e1", 1, ()))
    expire = ExpirePending(expiries=failing, clock=clock, logger=log)
    assert [await expire(), await expire()] == [0, 0]
    assert failing.asked == [(0, expire_pending.BATCH), (0, expire_pending.BATCH + 1)]
    assert log.events == ["expiry_failed"] * 2
    failing.items = [replace(item, expires_us=2**60) for item in failing.items]
    await expire()
    await expire()
    assert failing.asked[-1] == (to_us(NOON) - 3_600_000_000, expire_pending.BATCH)


async def test_once_a_day_it_looks_from_the_beginning_for_what_came_late() -> None:
    """An entry appended hours after it was recorded may be due before where we have looked."""
    clock, watched = StandingClock(), Failing()
    expire = ExpirePending(expiries=watched, clock=clock, logger=Log())
    for hours in (0, 1, 23, 25):
        clock.at = NOON + timedelta(hours=hours)
        await expire()
    assert [after_us == 0 for after_us, _ in watched.asked] == [True, False, False, True]
