"""签发者: on which connection checkpoints are signed, one signer at a time.

SQLite: the one writer's next transaction; its process holds the file lock, so there is no other. On
PostgreSQL any process may sign: apart from its writer, so that nobody who appends waits, under a
lock that goes with its transaction (ledger/publish.py). A signer that is killed hands over at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, Engine

from gateway.store.errors import in_our_terms
from gateway.store.unit_of_work import UnitOfWork
from gateway.store.writer import GroupWriter
from ledger.checkpoint import Checkpoint

Work = Callable[[Connection], Checkpoint | None]
Sign = Callable[[Work], Awaitable[Checkpoint | None]]
"""Runs the work in a transaction of its own; answers after the commit."""


def by_writer(writer: GroupWriter[UnitOfWork]) -> Sign:
    """In the writer's turn, which is the next one: a queue of callers must not starve it."""

    async def sign(work: Work) -> Checkpoint | None:
        return await writer.submit(lambda unit: work(unit.connection), urgent=True)

    return sign


def apart(engine: Engine) -> Sign:
    """On a connection of its own. Raises what the work raises, or StorageUnavailable."""

    def run(work: Work) -> Checkpoint | None:
        try:
            with engine.begin() as connection:
                return work(connection)
        except Exception as error:
            ours = in_our_terms(error)
            if ours is error:
                raise
            raise ours from error

    async def sign(work: Work) -> Checkpoint | None:
        return await asyncio.to_thread(run, work)

    return sign
