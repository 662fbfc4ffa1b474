"""The one writer: shared commits, separate fates, and nothing acknowledged that is not on disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from gateway.domain.errors import Conflict, InvariantViolated, Overloaded, StorageUnavailable
from gateway.store.engine import write_engine
from gateway.store.writer import GroupWriter
from tests.postgres.kinds import database_below

BOUND_S = 20


class Row:
    """A unit that writes numbers into one table and counts commits."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.was_committed = False

    def add(self, number: int) -> int:
        self.connection.execute(text("INSERT INTO number (n) VALUES (:n)"), {"n": number})
        return number

    def committed(self) -> None:
        self.was_committed = True


def adding(number: int) -> Callable[[Row], int]:
    """Work that writes one number."""
    return lambda row: row.add(number)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine of a database with one table."""
    made = write_engine(database_below(tmp_path))
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE number (n INTEGER PRIMARY KEY)"))
    yield made
    made.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[GroupWriter[Row]]:
    """A running writer."""
    made = GroupWriter(engine, Row)
    yield made
    made.close()


def stored(engine: Engine) -> list[int]:
    """What is on disk."""
    with engine.begin() as connection:
        return list(connection.execute(text("SELECT n FROM number ORDER BY n")).scalars())


class Gate:
    """Work that holds the writer until it is opened, so that a batch can gather behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()

    def __call__(self, _row: Row) -> None:
        self.entered.set()
        self._open.wait(BOUND_S)

    def open(self) -> None:
        self._open.set()


async def gathered_behind(
    gate: Gate, writer: GroupWriter[Row], works: list[Callable[[Row], Any]]
) -> list[Any]:
    """Results or errors of works that were all waiting when the writer came back."""
    first = asyncio.create_task(writer.submit(gate))
    await asyncio.to_thread(gate.entered.wait, BOUND_S)
    waiting = [asyncio.create_task(writer.submit(work)) for work in works]
    await asyncio.sleep(0)
    gate.open()
    async with asyncio.timeout(BOUND_S):
        await first
        return await asyncio.gather(*waiting, return_exceptions=True)


