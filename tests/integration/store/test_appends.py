"""Entries by themselves, many callers a commit: durable when answered, each told its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import StorageUnavailable
from gateway.store.engine import read_engine, write_engine
from gateway.store.writer import GroupWriter
from ledger.outcomes import EntryExists, PendingNotFound
from ledger.reads import find_entry, to_us
from ledger.store import Draft
from ledger.verify import verify
from tests.integration.store.house import NOON, opened, prepare
from tests.postgres.kinds import database_below
from tests.unit.ledger.books import leaf_for, pending, posted, salt_for

BOUND_S = 30


def draft(entry_id: str, resolves: str | None = None, linked: str | None = None) -> Draft:
    entry = pending(entry_id) if resolves is None else posted(entry_id, resolves=resolves)
    entry = replace(entry, linked=linked)
    return Draft(entry, leaf_for(entry), to_us(NOON), salt_for(entry_id))


async def test_a_hundred_callers_share_commits_and_each_is_told_its_own(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with asyncio.timeout(BOUND_S), opened(tmp_path) as store:
        asked = [draft(f"e{n % 60}") for n in range(100)]
        told = await asyncio.gather(
            *(store.appends.append(one) for one in asked), return_exceptions=True
        )
        assert sum(isinstance(answer, EntryExists) for answer in told) == 40
        with pytest.raises(PendingNotFound):
            await store.appends.append(draft("p1", resolves="nowhere"))
        chain = [draft("c1", linked="c1"), draft("c2", "c1", "c1")]
        assert len(await store.appends.append_linked(*chain)) == 2
        with pytest.raises(EntryExists):
            await store.appends.append_linked(*chain)
        assert store.store.writer.commits < 60
        await store.log.publish()
    engine = read_engine(database_below(tmp_path))
    with engine.connect() as connection, connection.begin():
        assert verify(connection, vkey).ok
    engine.dispose()


async def test_ids_that_look_like_something_else_are_ids(tmp_path: Path) -> None:
    """Arrays are written by hand on PostgreSQL, where null without quotation marks is none."""
    prepare(tmp_path)
    names = ["NULL", "null", "nUll", "0", "1e5", "NaN", "t", "0x1F", "NULL.", "a" * 64]
    async with asyncio.timeout(BOUND_S), opened(tmp_path) as store:
        await asyncio.gather(*(store.appends.append(draft(name)) for name in names))
        await store.appends.append(draft("after", resolves="NULL"))
        for name in names:
            with pytest.raises(EntryExists):
                await store.appends.append(draft(name))
    engine = read_engine(database_below(tmp_path))
    with engine.connect() as connection:
        for name in names:
            found = find_entry(connection, name)
            assert found is not None
            assert found.entry == pending(name)
    engine.dispose()


class Rows:
    """A unit that writes rows and shares nothing."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self) -> str:
        self.connection.execute(text("INSERT INTO number VALUES (1)"))
        return "committed"

    def committed(self) -> None:
        """Nothing to remember."""


def fails(connection: Connection) -> None:
    """As a statement that was cancelled, or a disk that cannot be read."""
    connection.exec_driver_sql("SELECT no_such_column")


def gives_up(connection: Connection) -> None:
    """As SQLite does by itself when its disk fails: the transaction is gone, the work goes on."""
    connection.exec_driver_sql("ROLLBACK")


def harmless(_connection: Connection) -> None:
    """Asks the database for nothing, and so does not hear that the transaction has ended."""


@pytest.mark.parametrize("trouble", [fails, gives_up])
async def test_a_direct_work_in_trouble_takes_its_whole_commit_with_it(
    tmp_path: Path, trouble: Callable[[Connection], None]
) -> None:
    """Without a savepoint nobody else of its transaction may be told yes."""
    engine = write_engine(database_below(tmp_path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE number (n INTEGER)"))
    writer: GroupWriter[Rows] = GroupWriter(engine, Rows)
    try:
        async with asyncio.timeout(BOUND_S):
            told = await asyncio.gather(
                writer.submit(Rows.add),
                writer.submit_direct(trouble),
                writer.submit_direct(harmless),
                writer.submit(Rows.add),
                return_exceptions=True,
            )
            assert await writer.submit(Rows.add) == "committed"
    finally:
        writer.close()
    said_yes = told.count("committed") + 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM number")).scalar() == said_yes
    assert any(isinstance(answer, StorageUnavailable) for answer in told)
    assert not any(isinstance(answer, DBAPIError) for answer in told)
    engine.dispose()
