"""恢复: a backup becomes a data directory again, after it was verified, and only where nothing is.

An old backup agrees with itself perfectly; only what was signed later, and lies elsewhere, tells
that it is old. So whoever restores brings the newest checkpoint there is, or says that nothing
newer was ever signed. A database older than its checkpoint is put in place, and the gateway refuses
to serve it (LOG_ROLLED_BACK): two logs of one origin would be a fork. Starting a new origin from an
old database is not built (docs/backup.md).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.database import Postgresql
from gateway.store.backup import Stage, check_copy, checking, opened
from gateway.store.backup_file import (
    POSTGRESQL_FILE,
    SQLITE_FILE,
    Manifest,
    read_manifest,
    sync_directory,
    unpack,
)
from gateway.store.backup_postgresql import empty_again, load
from gateway.store.crosscheck_claims import CheckAnswer
from gateway.store.engine import read_engine
from gateway.store.errors import StoreRefused
from gateway.store.lock import LOCK_NAME
from gateway.store.log_key import known_log_keys, load_log_key
from gateway.store.migrate import REVISIONS, migrate_database
from ledger.checkpoint import NoteInvalid, open_checkpoint
from ledger.store import head


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOrder:
    """From where, to where, and what is known of the log."""

    backup: Path
    directory: Path
    """Missing or empty."""
    keys_dir: Path
    newest_checkpoint: Path | None
    """The newest checkpoint there is; None says that nothing was signed after the backup."""
    production: bool = False
    database: Postgresql | None = None
    """Where a backup of PostgreSQL goes; empty there."""
    programs: Sequence[Path] = ()
    """Where pg_restore is; empty looks for it."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in place now."""

    manifest: Manifest
    newest_size: int
    """Leaves of the newest checkpoint known."""
    later_origin: str = ""
    """Of the log whose checkpoint that is, if it was begun by a restart after the backup."""

    @property
    def rolled_back(self) -> bool:
        """The gateway will refuse to serve it."""
        return bool(self.later_origin) or self.newest_size > self.manifest.log_size


def restore(
    order: RestoreOrder, *, stage: Stage, check_answer: CheckAnswer | None = None
) -> Restored:
    """Raises StoreRefused; then the directory is as it was."""
    if order.directory.exists() and (
        not order.directory.is_dir() or any(order.directory.iterdir())
    ):
        raise StoreRefused(
            "DIRECTORY_NOT_EMPTY", f"{order.directory} 不是空目录,不会覆盖:请给一个新目录。"
        )
    draft = order.directory.with_name(order.directory.name + ".restoring")
    try:
        draft.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise StoreRefused(
            "RESTORE_UNFINISHED", f"{draft} 还在:上次恢复没有完成,请查看后删除它。"
        ) from error
    try:
        restored = _fill(order, draft, stage, check_answer)
        if order.directory.exists():
            order.directory.rmdir()
        draft.rename(order.directory)
    except BaseException:
        shutil.rmtree(draft)
        raise
    sync_directory(order.directory.parent)
    return restored


def _fill(
    order: RestoreOrder, draft: Path, stage: Stage, check_answer: CheckAnswer | None
) -> Restored:
    stage("解开备份", 0, 1)
    _refuse_other_kind(order, read_manifest(order.backup))
    manifest = unpack(order.backup, draft)
    vkey = (draft / "vkey").read_text(encoding="ascii").strip()
    _copy_keys(order.keys_dir, draft / "keys")
    signer = load_log_key(draft / "keys", origin=manifest.origin).signer
    if signer.vkey != vkey:
        raise StoreRefused(
            "KEYS_DIFFER", f"{order.keys_dir} 中的日志密钥不是这份备份的({manifest.origin})。"
        )
    newest, later_origin = 0, ""
    if order.newest_checkpoint is not None:
        newest, later_origin = _bring_checkpoint(order.newest_checkpoint, draft, vkey)
    known = draft / "checkpoint.txt"
    later = draft / "checkpoint.later"
    if later_origin or newest > manifest.log_size:
        known.rename(later)  # the copy is compared with its own log; it is known to be shorter
    if order.database is not None:
        size, root = _into_postgresql(order, order.database, draft, vkey, stage, check_answer)
    else:
        _migrated(draft / SQLITE_FILE, manifest)
        size, root = check_copy(
            draft, draft / "keys", vkey,
            production=order.production, stage=stage, check_answer=check_answer,
        )  # fmt: skip
    if later.exists():
        later.rename(known)
    if (size, root.hex()) != (manifest.log_size, manifest.log_root):
        if order.database is not None:
            empty_again(order.database)
        raise StoreRefused("BACKUP_DAMAGED", "备份的日志与清单不符:请换另一份备份。")
    return Restored(manifest, max(newest, size), later_origin)


