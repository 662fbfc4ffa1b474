"""记账: append entries and their leaves, in the transaction that changes the caller's own state.

Synchronous, on the caller's Connection; never begins, commits or rolls back. What is committed is
in the root: entries, legs, balances, leaves, full tiles and head change together or not at all.
Refusals (ledger.outcomes) are raised before anything is changed. On SQLite the caller's transaction
is BEGIN IMMEDIATE; on PostgreSQL READ COMMITTED, and the log's lock is taken here, as a statement
of its own. Signing comes later (ledger.publish). Times are aware, amounts fen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from ledger.appending import append_bytes, append_draft, refuse_repeat
from ledger.draft import Appended, Draft
from ledger.journal import Entry
from ledger.leaf import Leaf
from ledger.outcomes import EntryExists, EntryExistsWithDifferent, LeafMismatch, LinkBroken
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
    note_covering,
    resolution_of,
    reversal_of,
    root_at,
    size,
    to_us,
)
from ledger.tail import Tail

__all__ = [
    "Appended",
    "Balance",
    "Draft",
    "Head",
    "StoredEntry",
    "StoredLeaf",
    "append_entry",
    "append_leaf",
    "append_linked",
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

LOCK = f"SELECT pg_advisory_xact_lock({LOCK_KEY})"

T = TypeVar("T")


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

    With a `salt` of 32 random bytes the leaf also seals the entry's own rows (ledger.seal). Rows,
    head and balances are written here, or by whoever shares a `tail` among several appends. Raises
    a subclass of AppendRefused, HeadMoved, LedgerNotInstalled or LedgerDamaged.
    """
    draft = Draft(entry, leaf, to_us(at), salt)
    return _with_tail(connection, tail, lambda shared: append_alone(shared, draft))


def append_linked(
    connection: Connection, drafts: Sequence[Draft], *, tail: Tail | None = None
) -> tuple[Appended, ...]:
    """连环: take these entries in this order, all of them or none. Each names the first as
    `linked`; a repeat of the same chain raises EntryExists of the first. Raises what append_entry
    does, of the first entry that cannot be taken."""
    return _with_tail(connection, tail, lambda shared: append_chain(shared, drafts))


def append_leaf(connection: Connection, leaf: Leaf, *, tail: Tail | None = None) -> Appended:
    """Evidence without postings: a decision, a receipt, a statement. The same leaf may come twice;
    whoever wants it once checks in its own table, in the same transaction."""
    if leaf.type.startswith("entry."):
        raise LeafMismatch("a leaf of type entry.* comes with its entry")
    return _with_tail(connection, tail, lambda shared: append_bytes(shared, leaf.to_bytes()))


def append_alone(tail: Tail, draft: Draft) -> Appended:
    """`append_entry` to what the transaction shares, which holds the log's lock."""
    if draft.entry.linked is not None:
        raise LinkBroken(f"entry {draft.entry.entry_id} is of a chain and comes with it")
    return append_draft(tail, draft)


def append_chain(tail: Tail, drafts: Sequence[Draft]) -> tuple[Appended, ...]:
    """`append_linked` to what the transaction shares, which holds the log's lock."""
    _check_links(drafts)
    if tail.exists(drafts[0].entry.entry_id):
        _refuse_chain(tail, drafts)
    chain = tail.fork()
    appended = tuple(append_draft(chain, draft) for draft in drafts)
    tail.join(chain)
    return appended


def lock_log(connection: Connection) -> None:
    """Wait until nobody else appends, until this transaction ends. On SQLite BEGIN IMMEDIATE has
    done it already."""
    # Its own statement, so that what follows reads a snapshot taken after the lock was won.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(LOCK)


def _lock(connection: Connection) -> None:
    if not connection.get_execution_options().get(LOCKED_AT_BEGIN):
        lock_log(connection)


def _with_tail(connection: Connection, tail: Tail | None, work: Callable[[Tail], T]) -> T:
    _lock(connection)
    if tail is not None:
        return work(tail)
    alone = Tail(connection)
    done = work(alone)
    alone.write()
    return done


def _check_links(drafts: Sequence[Draft]) -> None:
    if len(drafts) < 2:
        raise LinkBroken("a chain has two entries or more")
    first = drafts[0].entry.entry_id
    if len({draft.entry.entry_id for draft in drafts}) != len(drafts):
        raise LinkBroken(f"the chain {first} names an entry twice")
    for draft in drafts:
        if draft.entry.linked != first:
            raise LinkBroken(f"entry {draft.entry.entry_id} does not name {first} as its chain")


def _refuse_chain(tail: Tail, drafts: Sequence[Draft]) -> None:
    """A repeat is the same only if the whole chain is. Raises EntryExists or
    EntryExistsWithDifferent."""
    first: EntryExists | None = None
    for draft in drafts:
        try:
            if tail.exists(draft.entry.entry_id):
                refuse_repeat(tail, draft)
        except EntryExists as same:
            first = first or same
        else:
            break
    if first is None:
        raise LinkBroken("the chain is not there")
    after = first.index + len(drafts)
    known = [tail.linked_at(index) for index in range(first.index, after + 1)]
    chain = drafts[0].entry.entry_id
    if known[:-1] != [chain] * len(drafts) or known[-1] == chain:
        raise EntryExistsWithDifferent(chain, field="linked", index=first.index)
    raise first
