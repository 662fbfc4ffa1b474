"""The append under measurement: the real ledger behind the real group commit, one caller at a time.

The only file of the bench that knows how the gateway appends today.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bench.ledger_requests import WINDOW, Request
from gateway.clock import SystemClock
from gateway.database import Database
from gateway.ids import SystemIds
from gateway.store.engine import write_engine
from gateway.store.writer import GroupWriter
from ledger.leaf import Leaf
from ledger.store import append_entry
from ledger.tail import Tail


class LedgerWriter:
    """One process's writer on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._now, self._salt = SystemClock().now, SystemIds().salt
        self._engine = write_engine(database)
        self._writer: GroupWriter[_Unit] = GroupWriter(self._engine, shared=_Batch)

    @property
    def commits(self) -> int:
        """So far."""
        return self._writer.commits

    async def append(self, request: Request) -> int:
        """Durable when it answers the leaf's index."""
        return await self._writer.submit(lambda unit: self._append(unit, request))

    def close(self) -> None:
        """Finish what waits."""
        self._writer.close()
        self._engine.dispose()

    def _append(self, unit: _Unit, request: Request) -> int:
        entry = request.entry
        leaf = Leaf(
            type=f"entry.{entry.kind.value}",
            entry_id=entry.entry_id,
            commitment=request.commitment,
            window=WINDOW,
            funds=(request.fund,),
        )
        return append_entry(
            unit.connection, entry, leaf, at=self._now(), salt=self._salt(), tail=unit.tail
        ).index


class _Unit:
    def __init__(self, connection: Connection, tail: Tail) -> None:
        self.connection, self.tail = connection, tail

    def committed(self) -> None:
        """Nothing to do."""


class _Batch:
    """As gateway.store.batch, for the ledger alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._tail = connection, Tail(connection)

    def unit(self) -> _Unit:
        return _Unit(self._connection, self._tail.fork())

    def accept(self, unit: _Unit) -> None:
        self._tail.join(unit.tail)

    def flush(self) -> None:
        self._tail.write()
