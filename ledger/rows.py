"""行: the rows of one transaction's appends, written together.

A few statements for any number of appends: one round trip on PostgreSQL, `executemany` on SQLite.
The head's update is the fence: it touches one row only where nobody else has appended. Columns in
the order of ledger.tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ledger.driver import run, run_many

LeafValues = tuple[int, bytes, bytes]
"""leaf_index, leaf, leaf_hash."""
EntryValues = tuple[
    str, str, str | None, str | None, int, int, bytes | None, str | None, int | None
]
"""entry_id, kind, resolves, reverses, leaf_index, recorded_us, seal_salt, linked, expires_us."""
LegValues = tuple[str, int, str, str, int]
"""entry_id, leg_no, debit, credit, amount_fen."""

_ENTRY = (
    "INSERT INTO ledger_entry (entry_id, kind, resolves, reverses, leaf_index, recorded_us,"
    " seal_salt, linked, expires_us)"
)
_LEG = "INSERT INTO ledger_leg (entry_id, leg_no, debit, credit, amount_fen)"
_LEAF = "INSERT INTO ledger_leaf (leaf_index, leaf, leaf_hash)"
_BALANCE = (
    "INSERT INTO ledger_balance (account, pending_debit_fen, pending_credit_fen,"
    " posted_debit_fen, posted_credit_fen)"
)
_ADDED = (
    " ON CONFLICT (account) DO UPDATE SET"
    " pending_debit_fen = ledger_balance.pending_debit_fen + excluded.pending_debit_fen,"
    " pending_credit_fen = ledger_balance.pending_credit_fen + excluded.pending_credit_fen,"
    " posted_debit_fen = ledger_balance.posted_debit_fen + excluded.posted_debit_fen,"
    " posted_credit_fen = ledger_balance.posted_credit_fen + excluded.posted_credit_fen"
)
_POSTGRESQL = f"""\
WITH leaf AS ({_LEAF}
 SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[])),
entry AS ({_ENTRY}
 SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],
  %s::bytea[], %s::text[], %s::bigint[])),
leg AS ({_LEG}
 SELECT * FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[], %s::bigint[])),
balance AS ({_BALANCE}
 SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]){_ADDED})
UPDATE ledger_head SET size = %s, compact_range = %s WHERE head_id = 1 AND size = %s"""
_SQLITE = {
    "leaf": f"{_LEAF} VALUES (?, ?, ?)",
    "entry": f"{_ENTRY} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "leg": f"{_LEG} VALUES (?, ?, ?, ?, ?)",
    "balance": f"{_BALANCE} VALUES (?, ?, ?, ?, ?){_ADDED}",
    "head": "UPDATE ledger_head SET size = ?, compact_range = ? WHERE head_id = 1 AND size = ?",
}


@dataclass(slots=True)
class Rows:
    """What waits to be written."""

    leaves: list[LeafValues] = field(default_factory=list)
    entries: list[EntryValues] = field(default_factory=list)
    legs: list[LegValues] = field(default_factory=list)

    def extend(self, later: Rows) -> None:
        """Rows that come after these."""
        self.leaves += later.leaves
        self.entries += later.entries
        self.legs += later.legs


def write_rows(
    connection: Connection,
    rows: Rows,
    balances: Sequence[tuple[str, int, int, int, int]],
    *,
    size: int,
    edge: bytes,
    old_size: int,
) -> bool:
    """Write them and move the head from `old_size` to `size`; False if it stood elsewhere."""
    if connection.dialect.name == "postgresql":
        values = [_array(column) for column in _columns(rows, balances)]
        return run(connection, _POSTGRESQL, (*values, size, edge, old_size)) == 1
    for name, many in (
        ("leaf", rows.leaves),
        ("entry", rows.entries),
        ("leg", rows.legs),
        ("balance", balances),
    ):
        if many:
            run_many(connection, _SQLITE[name], many)
    return run(connection, _SQLITE["head"], (size, edge, old_size)) == 1


def _columns(rows: Rows, balances: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    for many, width in ((rows.leaves, 3), (rows.entries, 9), (rows.legs, 5), (balances, 5)):
        yield from zip(*many, strict=True) if many else ((),) * width


def _array(column: Sequence[Any]) -> str:
    """A PostgreSQL array as text. The only texts are ids, kinds and account codes, which hold no
    quotation mark (ledger.journal); unquoted, an id that spells null would be none."""
    kinds = set(map(type, column))
    if len(kinds) != 1:
        return "{" + ",".join([_WRITTEN[type(value)](value) for value in column]) + "}"
    kind = kinds.pop()  # at once, where no value needs to be looked at
    if kind is str:
        return '{"' + '","'.join(column) + '"}'
    if kind is bytes:
        return '{"\\\\x' + '","\\\\x'.join([value.hex() for value in column]) + '"}'
    if kind is int:
        return "{" + ",".join(map(str, column)) + "}"
    return "{" + ",".join(map(_WRITTEN[kind], column)) + "}"  # NULLs, or a KeyError


_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: lambda value: f'"{value}"',
    int: str,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    type(None): lambda value: "NULL",
}
