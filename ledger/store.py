"""记账: append an entry and its leaf, in the transaction that changes the caller's own state.

Synchronous, on the caller's Connection; never begins, commits or rolls back. What is committed is
in the root: entry, legs, balances, leaf, full tiles and head change together or not at all.
Refusals (ledger.outcomes) are raised before anything is written. On SQLite the caller's transaction
is BEGIN IMMEDIATE; on PostgreSQL READ COMMITTED, and the log's lock is taken here, as a statement
of its own. Signing comes later (ledger.publish). Times are aware, amounts fen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from sqlalchemy import Connection, bindparam, insert, select

from ledger.hashes import write_full_tiles
from ledger.journal import Entry, EntryKind, JournalError, Leg
from ledger.leaf import Leaf, LeafError
from ledger.merkle import CompactRange, leaf_hash
from ledger.outcomes import (
    AlreadyReversed,
    EntryExists,
    EntryExistsWithDifferent,
    LeafMismatch,
    LedgerDamaged,
    NotPending,
    PendingAlreadyResolved,
    PendingNotFound,
    ReversedNotFound,
    ReversedNotPosted,
    ReversesDiffers,
)
from ledger.reads import (
    Balance,
    Head,
    StoredEntry,
    StoredLeaf,
    balances,
    consistency_proof,
    entries,
    find_entry,
    head,
    inclusion_proof,
    latest_note,
    leaf_at,
    leaves,
    legs_from,
    note_covering,
    resolution_of,
    reversal_of,
    root_at,
    size,
    to_us,
)
from ledger.seal import seal_of
from ledger.tables import ENTRY, LEAF, LEG
from ledger.tail import Tail

__all__ = [
    "Appended",
    "Balance",
    "Head",
    "StoredEntry",
    "StoredLeaf",
    "append_entry",
    "append_leaf",
    "balances",
    "consistency_proof",
    "entries",
    "find_entry",
    "head",
    "inclusion_proof",
    "latest_note",
    "leaf_at",
    "leaves",
    "note_covering",
    "resolution_of",
    "reversal_of",
    "root_at",
    "size",
]

LOCK_KEY = 0x79726400
"""Advisory lock of the log on PostgreSQL ("yrd")."""
LOCKED_AT_BEGIN = "ledger_locked_at_begin"
"""Execution option of an engine each of whose transactions begins with `lock_log`."""

_LOCK = f"SELECT pg_advisory_xact_lock({LOCK_KEY})"
_KIND = select(ENTRY.c.kind).where(ENTRY.c.entry_id == bindparam("entry_id"))
_RESOLVER = ENTRY.alias("resolver")
_PENDING_ROWS = (
    select(
        ENTRY.c.kind,
        ENTRY.c.reverses,
        _RESOLVER.c.entry_id,
        _RESOLVER.c.kind,
        LEG.c.debit,
        LEG.c.credit,
        LEG.c.amount_fen,
    )
    .select_from(
        ENTRY.outerjoin(_RESOLVER, _RESOLVER.c.resolves == ENTRY.c.entry_id).outerjoin(
            LEG, LEG.c.entry_id == ENTRY.c.entry_id
        )
    )
    .where(ENTRY.c.entry_id == bindparam("entry_id"))
)
_INSERT_ENTRY = insert(ENTRY)
_INSERT_LEG = insert(LEG)
_INSERT_LEAF = insert(LEAF)
_PENDING, _POSTED = 0, 2
"""First of the two columns (debit, credit) that a leg moves."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the leaf went. True once the caller has committed."""

    index: int
    leaf_hash: bytes
    leaf: bytes
    """The exact bytes in the log, seal included; a receipt carries them."""


def append_entry(
    connection: Connection,
    entry: Entry,
    leaf: Leaf,
    *,
    at: datetime,
    salt: bytes | None = None,
    tail: Tail | None = None,
) -> Appended:
    """Take the entry whole, with its leaf at the end of the log.

    With a `salt` of 32 random bytes the leaf also seals the entry's own rows (ledger.seal). Head
    and balances are written here, or by whoever shares a `tail` among several appends. Raises a
    subclass of AppendRefused, HeadMoved, LedgerNotInstalled or LedgerDamaged.
    """
    if leaf.type != f"entry.{entry.kind.value}" or leaf.entry_id != entry.entry_id:
        raise LeafMismatch(f"the leaf is of {leaf.type} {leaf.entry_id}, not of this entry")
    recorded_us = to_us(at)
    _lock(connection)
    shared = tail or Tail(connection)
    edge = shared.edge()
    if connection.execute(_KIND, {"entry_id": entry.entry_id}).one_or_none() is not None:
        _refuse_repeat(connection, entry, leaf)
    pending = _check_references(connection, entry)
    if salt is not None:
        leaf = replace(leaf, seal=seal_of(entry, recorded_us=recorded_us, salt=salt))
    appended = _append(connection, edge, leaf.to_bytes())
    connection.execute(
        _INSERT_ENTRY,
        {
            "entry_id": entry.entry_id,
            "kind": entry.kind.value,
            "resolves": entry.resolves,
            "reverses": entry.reverses,
            "leaf_index": appended.index,
            "recorded_us": recorded_us,
            "seal_salt": salt,
        },
    )
    _write_legs(connection, entry)
    _move(shared, pending, _PENDING, -1)
    _move(shared, entry.legs, _PENDING if entry.kind is EntryKind.PENDING else _POSTED, +1)
    if tail is None:
        shared.write()
    return appended


