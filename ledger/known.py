"""已知: what one transaction has read of the ledger, and reads only once.

Before many appends one query fetches all that they will ask for: the head, which of the new ids are
taken, the sums that limits look at. What was not fetched ahead is read when it is asked for. Holds
while its transaction holds the log's lock; knows nothing of what the transaction itself appends
(ledger.tail does).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ledger.driver import Row, fetch
from ledger.journal import Account
from ledger.limits import Enforcement, Limit, Sums, as_they_count
from ledger.merkle import CompactRange
from ledger.outcomes import LedgerDamaged
from ledger.reads import edge_from
from ledger.seal import LegCodes

_ZERO: Sums = (0, 0, 0, 0)

_AHEAD = """\
SELECT 'h', NULL, size, (SELECT coalesce(max(leaf_index), -1) FROM ledger_limit), 0, 0,
 compact_range FROM ledger_head WHERE head_id = 1
UNION ALL SELECT 'e', entry_id, 0, 0, 0, 0, NULL FROM ledger_entry WHERE entry_id {among}
UNION ALL SELECT 'b', account, pending_debit_fen, pending_credit_fen, posted_debit_fen,
 posted_credit_fen, NULL FROM ledger_balance WHERE account {among}"""
# Sub-queries, not joins: a join planned while the tables were small (a prepared statement keeps its
# plan) goes through all that was ever resolved, at every append.
_FACTS = """\
SELECT e.entry_id, e.kind, e.reverses,
 (SELECT r.entry_id FROM ledger_entry r WHERE r.resolves = e.entry_id),
 (SELECT r.kind FROM ledger_entry r WHERE r.resolves = e.entry_id),
 (SELECT v.entry_id FROM ledger_entry v WHERE v.reverses = e.entry_id AND v.kind = 'posted'),
 l.debit, l.credit, l.amount_fen
 FROM ledger_entry e
 LEFT JOIN ledger_leg l ON l.entry_id = e.entry_id
 WHERE e.entry_id {among} ORDER BY e.entry_id, l.leg_no"""
LIMITS = (
    "SELECT leaf_index, limit_id, account, drawn_by, floor_fen, enforcement, valid_from_us,"
    " valid_until_us, source FROM ledger_limit ORDER BY leaf_index"
)
_BETWEEN = '","'
_AMONG = {
    "sqlite": "IN (SELECT value FROM json_each(?))",
    "postgresql": "= ANY(%s::text[])",
}
_SQL = {
    dialect: (_AHEAD.format(among=among), _FACTS.format(among=among))
    for dialect, among in _AMONG.items()
}


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be known of an entry that another one refers to."""

    kind: str
    reverses: str | None
    legs: tuple[LegCodes, ...]
    resolved_by: str | None = None
    resolved_as: str | None = None
    reversed_by: str | None = None


@dataclass(slots=True)
class LimitBook:
    """All limits; kept from one transaction to the next and read again when there are more."""

    version: int = -1
    """Leaf index of the newest."""
    by_account: dict[str, list[Limit]] = field(default_factory=dict)
    """As they count."""

    def read(self, connection: Connection) -> None:
        """Raises LedgerDamaged."""
        rows = fetch(connection, LIMITS)
        by_account: dict[str, list[Limit]] = {}
        for limit in as_they_count([limit_from(values) for _, *values in rows]):
            for code in limit.accounts:
                by_account.setdefault(code, []).append(limit)
        # Whole or not at all: half a book would let entries past the limits of the other half.
        self.by_account, self.version = by_account, rows[-1][0] if rows else -1


def limit_from(values: Iterable[Any]) -> Limit:
    """From id, account, drawn_by, floor, enforcement, valid_from, valid_until, source. Raises
    LedgerDamaged."""
    limit_id, account, drawn_by, floor_fen, enforcement, start, end, source = values
    try:
        return Limit(
            limit_id=str(limit_id),
            account=Account.parse(str(account)),
            drawn_by=None if drawn_by is None else Account.parse(str(drawn_by)),
            floor_fen=floor_fen,
            enforcement=Enforcement(str(enforcement)),
            valid_from_us=start,
            valid_until_us=end,
            source=str(source),
        )
    except (TypeError, ValueError) as error:
        raise LedgerDamaged(f"limit {limit_id} is damaged: run verify") from error


