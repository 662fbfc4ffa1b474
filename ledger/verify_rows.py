"""查账 · 取数: the log's rows in pieces of a thousand leaves, each with its entries and their legs.

Two ordered reads a piece, straight from the driver's cursor: no row objects, no statement that
stays open, memory independent of the size of the log. The legs of an entry come as one text, as
they stand in its sealed body: whoever doubts that text asks for their rows (legs_of). Part of
ledger.verify, which holds the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    exists,
    literal_column,
    select,
)
from sqlalchemy.exc import DBAPIError

from ledger.outcomes import LedgerDamaged
from ledger.tables import ENTRY, LEAF, LEG

PIECE = 2048
"""Leaves of one piece: eight tiles, about four megabytes of rows."""

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
_NUMBERED = "min(leg_no) || '..' || max(leg_no)"
_OF_THIS = "FROM ledger_leg WHERE ledger_leg.entry_id = ledger_entry.entry_id"
_LEG_TEXTS: dict[str, ColumnElement[Any]] = {
    # JSON tells a number from a text, and refuses bytes: SQLite's columns hold anything. Rows of
    # the primary key come in its order; were it another, the text would not be the sealed one.
    "sqlite": literal_column(
        "(SELECT json_group_array(json_array(debit, credit, amount_fen)) || "
        f"{_NUMBERED} {_OF_THIS})"
    ),
    "postgresql": literal_column(
        """(SELECT '[' || string_agg('["' || debit || '","' || credit || '",' || amount_fen"""
        f" || ']', ',' ORDER BY leg_no) || ']' || {_NUMBERED} {_OF_THIS})"
    ),
}
EntryRow = tuple[Any, ...]
"""The values of ENTRY_COLUMNS, then `legs`. `resolution` is 1 or 0 for a pending entry that is
resolved or open; for another 1 if it resolves nothing, or an earlier pending entry and reverses
what that one does. `reversal` is 1 if it reverses nothing, or an earlier posted entry. `legs` is
[["debit","credit",fen],…]first..last with the numbers of first and last; None for no legs; empty
where they cannot be read."""
LegRow = tuple[Any, ...]
"""(number, debit, credit, fen)."""

_after = bindparam("after", type_=LEAF.c.leaf_index.type)
_upto = bindparam("upto", type_=LEAF.c.leaf_index.type)
_LEAVES = (
    select(LEAF.c.leaf_index, LEAF.c.leaf, LEAF.c.leaf_hash)
    .order_by(LEAF.c.leaf_index)
    .limit(PIECE)
)
_LEGS = (
    select(LEG.c.leg_no, LEG.c.debit, LEG.c.credit, LEG.c.amount_fen)
    .where(LEG.c.entry_id == bindparam("entry_id"))
    .order_by(LEG.c.leg_no)
)
_NEXT_LEAVES = _LEAVES.where(LEAF.c.leaf_index > _after)
_WHERES: tuple[ColumnElement[bool], ...] = (
    ENTRY.c.leaf_index <= _upto,
    (ENTRY.c.leaf_index > _after) & (ENTRY.c.leaf_index <= _upto),
)


def _entries(legs: ColumnElement[Any]) -> tuple[Select[Any], Select[Any]]:
    """Entries of the first piece, and of one after it."""
    query = select(*ENTRY_COLUMNS, legs.label("legs"))
    first, following = (
        query.where(where).order_by(ENTRY.c.leaf_index, ENTRY.c.entry_id) for where in _WHERES
    )
    return first, following


_ENTRIES = {dialect: _entries(text) for dialect, text in _LEG_TEXTS.items()}
_WITHOUT_LEGS = _entries(literal_column("''"))
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
    unreadable: str = ""
    """Why entries are missing, when their rows cannot be read at all."""


def pieces(connection: Connection) -> Iterator[Piece]:
    """The log from its beginning; then the entries, if any, whose leaves are beyond its end.

    Raises LedgerDamaged for leaves that cannot be read.
    """
    after: int | None = None
    for leaves in leaf_pieces(connection):
        upto: int = leaves[-1][0]
        yield _with_entries(connection, leaves, after, upto)
        after = upto
    after = _LEAST if after is None else after
    while rest := fetch(connection, _BEYOND, after=after):
        upto = rest[-1][0]
        yield _with_entries(connection, [], after, upto)
        after = upto


def leaf_pieces(connection: Connection) -> Iterator[list[tuple[Any, ...]]]:
    """Only the leaves: index, bytes, hash. Raises LedgerDamaged where they cannot be read."""
    leaves = fetch(connection, _LEAVES)
    while leaves:
        yield leaves
        leaves = fetch(connection, _NEXT_LEAVES, after=leaves[-1][0])


def mentions(leaves: list[tuple[Any, ...]], word: bytes) -> bool:
    """Whether one of these leaves may hold the word: asked of all at once, since most do not."""
    try:
        return word in b"".join([data for _, data, _ in leaves])
    except TypeError:
        return True  # a leaf that is no bytes is looked at by itself


def legs_of(connection: Connection, entry_id: str) -> list[LegRow]:
    """The rows of an entry's legs, in order. Raises LedgerDamaged where they cannot be read."""
    return fetch(connection, _LEGS, entry_id=entry_id)


def fetch(connection: Connection, query: Select[Any], **values: Any) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them. Raises LedgerDamaged where it cannot."""
    driver_error = connection.dialect.loaded_dbapi.Error
    try:
        result = connection.execute(query, values)
    except DBAPIError as error:
        raise LedgerDamaged(f"rows cannot be read ({type(error.orig).__name__})") from error
    try:
        if result.cursor is None:
            raise LedgerDamaged("a query gave no rows")
        rows = list(result.cursor.fetchall())
    except driver_error as error:
        raise LedgerDamaged(f"rows cannot be read ({type(error).__name__})") from error
    finally:
        result.close()
    return rows


def _with_entries(
    connection: Connection, leaves: list[tuple[Any, ...]], after: int | None, upto: int
) -> Piece:
    following, place = (0, {"upto": upto}) if after is None else (1, {"after": after, "upto": upto})
    try:
        query = _ENTRIES[connection.dialect.name][following]
        return Piece(leaves, fetch(connection, query, **place))
    except LedgerDamaged:
        # One leg that is no text hides all: without their texts, every entry is doubted.
        query = _WITHOUT_LEGS[following]
    try:
        return Piece(leaves, fetch(connection, query, **place))
    except LedgerDamaged as error:
        return Piece(leaves, [], unreadable=str(error))
