"""查阅: what journal and log say, for those who ask: ranges, proofs, entries, balances.

Reads through the caller's connection and never writes. Every answer about a tree names the size it
speaks of. Nothing is verified here (see ledger.verify); unreadable rows raise LedgerDamaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from ledger import merkle
from ledger.hashes import StoredHashes
from ledger.journal import Account, Entry, EntryKind, JournalError, Leg
from ledger.outcomes import LedgerDamaged, LedgerNotInstalled
from ledger.tables import BALANCE, CHECKPOINT, ENTRY, HEAD, LEAF, LEG, raw

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HEAD = select(HEAD.c.size, HEAD.c.compact_range).where(HEAD.c.head_id == 1)
_LEAVES = (
    select(LEAF.c.leaf_index, LEAF.c.leaf, LEAF.c.leaf_hash)
    .where(LEAF.c.leaf_index >= bindparam("start"), LEAF.c.leaf_index < bindparam("end"))
    .order_by(LEAF.c.leaf_index)
)
_LEGS = (
    select(LEG.c.debit, LEG.c.credit, LEG.c.amount_fen)
    .where(LEG.c.entry_id == bindparam("entry_id"))
    .order_by(LEG.c.leg_no)
)
_ENTRY = select(ENTRY).where(ENTRY.c.entry_id == bindparam("entry_id"))
_ENTRIES = (
    select(ENTRY)
    .where(ENTRY.c.leaf_index >= bindparam("start"), ENTRY.c.leaf_index < bindparam("end"))
    .order_by(ENTRY.c.leaf_index)
)
_LINKED = select(ENTRY.c.linked).where(ENTRY.c.leaf_index == bindparam("index"))
_RESOLUTION = select(ENTRY.c.entry_id).where(ENTRY.c.resolves == bindparam("entry_id"))
_REVERSAL = select(ENTRY.c.entry_id).where(
    ENTRY.c.reverses == bindparam("entry_id"), ENTRY.c.kind == "posted"
)
_LAST_NOTE = select(CHECKPOINT.c.note).order_by(CHECKPOINT.c.size.desc()).limit(1)
_COVERING_NOTE = (
    select(CHECKPOINT.c.note)
    .where(CHECKPOINT.c.size > bindparam("index"))
    .order_by(CHECKPOINT.c.size)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Head:
    """树头: how far the log goes, signed or not."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """One leaf as stored."""

    index: int
    data: bytes
    """The exact bytes; ledger.leaf.Leaf.parse reads them."""
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry as stored, with its place in the log."""

    entry: Entry
    index: int
    recorded_at: datetime
    """Aware, UTC."""


@dataclass(frozen=True, slots=True)
class Balance:
    """余额 of one account, in fen. Pending counts entries that are not resolved yet."""

    account: Account
    pending_debit_fen: int
    pending_credit_fen: int
    posted_debit_fen: int
    posted_credit_fen: int


def compact_range(connection: Connection) -> merkle.CompactRange:
    """The right edge of the tree. Raises LedgerNotInstalled without a head row."""
    return edge_from(connection.execute(_HEAD).one_or_none())


def edge_from(row: Sequence[Any] | None) -> merkle.CompactRange:
    """The compact range of a row that begins with the head's size and range."""
    if row is None:
        raise LedgerNotInstalled("the ledger has no head row: run the migrations")
    try:
        return merkle.CompactRange.from_bytes(row[0], raw(row[1]))
    except ValueError as error:
        raise LedgerDamaged("the head row is damaged: run verify") from error


def head(connection: Connection) -> Head:
    """The tree as committed, or as this transaction sees it."""
    edge = compact_range(connection)
    return Head(size=edge.size, root=edge.root())


def size(connection: Connection) -> int:
    """Number of leaves."""
    return compact_range(connection).size


def leaves(connection: Connection, start: int, end: int) -> Iterator[StoredLeaf]:
    """Leaves start … end-1 in order, as far as they exist, read as they are consumed."""
    # Closed with the generator: on PostgreSQL a stream is a cursor of the server.
    with connection.execute(
        _LEAVES, {"start": start, "end": end}, execution_options={"yield_per": 1000}
    ) as found:
        for index, data, leaf_hash in found:
            yield StoredLeaf(index=index, data=raw(data), leaf_hash=raw(leaf_hash))


def leaf_at(connection: Connection, index: int) -> StoredLeaf | None:
    """The leaf at this index."""
    row = connection.execute(_LEAVES, {"start": index, "end": index + 1}).one_or_none()
    return None if row is None else StoredLeaf(row[0], raw(row[1]), raw(row[2]))


