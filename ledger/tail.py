"""共享: what many appends in one transaction have in common, written once before its commit.

Head, balances and rows of a commit are written together by the last who appends: a hundred appends
are one statement, and what they ask of each other is answered from memory. Work that may yet be
undone appends to a fork, which is joined when the work has succeeded and forgotten when it has not.
Not thread-safe; lives no longer than its transaction, which holds the log's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ledger.hashes import write_tiles
from ledger.journal import Entry
from ledger.known import Fact, Known, LimitBook
from ledger.leaf import Leaf
from ledger.limits import Limit, Sums
from ledger.merkle import CompactRange
from ledger.outcomes import HeadMoved
from ledger.reads import linked_at
from ledger.rows import Rows, write_rows
from ledger.seal import leg_codes


class Tail:
    """Of one transaction that holds the log's lock. `write` before the commit, once."""

    __slots__ = (
        "_edge", "_entries", "_known", "_moves", "_parent", "_resolved", "_reversed", "connection",
        "rows",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        parent: Tail | None = None,
        *,
        limits: LimitBook | None = None,
    ) -> None:
        """`limits` may outlive the transaction; it knows when it is old."""
        self.connection = connection
        self.rows = Rows()
        """Of this tail alone; ledger.store adds to them."""
        self._parent = parent
        self._known: Known = parent._known if parent else Known(connection, limits)
        self._edge: CompactRange | None = None
        self._entries: dict[str, tuple[Entry, Leaf, int, bytes]] = {}
        self._resolved: dict[str, Entry] = {}
        self._reversed: dict[str, str] = {}
        self._moves: dict[str, list[int]] = {}

    def edge(self) -> CompactRange:
        """The right edge of the tree, to be appended to. Raises LedgerNotInstalled."""
        if self._edge is None:
            above = self._known.edge() if self._parent is None else self._parent.edge()
            self._edge = above.copy()
        return self._edge

    def read_ahead(self, entries: Sequence[Entry]) -> None:
        """Fetch at once what appending these will ask for."""
        new = {entry.entry_id for entry in entries}
        referred = {
            name for entry in entries for name in (entry.resolves, entry.reverses) if name
        } - new
        limited: set[str] = set()
        if self._known.any_limits:
            limited = self._known.limited(leg.credit.code for e in entries for leg in e.legs)
        self._known.read_ahead(new, referred, limited)

    def appended(self, entry_id: str) -> tuple[Entry, Leaf, int, bytes] | None:
        """An entry of this transaction, with its leaf, index and leaf hash; not written yet."""
        found = self._entries.get(entry_id)
        return found or (self._parent.appended(entry_id) if self._parent else None)

    def exists(self, entry_id: str) -> bool:
        """Whether the id is taken, in this transaction or before it."""
        return self.appended(entry_id) is not None or self._known.exists(entry_id)

    def fact(self, entry_id: str) -> Fact | None:
        """What is known of an entry, this transaction's appends included."""
        mine = self.appended(entry_id)
        if mine is not None:
            entry = mine[0]
            fact: Fact | None = Fact(entry.kind.value, entry.reverses, tuple(leg_codes(entry)))
        else:
            fact = self._known.fact(entry_id)
        if fact is None:
            return None
        resolver, reverser = self._resolver(entry_id), self._reverser(entry_id)
        if resolver is None and reverser is None:
            return fact
        return Fact(
            fact.kind,
            fact.reverses,
            fact.legs,
            resolver.entry_id if resolver else fact.resolved_by,
            resolver.kind.value if resolver else fact.resolved_as,
            reverser or fact.reversed_by,
        )

    def linked_at(self, index: int) -> str | None:
        """The chain of the entry whose leaf has this index."""
        for entry, _, at, _ in self._entries.values():
            if at == index:
                return entry.linked
        if self._parent is not None:
            return self._parent.linked_at(index)
        return linked_at(self.connection, index)

    def limits_on(self, account: str) -> list[Limit]:
        """Limits that look at this account."""
        return self._known.limits_on(account)

    def sums(self, account: str) -> Sums:
        """Of an account, this transaction's appends included."""
        moved = self._moves.get(account)
        known = self._parent.sums(account) if self._parent else self._known.sums(account)
        if moved is None:
            return known
        return (
            known[0] + moved[0],
            known[1] + moved[1],
            known[2] + moved[2],
            known[3] + moved[3],
        )

    def take(self, entry: Entry, leaf: Leaf, index: int, leaf_hash: bytes) -> None:
        """The entry has been appended, its rows are in `rows`."""
        self._entries[entry.entry_id] = (entry, leaf, index, leaf_hash)
        if entry.resolves is not None:
            self._resolved[entry.resolves] = entry
        if entry.reverses is not None and entry.kind.value == "posted":
            self._reversed[entry.reverses] = entry.entry_id

    def move(self, account: str, column: int, amount_fen: int) -> None:
        """Add to one of an account's four sums: pending debit and credit, posted debit and
        credit."""
        sums = self._moves.get(account)
        if sums is None:
            sums = self._moves[account] = [0, 0, 0, 0]
        sums[column] += amount_fen

    def fork(self) -> Tail:
        """For work that may yet be undone; nobody else appends until it is joined or dropped."""
        return Tail(self.connection, self)

    def join(self, fork: Tail) -> None:
        """What the fork has appended is ours."""
        if fork._edge is None and not fork._moves:
            return
        if fork._edge is not None:
            self._edge = fork._edge
        self.rows.extend(fork.rows)
        self._entries.update(fork._entries)
        self._resolved.update(fork._resolved)
        self._reversed.update(fork._reversed)
        for account, sums in fork._moves.items():
            for column, amount_fen in enumerate(sums):
                self.move(account, column, amount_fen)

    def write(self) -> None:
        """The last thing done with it. Raises HeadMoved if somebody has appended in spite of the
        lock."""
        if self._edge is None or not self.rows.leaves:
            return
        old_size = self.rows.leaves[0][0]
        balances = [(code, *sums) for code, sums in sorted(self._moves.items())]
        moved = write_rows(
            self.connection,
            self.rows,
            balances,  # type: ignore[arg-type]  # four sums each
            size=self._edge.size,
            edge=self._edge.to_bytes(),
            old_size=old_size,
        )
        if not moved:
            raise HeadMoved(f"another writer has taken index {old_size}")
        write_tiles(self.connection, old_size, self._edge.size)

    def _resolver(self, entry_id: str) -> Entry | None:
        found = self._resolved.get(entry_id)
        return found or (self._parent._resolver(entry_id) if self._parent else None)

    def _reverser(self, entry_id: str) -> str | None:
        found = self._reversed.get(entry_id)
        return found or (self._parent._reverser(entry_id) if self._parent else None)
