"""Readers: each sees one consistent snapshot, on a thread, and never blocks the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import Overloaded, StorageUnavailable
from gateway.store.errors import in_our_terms

THREADS = 4
WAITING_MAX = 2_048
"""Most reads waiting for a thread; beyond it callers are told that we are full."""

T = TypeVar("T")


class Snapshots:
    """Runs readers until `close`."""

    def __init__(self, engine: Engine, *, threads: int = THREADS) -> None:
        self.engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="yrd-reader")
        self._waiting = 0
        self._closed = False

    async def read(self, work: Callable[[Connection], T], *, urgent: bool = False) -> T:
        """What `work` answers on a fresh snapshot. What is `urgent` waits for no other reader: for
        the few who come seldom and whom a crowd must not starve. Raises what it raised, Overloaded
        or StorageUnavailable."""
        if self._closed:
            raise StorageUnavailable("the store is closed")
        if urgent:
            return await asyncio.to_thread(self._run, work)
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} reads are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what runs. Blocks."""
        self._closed = True
        self._pool.shutdown(wait=True)

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            try:
                return self._once(work)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # The server was restarted since this connection was last used: reading may be
                # done again, and the pool has thrown all of its connections away.
                return self._once(work)
        except Exception as error:
            ours = in_our_terms(error)
            if ours is error:
                raise
            raise ours from error

    def _once(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection, connection.begin():
            return work(connection)
