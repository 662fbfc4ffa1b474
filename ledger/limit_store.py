"""限制登记: limits as rows and leaves of the log: set once, never changed, told with what is left.

On the caller's connection, like ledger.store; times are aware, amounts fen. A limit holds from the
next transaction on. Whoever wants another floor sets a further limit: it supersedes the old one
from its first day (ledger.limits.as_they_count).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.appending import append_bytes
from ledger.commitment import canonical_json, commit
from ledger.driver import fetch, run
from ledger.known import LIMITS, LimitBook, limit_from
from ledger.leaf import Leaf
from ledger.limits import Limit, Standing, as_they_count
from ledger.outcomes import LimitExistsWithDifferent
from ledger.reads import to_us
from ledger.tail import Tail

LIMIT_SET = "limit.set"
"""Type of the leaf."""

_COLUMNS = (
    "limit_id, account, drawn_by, floor_fen, enforcement, valid_from_us, valid_until_us, source,"
    " leaf_index, salt"
)
_INSERT = {
    "sqlite": f"INSERT INTO ledger_limit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "postgresql": f"INSERT INTO ledger_limit ({_COLUMNS})"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
}


def limit_body(limit: Limit) -> bytes:
    """What the leaf commits to, as canonical JSON."""
    return canonical_json(dict(zip(_NAMES, _values(limit), strict=True)))


def set_limit(connection: Connection, limit: Limit, *, salt: bytes, tail: Tail) -> bool:
    """Record it with its leaf; False if this very limit is there already. The caller's transaction
    holds the log's lock. Raises LimitExistsWithDifferent."""
    known = {stored.limit_id: stored for stored in all_limits(connection)}.get(limit.limit_id)
    if known is not None:
        for name, there, asked in zip(_NAMES, _values(known), _values(limit), strict=True):
            if there != asked:
                raise LimitExistsWithDifferent(limit.limit_id, field=name)
        return False
    commitment = commit(salt, limit_body(limit)).hex()
    leaf = Leaf(type=LIMIT_SET, entry_id=limit.limit_id, commitment=commitment)
    index = append_bytes(tail, leaf.to_bytes()).index
    run(connection, _INSERT[connection.dialect.name], (*_values(limit), index, salt))
    return True


def all_limits(connection: Connection) -> list[Limit]:
    """In the order in which they were set. Raises LedgerDamaged."""
    return [limit_from(values) for _, *values in fetch(connection, LIMITS)]


def standings(connection: Connection, at: datetime) -> list[Standing]:
    """The limits in force at this time, in the order in which they were set."""
    tail, at_us = Tail(connection, limits=LimitBook()), to_us(at)
    found = []
    for limit in as_they_count(all_limits(connection)):
        if limit.in_force(at_us):
            sums = {code: tail.sums(code) for code in limit.accounts}
            _, _, debit, credit = sums[limit.account.code]
            found.append(Standing(limit, limit.available(sums), debit - credit))
    return found


_NAMES = (
    "limit_id", "account", "drawn_by", "floor_fen", "enforcement", "valid_from_us",
    "valid_until_us", "source",
)  # fmt: skip


def _values(limit: Limit) -> Sequence[Any]:
    return (
        limit.limit_id,
        limit.account.code,
        None if limit.drawn_by is None else limit.drawn_by.code,
        limit.floor_fen,
        limit.enforcement.value,
        limit.valid_from_us,
        limit.valid_until_us,
        limit.source,
    )