class Known:
    """Of one transaction."""

    __slots__ = (
        "_absent",
        "_connection",
        "_edge",
        "_facts",
        "_limits",
        "_present",
        "_sql",
        "_sums",
    )

    def __init__(self, connection: Connection, limits: LimitBook | None = None) -> None:
        self._connection = connection
        self._limits = limits if limits is not None else LimitBook()
        self._sql = _SQL[connection.dialect.name]
        self._edge: CompactRange | None = None
        self._present: set[str] = set()
        self._absent: set[str] = set()
        self._facts: dict[str, Fact] = {}
        self._sums: dict[str, Sums] = {}

    def edge(self) -> CompactRange:
        """The right edge of the tree as stored; not to be changed. Raises LedgerNotInstalled."""
        if self._edge is None:
            self.read_ahead((), (), ())
        return self._edge  # type: ignore[return-value]  # read_ahead has set it or raised

    def exists(self, entry_id: str) -> bool:
        """Whether the id is taken."""
        if entry_id not in self._present and entry_id not in self._absent:
            self.read_ahead((entry_id,), (), ())
        return entry_id in self._present

    def fact(self, entry_id: str) -> Fact | None:
        """Of an entry, if it is there."""
        if entry_id not in self._facts and entry_id not in self._absent:
            self._read_facts((entry_id,))
        return self._facts.get(entry_id)

    def sums(self, account: str) -> Sums:
        """Of an account."""
        if account not in self._sums:
            self.read_ahead((), (), (account,))
        return self._sums[account]

    def limits_on(self, account: str) -> list[Limit]:
        """Those that look at this account's sums."""
        if self._edge is None:
            self.edge()
        return self._limits.by_account.get(account, [])

    @property
    def any_limits(self) -> bool:
        """Were there any when the head was read last?"""
        return bool(self._limits.by_account)

    def limited(self, accounts: Iterable[str]) -> set[str]:
        """Of these accounts, and of those that are looked at with them, the ones under a limit."""
        book = self._limits.by_account
        return {
            code
            for account in accounts
            for limit in book.get(account, ())
            for code in limit.accounts
        }

    def read_ahead(
        self, new: Collection[str], referred: Collection[str], accounts: Collection[str]
    ) -> None:
        """One query for the head, new ids and sums; one more for what is referred to."""
        values = (self._list(new), self._list(accounts))
        rows = fetch(self._connection, self._sql[0], values)
        self._absent.update(new)
        self._sums.update(dict.fromkeys(accounts, _ZERO))
        head: Row | None = None
        for row in rows:
            what, name, one, two, three, four, _ = row
            if what == "e":
                self._absent.discard(name)
                self._present.add(name)
            elif what == "b":
                self._sums[name] = (one, two, three, four)
            else:
                head = row
        if self._edge is None:
            edge = edge_from(None if head is None else (head[2], head[6]))
            if head is not None and head[3] != self._limits.version:
                self._limits.read(self._connection)
            # Last: who could not read the limits knows nothing yet, and the next one asks again.
            self._edge = edge
        if referred:
            self._read_facts(referred)

    def _read_facts(self, entry_ids: Collection[str]) -> None:
        rows = fetch(self._connection, self._sql[1], (self._list(entry_ids),))
        legs: dict[str, list[LegCodes]] = {}
        seen: dict[str, Row] = {}
        for row in rows:
            seen[row[0]] = row
            if row[6] is not None:
                legs.setdefault(row[0], []).append(row[6:])
        self._absent.update(set(entry_ids).difference(seen))
        for entry_id, row in seen.items():
            self._present.add(entry_id)
            parts = tuple(legs.get(entry_id, ()))
            self._facts[entry_id] = Fact(row[1], row[2], parts, row[3], row[4], row[5])

    def _list(self, names: Collection[str]) -> str:
        # Ids and account codes hold no quotation mark (ledger.journal).
        opening, closing = "{}" if self._connection.dialect.name == "postgresql" else "[]"
        return f'{opening}"{_BETWEEN.join(names)}"{closing}' if names else opening + closing
