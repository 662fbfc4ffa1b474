"""签发检查点: sign what the log holds, after showing that it extends all that was signed before.

Runs on the caller's connection, who commits; any process may call it, and of two at once one is
refused: on PostgreSQL by a lock that goes with the transaction (READ COMMITTED; those who append
are not held up), and everywhere by the size of the last checkpoint. Nothing derived is trusted: the
leaves since the last checkpoint are hashed again from their stored bytes, because a flipped bit
must stop the log, not be signed. A key whose log was closed signs nothing (ledger.history).
Serving, witnesses and the copy outside the database are the caller's: it writes the returned note
to a file and hands that note back the next time, so that a restored backup or a fork is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select

from ledger.checkpoint import (
    Checkpoint,
    NoteInvalid,
    NoteSigner,
    NoteVerifier,
    issue_checkpoint,
    open_checkpoint,
    parse_checkpoint,
)
from ledger.hashes import StoredHashes
from ledger.history import LogHistory, read_history
from ledger.merkle import (
    EMPTY_ROOT,
    CompactRange,
    ProofInvalid,
    consistency_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
)
from ledger.note import LineSigner
from ledger.outcomes import ForkDetected, LedgerDamaged, PublisherRaced, RollbackDetected
from ledger.reads import compact_range, latest_note, leaves, to_us
from ledger.tables import CHECKPOINT

INTEGRATOR_KEY = 0x79726401
"""Advisory lock of the one who signs, on PostgreSQL; the appenders' is one less."""

_TRY_LOCK = f"SELECT pg_try_advisory_xact_lock({INTEGRATOR_KEY})"
_LAST_SIZE = select(func.coalesce(func.max(CHECKPOINT.c.size), 0)).scalar_subquery()
_INSERT = (
    insert(CHECKPOINT)
    .from_select(
        ["size", "note", "signed_us"],
        select(
            bindparam("new", type_=CHECKPOINT.c.size.type),
            bindparam("note", type_=CHECKPOINT.c.note.type),
            bindparam("us", type_=CHECKPOINT.c.signed_us.type),
        ).where(bindparam("last", type_=CHECKPOINT.c.size.type) == _LAST_SIZE),
    )
    # SQLAlchemy counts the rows of an INSERT only where it is asked to.
    .execution_options(preserve_rowcount=True)
)


def sign_checkpoint(
    connection: Connection,
    signer: NoteSigner,
    *,
    at: datetime,
    outside: str | None = None,
    others: Iterable[LineSigner] = (),
) -> Checkpoint | None:
    """Sign the log's present head; None when nothing was appended since the last signature.

    `outside` is the newest checkpoint kept outside the database, verbatim. `at` is kept beside the
    note for people; it is not signed. `others` put their lines under the signer's. Raises
    RollbackDetected, ForkDetected, LedgerDamaged, LogClosed, PublisherRaced, or what one of the
    others raises; whatever it raises, nothing was signed.
    """
    _lock_or_leave(connection)
    history = read_history(connection, signer.verifier)
    history.refuse_closed()
    edge = compact_range(connection)
    last = _last_signed(connection, history)
    kept = None if outside is None else open_outside(outside, history)
    if kept is not None:
        _check_outside(connection, edge, kept)
    if last is not None and last.size > edge.size:
        raise RollbackDetected(
            f"{last.size} leaves were signed, the log holds {edge.size}: do not append, "
            "restore the newer database"
        )
    if edge.size == (last.size if last else 0):
        return None
    root = _recomputed_root(connection, edge, last)
    if last is not None:
        _check_consistency(connection, last, edge.size, root)
    checkpoint = issue_checkpoint(edge.size, root, signer, others)
    record_checkpoint(connection, checkpoint, last_size=last.size if last else 0, at=at)
    return checkpoint


def lock_signing(connection: Connection) -> None:
    """Wait until nobody else signs, until this transaction ends. On SQLite nobody else can."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({INTEGRATOR_KEY})")


def _lock_or_leave(connection: Connection) -> None:
    # Its own statement: what follows reads what the one before us has committed.
    if connection.dialect.name != "postgresql":
        return
    if not connection.exec_driver_sql(_TRY_LOCK).scalar():
        raise PublisherRaced("another process is signing")


def record_checkpoint(
    connection: Connection, checkpoint: Checkpoint, *, last_size: int, at: datetime
) -> None:
    """Keep a signed checkpoint if `last_size` is still the last one kept, else PublisherRaced."""
    values = {
        "new": checkpoint.size,
        "note": checkpoint.note,
        "us": to_us(at),
        "last": last_size,
    }
    if connection.execute(_INSERT, values).rowcount != 1:
        raise PublisherRaced(f"a checkpoint newer than {last_size} has appeared")


def open_outside(note: str, history: LogHistory) -> Checkpoint | None:
    """The copy kept outside; None for one of a log that was closed, which bounds this one no more.

    Raises LedgerDamaged if no log of this history has signed it.
    """
    try:
        return open_checkpoint(note, history.present)
    except NoteInvalid as error:
        if any(_opens(note, log.key) for log in history.closed):
            return None
        raise LedgerDamaged(
            f"the copy kept outside does not open with this log's key: {error}"
        ) from error


def _last_signed(connection: Connection, history: LogHistory) -> Checkpoint | None:
    """Of this log or the one before it: the tree is the same."""
    note = latest_note(connection)
    if note is None:
        return None
    try:
        return open_checkpoint(note, history.key_of(parse_checkpoint(note).size))
    except NoteInvalid as error:
        raise LedgerDamaged(
            f"the last checkpoint does not open with this log's key: {error}"
        ) from error


def _opens(note: str, key: NoteVerifier) -> bool:
    try:
        open_checkpoint(note, key)
    except NoteInvalid:
        return False
    return True


def _check_outside(connection: Connection, edge: CompactRange, outside: Checkpoint) -> None:
    if outside.size > edge.size:
        raise RollbackDetected(
            f"the copy kept outside has {outside.size} leaves, the log {edge.size}: an older "
            "database was restored; find the newer one before anything is appended"
        )
    if tree_root(outside.size, StoredHashes(connection)) != outside.root:
        raise ForkDetected(
            f"the log differs from the copy kept outside within its first {outside.size} leaves: "
            "sign nothing and compare the databases"
        )


def _recomputed_root(connection: Connection, edge: CompactRange, last: Checkpoint | None) -> bytes:
    start = last.size if last else 0
    derived = CompactRange.of_tree(start, StoredHashes(connection))
    if derived.root() != (last.root if last else EMPTY_ROOT):
        raise ForkDetected(f"the first {start} leaves no longer have the root that was signed")
    for stored in leaves(connection, start, edge.size):
        if stored.index != derived.size:
            raise LedgerDamaged(f"leaf {derived.size} is missing: run verify")
        hashed = leaf_hash(stored.data)
        if hashed != stored.leaf_hash:
            raise LedgerDamaged(f"the bytes of leaf {stored.index} do not fit its hash: run verify")
        derived.append(hashed)
    if derived.size != edge.size or derived.hashes != edge.hashes:
        raise LedgerDamaged("the head row does not fit the leaves: run verify")
    return derived.root()


def _check_consistency(
    connection: Connection, last: Checkpoint, new_size: int, new_root: bytes
) -> None:
    # Through the proof that a witness will ask for, and its verifier: what we sign, they accept.
    proof = consistency_proof(last.size, new_size, StoredHashes(connection))
    try:
        verify_consistency(last.size, new_size, proof, last.root, new_root)
    except ProofInvalid as error:
        raise ForkDetected(f"the log is no extension of what was signed: {error}") from error
