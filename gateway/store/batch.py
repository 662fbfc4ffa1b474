"""共享: what the works of one commit have in common, written once before it (ledger/tail.py).

Each work has its own fork: the work that raises takes only its own with it. Direct works (appends
and nothing else) are given the ledger's tail itself: they check first and change afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from gateway.store.msgids import MsgidCounters
from gateway.store.unit_of_work import Tools, UnitOfWork
from ledger.known import LimitBook
from ledger.tail import Tail


class Batch:
    """Implements writer.Shared for units of work."""

    def __init__(self, connection: Connection, tools: Tools, limits: LimitBook) -> None:
        self._connection = connection
        self._tools = tools
        self._tail = Tail(connection, limits=limits)
        self._msgids = MsgidCounters(connection)

    def read_ahead(self, wishes: list[Any]) -> None:
        """Each a sequence of entries that will be appended."""
        entries: Sequence[Any] = list(chain.from_iterable(wishes))
        self._tail.read_ahead(entries)

    def direct(self) -> Tail:
        """For appends and nothing else."""
        return self._tail

    def unit(self) -> UnitOfWork:
        """For the next work."""
        fork = self._tail.fork(), self._msgids.fork()
        return UnitOfWork(self._connection, self._tools, *fork)

    def accept(self, unit: UnitOfWork) -> None:
        """Its work has succeeded."""
        self._tail.join(unit.tail)
        self._msgids.join(unit.msgids)

    def flush(self) -> None:
        """Write what was shared. Raises HeadMoved."""
        self._tail.write()
        self._msgids.write()
