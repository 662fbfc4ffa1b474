"""库外检查点: does the database still hold everything that was once signed and kept outside of it?

A database restored from an older backup agrees with itself perfectly; only a checkpoint from
outside shows that something is missing. Better than the copy beside the database is one that a
hospital or an auditor has kept: `--against FILE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.database import Database
from gateway.store.engine import read_engine
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.history import ClosedLog, closed_logs
from ledger.note import NoteInvalid, NoteVerifier
from ledger.outcomes import LedgerError
from ledger.reads import root_at, size
from ledger.report import INVESTIGATE, RESTORE, Problem
from ledger.sm2_note import Sm2NoteVerifier


def read_checkpoint(
    database: Database, path: Path, vkey: str, sm2: Sequence[Sm2NoteVerifier] = ()
) -> Checkpoint | Problem:
    """The checkpoint in a file, if the log signed it, or one before it, and no line of the SM2 keys
    is wrong. Raises OSError."""
    note, log = path.read_bytes(), NoteVerifier.from_vkey(vkey)
    try:
        return open_checkpoint(note, log, sm2)
    except NoteInvalid as invalid:
        for closed in _closed(database):
            with suppress(NoteInvalid):
                return open_checkpoint(note, closed.key, sm2)
        return Problem("OUTSIDE_CHECKPOINT_INVALID", str(path), str(invalid), INVESTIGATE)


def compare(database: Database, kept: Checkpoint, path: Path) -> Problem | None:
    """None if the database's log begins with this checkpoint's tree, or if what it lacks was told
    when the log was restarted.

    Read the checkpoint before the database: a log in service only grows.
    """
    engine = read_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            known = size(connection)
            for closed in closed_logs(connection):
                if closed.key.name == kept.origin:
                    known = closed.leaf_index
                    if kept.size in range(known + 1, closed.lost.stop + 1):
                        return None  # lost, told and recorded
            if kept.size > known:
                what = f"the log has {known} leaves, the checkpoint {kept.size}: it was rolled back"
                return Problem("LOG_ROLLED_BACK", str(path), what, RESTORE)
            if kept.size and _root(connection, kept.size) not in (None, kept.root):
                what = f"the first {kept.size} leaves have another root: the log was forked"
                return Problem("LOG_FORKED", str(path), what, INVESTIGATE)
    except LedgerError:
        return None  # `verify` reports it
    finally:
        engine.dispose()
    return None


def _closed(database: Database) -> tuple[ClosedLog, ...]:
    """The logs before this one; none where their rows cannot be read, which `verify` reports."""
    engine = read_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            return closed_logs(connection)
    except (LedgerError, DBAPIError):
        return ()
    finally:
        engine.dispose()


def _root(connection: Connection, size_then: int) -> bytes | None:
    """The tree's root at that size; None if the leaves cannot be read, which `verify` reports."""
    try:
        return root_at(connection, size_then)
    except LedgerError:
        return None