def append_leaf(connection: Connection, leaf: Leaf, *, tail: Tail | None = None) -> Appended:
    """Evidence without postings: a decision, a receipt, a statement. The same leaf may come twice;
    whoever wants it once checks in its own table, in the same transaction."""
    if leaf.type.startswith("entry."):
        raise LeafMismatch("a leaf of type entry.* comes with its entry")
    _lock(connection)
    shared = tail or Tail(connection)
    appended = _append(connection, shared.edge(), leaf.to_bytes())
    if tail is None:
        shared.write()
    return appended


def lock_log(connection: Connection) -> None:
    """Wait until nobody else appends, until this transaction ends. On SQLite BEGIN IMMEDIATE has
    done it already."""
    # Its own statement, so that what follows reads a snapshot taken after the lock was won.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_LOCK)


def _lock(connection: Connection) -> None:
    if not connection.get_execution_options().get(LOCKED_AT_BEGIN):
        lock_log(connection)


def _append(connection: Connection, edge: CompactRange, data: bytes) -> Appended:
    index = edge.size
    hashed = leaf_hash(data)
    edge.append(hashed)
    connection.execute(_INSERT_LEAF, {"leaf_index": index, "leaf": data, "leaf_hash": hashed})
    write_full_tiles(connection, edge.size)
    return Appended(index=index, leaf_hash=hashed, leaf=data)


def _refuse_repeat(connection: Connection, entry: Entry, leaf: Leaf) -> NoReturn:
    known = find_entry(connection, entry.entry_id)
    stored = leaf_at(connection, known.index) if known is not None else None
    if known is None or stored is None:
        raise LedgerDamaged(f"entry {entry.entry_id} has lost its rows: run verify")
    try:
        field = _difference(entry, leaf, known.entry, Leaf.parse(stored.data))
    except LeafError as error:
        raise LedgerDamaged(f"leaf {known.index} is damaged: run verify") from error
    if field is not None:
        raise EntryExistsWithDifferent(entry.entry_id, field=field, index=known.index)
    raise EntryExists(entry.entry_id, index=known.index, leaf_hash=stored.leaf_hash)


def _difference(entry: Entry, leaf: Leaf, known: Entry, known_leaf: Leaf) -> str | None:
    for field in ("kind", "resolves", "reverses", "legs"):
        if getattr(entry, field) != getattr(known, field):
            return field
    for field in ("window", "funds", "commitment"):
        if getattr(leaf, field) != getattr(known_leaf, field):
            return field
    return None


def _check_references(connection: Connection, entry: Entry) -> tuple[Leg, ...]:
    """The legs of the pending entry that this one resolves."""
    legs: tuple[Leg, ...] = ()
    if entry.resolves is not None:
        legs = _check_pending(connection, entry, entry.resolves)
    if entry.reverses is not None:
        _check_reversed(connection, entry.reverses)
    return legs


def _check_pending(connection: Connection, entry: Entry, pending_id: str) -> tuple[Leg, ...]:
    rows = connection.execute(_PENDING_ROWS, {"entry_id": pending_id}).all()
    if not rows:
        raise PendingNotFound(pending_id)
    kind, reverses, resolved_by, resolved_as = rows[0][:4]
    if kind != EntryKind.PENDING:
        raise NotPending(pending_id, kind=kind)
    if resolved_by is not None:
        raise PendingAlreadyResolved(pending_id, resolved_by=resolved_by, kind=resolved_as)
    if entry.kind is EntryKind.POSTED and reverses != entry.reverses:
        raise ReversesDiffers(entry.entry_id, pending_reverses=reverses)
    try:
        return tuple(legs_from(row[4:] for row in rows if row[4] is not None))
    except JournalError as error:
        raise LedgerDamaged(f"a leg of entry {pending_id} is damaged: run verify") from error


def _check_reversed(connection: Connection, reversed_id: str) -> None:
    row = connection.execute(_KIND, {"entry_id": reversed_id}).one_or_none()
    if row is None:
        raise ReversedNotFound(reversed_id)
    if row.kind != EntryKind.POSTED:
        raise ReversedNotPosted(reversed_id, kind=row.kind)
    reversed_by = reversal_of(connection, reversed_id)
    if reversed_by is not None:
        raise AlreadyReversed(reversed_id, reversed_by=reversed_by)


def _write_legs(connection: Connection, entry: Entry) -> None:
    if not entry.legs:
        return
    connection.execute(
        _INSERT_LEG,
        [
            {
                "entry_id": entry.entry_id,
                "leg_no": number,
                "debit": leg.debit.code,
                "credit": leg.credit.code,
                "amount_fen": leg.amount_fen,
            }
            for number, leg in enumerate(entry.legs)
        ],
    )


def _move(tail: Tail, legs: Iterable[Leg], column: int, sign: int) -> None:
    for leg in legs:
        tail.move(leg.debit.code, column, sign * leg.amount_fen)
        tail.move(leg.credit.code, column + 1, sign * leg.amount_fen)
