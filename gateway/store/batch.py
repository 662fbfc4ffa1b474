"""共享: what the works of one commit have in common, written once before it (ledger/tail.py).

Each work has its own fork: the work that raises takes only its own with it.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.store.msgids import MsgidCounters
from gateway.store.unit_of_work import Tools, UnitOfWork
from ledger.tail import Tail


class Batch:
    """Implements writer.Shared for units of work."""

    def __init__(self, connection: Connection, tools: Tools) -> None:
        self._connection = connection
        self._tools = tools
        self._tail = Tail(connection)
        self._msgids = MsgidCounters(connection)

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