async def test_two_hundred_waiting_writes_share_one_commit(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    results = await gathered_behind(Gate(), writer, [adding(n) for n in range(200)])
    assert results == list(range(200))
    assert writer.commits == 2  # the gate's own, and one for all the others
    assert writer.works == 201
    writer.close()
    assert stored(engine) == list(range(200))


async def test_callers_who_call_again_when_answered_share_the_next_commit_too(
    engine: Engine,
) -> None:
    writer, taken = GroupWriter(engine, Row, heard_s=BOUND_S), threading.Event()

    def seen(row: Row) -> None:
        taken.set()
        row.add(3)

    async def quick() -> None:
        await writer.submit(adding(1))
        await writer.submit(seen)

    async def slow() -> None:
        await writer.submit(adding(2))
        taken.wait(0.2)  # time enough for a hasty writer to commit what the quick one wants
        await writer.submit(adding(4))

    gate = Gate()
    first = asyncio.create_task(writer.submit(gate))
    await asyncio.to_thread(gate.entered.wait, BOUND_S)
    callers = [asyncio.create_task(quick()), asyncio.create_task(slow())]
    await asyncio.sleep(0)
    gate.open()
    async with asyncio.timeout(BOUND_S):
        await asyncio.gather(first, *callers)
    writer.close()
    assert writer.commits == 3  # the gate's own, and one for each turn of both
    assert stored(engine) == [1, 2, 3, 4]


async def test_a_loop_that_is_stuck_holds_up_nobody_elses_commit(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    stuck, released = threading.Event(), threading.Event()

    async def waits_in_vain() -> None:
        answer = asyncio.ensure_future(writer.submit(adding(1)))
        await asyncio.sleep(0)
        stuck.set()
        released.wait(BOUND_S)  # this loop does not turn: its answer is not heard
        await answer

    other = threading.Thread(target=lambda: asyncio.run(waits_in_vain()))
    other.start()
    await asyncio.to_thread(stuck.wait, BOUND_S)
    async with asyncio.timeout(BOUND_S):
        for number in (2, 3):
            await writer.submit(adding(number))
    released.set()
    await asyncio.to_thread(other.join, BOUND_S)
    writer.close()
    assert stored(engine) == [1, 2, 3]


async def test_a_batch_is_bounded(engine: Engine) -> None:
    writer = GroupWriter(engine, Row, batch_max=10)
    await gathered_behind(Gate(), writer, [adding(n) for n in range(25)])
    assert writer.commits == 4
    writer.close()


async def test_a_work_that_raises_loses_its_own_changes_only(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    def broken(row: Row) -> None:
        row.add(99)
        raise Conflict("mine alone")

    def repeated(row: Row) -> None:
        row.add(98)
        row.add(1)

    results = await gathered_behind(Gate(), writer, [adding(1), broken, repeated, adding(2)])
    assert isinstance(results[1], Conflict)
    assert isinstance(results[2], InvariantViolated)
    assert (results[0], results[3]) == (1, 2)
    writer.close()
    assert stored(engine) == [1, 2]


async def test_only_units_of_a_commit_hear_of_it(writer: GroupWriter[Row]) -> None:
    units: list[Row] = []

    def keep(row: Row) -> None:
        units.append(row)

    def keep_and_raise(row: Row) -> None:
        units.append(row)
        raise Conflict

    await gathered_behind(Gate(), writer, [keep, keep_and_raise])
    assert [unit.was_committed for unit in units] == [True, False]


async def test_a_full_queue_says_so_at_once(engine: Engine) -> None:
    writer = GroupWriter(engine, Row, queue_max=3)
    results = await gathered_behind(Gate(), writer, [adding(n) for n in range(5)])
    assert results[:3] == [0, 1, 2]
    assert all(isinstance(result, Overloaded) for result in results[3:])
    writer.close()
    assert stored(engine) == [0, 1, 2]


async def test_a_commit_that_fails_acknowledges_nothing_and_the_next_one_works(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    failures = [OSError("the disk said no")]

    @event.listens_for(engine, "commit")
    def fail(_connection: Connection) -> None:
        if failures and gate.entered.is_set() and armed:
            raise failures.pop()

    armed: list[bool] = []
    gate = Gate()
    units: list[Row] = []

    def arm(row: Row) -> None:
        units.append(row)
        armed.append(True)
        row.add(7)

    results = await gathered_behind(gate, writer, [adding(1), arm, adding(2)])
    assert all(isinstance(result, StorageUnavailable) for result in results)
    assert not units[0].was_committed
    assert await writer.submit(adding(3)) == 3
    writer.close()
    assert stored(engine) == [3]


async def test_a_transaction_that_the_database_threw_away_fails_the_whole_batch(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    def thrown_away(row: Row) -> None:
        # What SQLite does by itself when the disk is full.
        row.connection.exec_driver_sql("ROLLBACK")
        raise OSError

    results = await gathered_behind(Gate(), writer, [adding(1), thrown_away, adding(2)])
    assert all(isinstance(result, StorageUnavailable) for result in results)
    assert await writer.submit(adding(3)) == 3
    writer.close()
    assert stored(engine) == [3]


async def test_a_caller_that_goes_away_does_not_undo_its_work(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    gate = Gate()
    first = asyncio.create_task(writer.submit(gate))
    await asyncio.to_thread(gate.entered.wait, BOUND_S)
    impatient = asyncio.create_task(writer.submit(adding(1)))
    await asyncio.sleep(0)
    impatient.cancel()
    gate.open()
    await first
    assert await writer.submit(adding(2)) == 2
    assert impatient.cancelled()
    writer.close()
    assert stored(engine) == [1, 2]


async def test_closing_finishes_what_waits_and_takes_no_more(
    writer: GroupWriter[Row], engine: Engine
) -> None:
    gate = Gate()
    tasks = [asyncio.create_task(writer.submit(work)) for work in (gate, adding(1), adding(2))]
    await asyncio.to_thread(gate.entered.wait, BOUND_S)
    closing = asyncio.create_task(asyncio.to_thread(writer.close))
    gate.open()
    async with asyncio.timeout(BOUND_S):
        await closing
        assert await asyncio.gather(*tasks) == [None, 1, 2]
    with pytest.raises(StorageUnavailable):
        await writer.submit(adding(3))
    assert stored(engine) == [1, 2]