def _refuse_other_kind(order: RestoreOrder, manifest: Manifest) -> None:
    if manifest.of_postgresql and order.database is None:
        raise StoreRefused(
            "DATABASE_URL_MISSING",
            "这是 PostgreSQL 的备份:请用 --database-url 指明一个空的数据库"
            "(postgresql+psycopg://USER@HOST/NAME)。",
        )
    if not manifest.of_postgresql and order.database is not None:
        raise StoreRefused(
            "DATABASE_URL_UNWANTED",
            "这是 SQLite 的备份,不会装入 PostgreSQL:请去掉 --database-url。",
        )


def _migrated(database: Path, manifest: Manifest) -> None:
    """A backup of an earlier schema; the bytes were compared with the manifest before."""
    if manifest.revision != REVISIONS[-1]:
        migrate_database(database)
        database.with_name(LOCK_NAME).unlink()


def _into_postgresql(
    order: RestoreOrder,
    database: Postgresql,
    draft: Path,
    vkey: str,
    stage: Stage,
    check_answer: CheckAnswer | None,
) -> tuple[int, bytes]:
    """Into the empty database, verified there; empty again if anything does not hold."""
    dump_file = draft / POSTGRESQL_FILE
    load(database, dump_file, stage, programs=order.programs)
    try:
        migrate_database(database)
        check = checking(
            draft, draft / "keys", vkey,
            production=order.production, stage=stage, check_answer=check_answer,
        )  # fmt: skip
        engine = read_engine(database)
        try:
            with engine.connect() as connection, connection.begin():
                check(connection)
                now = head(connection)
        finally:
            engine.dispose()
    except BaseException:
        empty_again(database)
        raise
    dump_file.unlink()
    return now.size, now.root


def _bring_checkpoint(source: Path, draft: Path, vkey: str) -> tuple[int, str]:
    """The newer of it and the backup's own goes beside the database; answers its size, and its
    origin if it is of a log that was begun later (its key is among ours)."""
    try:
        note = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreRefused("CHECKPOINT_MISSING", f"检查点 {source} 无法读取。") from error
    own = draft / "checkpoint.txt"
    for key in known_log_keys(draft / "keys"):
        if key.signer.vkey != vkey:
            with suppress(NoteInvalid):
                size = open_checkpoint(note, key.signer.verifier).size
                own.write_text(note, encoding="utf-8")
                return size, key.signer.name
    size = opened(note, vkey).size
    if not own.exists() or opened(own.read_text(encoding="utf-8"), vkey).size < size:
        own.write_text(note, encoding="utf-8")
    return size, ""


def _copy_keys(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    try:
        paths = [path for path in sorted(source.iterdir()) if path.is_file()]
        for path in paths:
            file = os.open(
                target / path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
            with os.fdopen(file, "wb") as out:
                out.write(path.read_bytes())
                out.flush()
                os.fsync(out.fileno())
    except OSError as error:
        raise StoreRefused(
            "KEY_MISSING", f"密钥目录 {source} 无法读取({error.strerror}):密钥另行保管,不在备份中。"
        ) from error
