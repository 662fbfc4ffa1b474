"""查账 · 取数: the log's rows in pieces of a thousand leaves, each with its entries and their legs.

Three ordered reads a piece, straight from the driver's cursor: no row objects, no look-up per row,
no statement that stays open, memory independent of the size of the log. Part of ledger.verify,
which holds the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, exists, select

from ledger.outcomes import LedgerDamaged
from ledger.tables import ENTRY, LEAF, LEG

PIECE = 2048
"""Leaves of one piece: eight tiles, about four megabytes of rows."""

BETWEEN = '","'
"""Between two accounts of one leg. No account has a quotation mark."""

_PENDING = ENTRY.alias("pending")
_RESOLVER = ENTRY.alias("resolver")
_REVERSED = ENTRY.alias("reversed")
_RESOLVES_SOUNDLY = (
    select(
        case(
            (
                (_PENDING.c.kind == "pending")
                & (_PENDING.c.leaf_index < ENTRY.c.leaf_index)
                & (
                    (ENTRY.c.kind != "posted")
                    | _PENDING.c.reverses.is_not_distinct_from(ENTRY.c.reverses)
                ),
                1,
            ),
            else_=0,
        )
    )
    .where(_PENDING.c.entry_id == ENTRY.c.resolves)
    .scalar_subquery()
)
_REVERSES_SOUNDLY = (
    select(
        case(
            ((_REVERSED.c.kind == "posted") & (_REVERSED.c.leaf_index < ENTRY.c.leaf_index), 1),
            else_=0,
        )
    )
    .where(_REVERSED.c.entry_id == ENTRY.c.reverses)
    .scalar_subquery()
)
_RESOLVED = exists().where(_RESOLVER.c.resolves == ENTRY.c.entry_id)
ENTRY_COLUMNS: tuple[ColumnElement[Any], ...] = (
    ENTRY.c.entry_id,
    ENTRY.c.kind,
    ENTRY.c.resolves,
    ENTRY.c.reverses,
    ENTRY.c.leaf_index,
    ENTRY.c.recorded_us,
    ENTRY.c.seal_salt,
    # One look-up an entry: of what it resolves, or of what resolves it.
    case(
        (ENTRY.c.kind == "pending", case((_RESOLVED, 1), else_=0)),
        (ENTRY.c.resolves.is_(None), 1),
        else_=_RESOLVES_SOUNDLY,
    ).label("resolution"),
    case((ENTRY.c.reverses.is_(None), 1), else_=_REVERSES_SOUNDLY).label("reversal"),
    ENTRY.c.linked,
    ENTRY.c.expires_us,
)
EntryRow = tuple[Any, ...]
"""The values of ENTRY_COLUMNS. `resolution` is 1 or 0 for a pending entry that is resolved or open;
for another 1 if it resolves nothing, or an earlier pending entry and reverses what that one does.
`reversal` is 1 if it reverses nothing, or an earlier posted entry."""

_after = bindparam("after", type_=LEAF.c.leaf_index.type)
_upto = bindparam("upto", type_=LEAF.c.leaf_index.type)
_LEAVES = (
    select(LEAF.c.leaf_index, LEAF.c.leaf, LEAF.c.leaf_hash)
    .order_by(LEAF.c.leaf_index)
    .limit(PIECE)
)
_ENTRIES = select(*ENTRY_COLUMNS).order_by(ENTRY.c.leaf_index, ENTRY.c.entry_id)
_LEGS = (
    # Both accounts as one text, as they stand in a sealed body: one string instead of two.
    select(ENTRY.c.leaf_index, LEG.c.leg_no, LEG.c.debit + BETWEEN + LEG.c.credit, LEG.c.amount_fen)
    .select_from(ENTRY.join(LEG, LEG.c.entry_id == ENTRY.c.entry_id))
    .order_by(ENTRY.c.leaf_index, ENTRY.c.entry_id, LEG.c.leg_no)
)
_NEXT_LEAVES = _LEAVES.where(LEAF.c.leaf_index > _after)
_WHERES: tuple[ColumnElement[bool], ...] = (
    ENTRY.c.leaf_index <= _upto,
    (ENTRY.c.leaf_index > _after) & (ENTRY.c.leaf_index <= _upto),
)
_FIRST, _NEXT = ((_ENTRIES.where(where), _LEGS.where(where)) for where in _WHERES)
"""Entries and legs of the first piece, and of one after it."""
_BEYOND = (
    select(ENTRY.c.leaf_index)
    .where(ENTRY.c.leaf_index > _after)
    .order_by(ENTRY.c.leaf_index)
    .limit(PIECE)
)
_LEAST = -(1 << 63)


@dataclass(slots=True)
class Piece:
    """A stretch of the log; after its end, of the entries that point beyond it."""

    leaves: list[tuple[Any, ...]]
    """(index, bytes, hash)."""
    entries: list[EntryRow]
    legs: list[tuple[Any, ...]]
    """(leaf index of the entry, number, debit BETWEEN credit, fen), in the order of the entries."""
    unreadable: str = ""
    """Why entries and legs are missing, when their rows cannot be read at all."""


def pieces(connection: Connection) -> Iterator[Piece]:
    """The log from its beginning; then the entries, if any, whose leaves are beyond its end.

    Raises LedgerDamaged for leaves that cannot be read.
    """
    leaves = fetch(connection, _LEAVES)
    after: int | None = None
    while leaves:
        upto: int = leaves[-1][0]
        place = {"upto": upto} if after is None else {"after": after, "upto": upto}
        yield _with_entries(connection, leaves, _FIRST if after is None else _NEXT, place)
        after = upto
        leaves = fetch(connection, _NEXT_LEAVES, after=after)
    after = _LEAST if after is None else after
    while rest := fetch(connection, _BEYOND, after=after):
        place = {"after": after, "upto": rest[-1][0]}
        yield _with_entries(connection, [], _NEXT, place)
        after = place["upto"]


def fetch(connection: Connection, query: Select[Any], **values: Any) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them. Raises LedgerDamaged where it cannot."""
    result = connection.execute(query, values)
    try:
        if result.cursor is None:
            raise LedgerDamaged("a query gave no rows")
        rows = list(result.cursor.fetchall())
    except connection.dialect.loaded_dbapi.Error as error:
        raise LedgerDamaged(f"rows cannot be read ({type(error).__name__})") from error
    finally:
        result.close()
    return rows


def _with_entries(
    connection: Connection,
    leaves: list[tuple[Any, ...]],
    queries: tuple[Select[Any], Select[Any]],
    place: dict[str, int],
) -> Piece:
    try:
        entries, legs = (fetch(connection, query, **place) for query in queries)
    except LedgerDamaged as error:
        return Piece(leaves, [], [], unreadable=str(error))
    return Piece(leaves, entries, legs)
