"""库外检查点: the newest checkpoint in a file outside the database, and what it refuses at start.

A database restored from a backup agrees with itself perfectly; only what was signed later, and lies
elsewhere, tells that it is old. The file is replaced so that either the old or the new one survives
a power failure, and never by an older one. Source: ledger.md §3.4.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sqlalchemy import Connection

from gateway.store.errors import StoreRefused
from ledger.checkpoint import Checkpoint, NoteInvalid, NoteSigner, open_checkpoint
from ledger.history import LogHistory
from ledger.outcomes import LedgerDamaged
from ledger.publish import open_outside
from ledger.store import root_at, size


def read_outside(path: Path | None) -> str | None:
    """The checkpoint kept outside the database, verbatim; None if there is none yet."""
    if path is None or not path.exists():
        return None
    # Bytes that are no text make a note that does not open: refused as such, by name.
    return path.read_text(encoding="utf-8", errors="replace")


def write_outside(path: Path, note: str, signer: NoteSigner) -> None:
    """Replace the copy so that either the old or the new one survives a power failure.

    Never by an older one: several gateways on one machine may share the file.
    """
    lock = os.open(
        path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = read_outside(path)
        if kept is None or _size_of(kept, signer) < _size_of(note, signer):
            replace_durably(path, note)
    finally:
        os.close(lock)


def _size_of(note: str, signer: NoteSigner) -> int:
    """0 for a copy that is not ours: it is replaced (at start it would have been refused)."""
    try:
        return open_checkpoint(note, signer.verifier).size
    except NoteInvalid:
        return 0


def replace_durably(path: Path, text: str) -> None:
    """The whole file anew, on the disk when this returns."""
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def refuse_rollback(
    connection: Connection, history: LogHistory, outside: Path | None, note: str | None
) -> None:
    """At start: the database must hold all that was ever signed. Raises StoreRefused.

    `note` was read from `outside` before the connection's snapshot began: another gateway may be
    signing meanwhile.
    """
    if note is None:
        return
    try:
        kept = open_outside(note, history)
    except LedgerDamaged as error:
        raise StoreRefused(
            "OUTSIDE_CHECKPOINT_INVALID",
            f"库外检查点 {outside} 不是本日志所签:{error}。若恢复了日志重启之前的备份,"
            "请找回较新的数据库,或执行 ./yrd log restart。",
        ) from error
    if kept is not None:
        refuse_older(connection, kept)


def refuse_older(connection: Connection, kept: Checkpoint) -> None:
    """Raises StoreRefused unless the tree begins with what this checkpoint signed."""
    known = size(connection)
    if kept.size > known:
        raise StoreRefused(
            "LOG_ROLLED_BACK",
            f"库外检查点有 {kept.size} 条,数据库只有 {known} 条:恢复的是旧备份,"
            "请找回较新的数据库;确已丢失时,以 ./yrd log restart 用新密钥继续。",
        )
    if root_at(connection, kept.size) != kept.root:
        raise StoreRefused(
            "LOG_FORKED",
            f"数据库前 {kept.size} 条与库外检查点不一致:请停止服务并核对数据库;"
            "查明原因后可以 ./yrd log restart 用新密钥继续。",
        )
