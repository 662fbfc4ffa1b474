"""末端: what one transaction has appended and not yet written: the head, and sums per account.

Head and balances are rows that every append changes. Written once a transaction instead of once an
append they cost next to nothing, however many appends share the commit; on PostgreSQL each further
version of a row within a transaction would have to be stepped over by all that follow. A part of
the transaction that may fail by itself works on a fork, which is joined only if it succeeds.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, text, update

from ledger.merkle import CompactRange
from ledger.outcomes import HeadMoved
from ledger.reads import compact_range
from ledger.tables import HEAD

_UPDATE_HEAD = (
    update(HEAD)
    .where(HEAD.c.head_id == 1, HEAD.c.size == bindparam("old"))
    .values(size=bindparam("new"), compact_range=bindparam("edge"))
)
_ADD_TO_BALANCE = text(
    "INSERT INTO ledger_balance (account, pending_debit_fen, pending_credit_fen,"
    " posted_debit_fen, posted_credit_fen) VALUES (:account, :a, :b, :c, :d)"
    " ON CONFLICT (account) DO UPDATE SET"
    " pending_debit_fen = ledger_balance.pending_debit_fen + excluded.pending_debit_fen,"
    " pending_credit_fen = ledger_balance.pending_credit_fen + excluded.pending_credit_fen,"
    " posted_debit_fen = ledger_balance.posted_debit_fen + excluded.posted_debit_fen,"
    " posted_credit_fen = ledger_balance.posted_credit_fen + excluded.posted_credit_fen"
)


class Tail:
    """Of one transaction that holds the log's lock. `write` before the commit, once."""

    __slots__ = ("_changes", "_connection", "_edge", "_parent", "_stored")

    def __init__(self, connection: Connection, parent: Tail | None = None) -> None:
        self._connection = connection
        self._parent = parent
        self._edge: CompactRange | None = None
        self._stored = 0
        self._changes: dict[str, list[int]] = {}

    def edge(self) -> CompactRange:
        """The right edge of the tree, to be appended to. Raises LedgerNotInstalled."""
        if self._edge is None:
            if self._parent is None:
                self._edge = compact_range(self._connection)
                self._stored = self._edge.size
            else:
                above = self._parent.edge()
                self._edge = CompactRange(above.size, above.hashes)
        return self._edge

    def move(self, account: str, column: int, amount_fen: int) -> None:
        """Add to one of an account's four sums: pending debit and credit, posted debit and
        credit."""
        self._changes.setdefault(account, [0, 0, 0, 0])[column] += amount_fen

    def fork(self) -> Tail:
        """For work that may yet be undone; nobody else appends until it is joined or dropped."""
        return Tail(self._connection, self)

    def join(self, fork: Tail) -> None:
        """What the fork has appended is ours."""
        if fork._edge is not None:
            self._edge = fork._edge
        for account, sums in fork._changes.items():
            for column, amount_fen in enumerate(sums):
                self.move(account, column, amount_fen)

    def write(self) -> None:
        """Raises HeadMoved if somebody has appended in spite of the lock."""
        if self._edge is not None and self._edge.size != self._stored:
            moved = self._connection.execute(
                _UPDATE_HEAD,
                {"old": self._stored, "new": self._edge.size, "edge": self._edge.to_bytes()},
            )
            if moved.rowcount != 1:
                raise HeadMoved(f"another writer has taken index {self._stored}")
            self._stored = self._edge.size
        if self._changes:
            self._connection.execute(
                _ADD_TO_BALANCE,
                [
                    {"account": code, "a": a, "b": b, "c": c, "d": d}
                    for code, (a, b, c, d) in sorted(self._changes.items())
                ],
            )
            self._changes = {}