def root_at(connection: Connection, tree_size: int) -> bytes:
    """Root of the first `tree_size` leaves. Raises ValueError beyond the head."""
    _check_size(connection, tree_size)
    return merkle.tree_root(tree_size, StoredHashes(connection))


def inclusion_proof(connection: Connection, index: int, tree_size: int) -> tuple[bytes, ...]:
    """Proof that leaf `index` is in the tree of `tree_size`. Raises ValueError if it is not."""
    _check_size(connection, tree_size)
    return merkle.inclusion_proof(index, tree_size, StoredHashes(connection))


def consistency_proof(connection: Connection, first: int, second: int) -> tuple[bytes, ...]:
    """Proof that the tree of size `first` (above 0) is a prefix of the tree of size `second`."""
    _check_size(connection, second)
    return merkle.consistency_proof(first, second, StoredHashes(connection))


def find_entry(connection: Connection, entry_id: str) -> StoredEntry | None:
    """The entry with this id."""
    row = connection.execute(_ENTRY, {"entry_id": entry_id}).one_or_none()
    return None if row is None else _stored(connection, row)


def entries(connection: Connection, start: int, end: int) -> Iterator[StoredEntry]:
    """Entries whose leaves are start … end-1, in order of the log."""
    for row in connection.execute(_ENTRIES, {"start": start, "end": end}).all():
        yield _stored(connection, row)


def linked_at(connection: Connection, index: int) -> str | None:
    """The chain that the entry of this leaf belongs to."""
    found: str | None = connection.execute(_LINKED, {"index": index}).scalar()
    return found


def resolution_of(connection: Connection, entry_id: str) -> str | None:
    """Id of the entry that resolved this pending one."""
    found: str | None = connection.execute(_RESOLUTION, {"entry_id": entry_id}).scalar()
    return found


def reversal_of(connection: Connection, entry_id: str) -> str | None:
    """Id of the posted entry that reversed this one."""
    found: str | None = connection.execute(_REVERSAL, {"entry_id": entry_id}).scalar()
    return found


def legs_of(connection: Connection, entry_id: str) -> tuple[Leg, ...]:
    """Legs of the entry, in order."""
    rows = connection.execute(_LEGS, {"entry_id": entry_id})
    try:
        return tuple(legs_from(rows))
    except JournalError as error:
        raise LedgerDamaged(f"a leg of entry {entry_id} is damaged: run verify") from error


def legs_from(rows: Iterable[Row[Any]] | Iterable[Sequence[Any]]) -> Iterator[Leg]:
    """Legs from (debit, credit, amount) rows. Raises JournalError."""
    for debit, credit, amount_fen in rows:
        yield Leg(Account.parse(debit), Account.parse(credit), amount_fen)


def balances(connection: Connection, book: str | None = None) -> tuple[Balance, ...]:
    """Balances of one book, or of all, in order of account code."""
    query: Select[Any] = select(BALANCE).order_by(BALANCE.c.account)
    if book is not None:
        # "0" follows "/", so that the range holds exactly the codes of this book.
        query = query.where(BALANCE.c.account >= f"{book}/", BALANCE.c.account < f"{book}0")
    rows = connection.execute(query)
    try:
        return tuple(Balance(Account.parse(code), *amounts) for code, *amounts in rows)
    except JournalError as error:
        raise LedgerDamaged("a balance is of no account: run verify") from error


def latest_note(connection: Connection) -> str | None:
    """The last checkpoint signed, as a note; not verified."""
    note: str | None = connection.execute(_LAST_NOTE).scalar()
    return note


def note_covering(connection: Connection, index: int) -> str | None:
    """The first checkpoint that holds leaf `index`, as a note; not verified."""
    note: str | None = connection.execute(_COVERING_NOTE, {"index": index}).scalar()
    return note


def to_us(at: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time in the ledger names its zone")
    return (at - EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """The inverse of to_us."""
    return EPOCH + timedelta(microseconds=us)


def _stored(connection: Connection, row: Row[Any]) -> StoredEntry:
    legs = legs_of(connection, row.entry_id)
    try:
        entry = Entry(
            entry_id=row.entry_id,
            kind=EntryKind(row.kind),
            legs=legs,
            resolves=row.resolves,
            reverses=row.reverses,
            linked=row.linked,
            expires_us=row.expires_us,
        )
    except ValueError as error:
        raise LedgerDamaged(f"entry {row.entry_id} is damaged: run verify") from error
    return StoredEntry(entry=entry, index=row.leaf_index, recorded_at=from_us(row.recorded_us))


def _check_size(connection: Connection, tree_size: int) -> None:
    known = size(connection)
    if not 0 <= tree_size <= known:
        raise ValueError(f"the log has {known} leaves, not {tree_size}")
