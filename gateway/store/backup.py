"""备份: a copy of a running gateway's database, verified, in one file.

Copies one snapshot through SQLite's backup API, a few megabytes a step, or dumps one of PostgreSQL
(gateway/store/backup_postgresql.py); the gateway goes on. What is written was verified as a whole
before it got its name. Holds database, outside checkpoint, vkey and settings. Never keys: whoever
has the backup must not be able to read it (docs/backup.md).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.database import Database
from gateway.store.backup_file import (
    POSTGRESQL_FILE,
    SQLITE_FILE,
    Manifest,
    measure,
    pack,
)
from gateway.store.backup_postgresql import dump
from gateway.store.crosscheck_claims import CheckAnswer
from gateway.store.engine import read_engine, sqlite_driver
from gateway.store.errors import StoreRefused
from gateway.store.keyring import load_keyring
from gateway.store.migrate import REVISIONS, refuse_unmigrated
from gateway.store.outside import read_outside
from gateway.store.verify_store import verify_snapshot
from ledger.checkpoint import Checkpoint, NoteInvalid, open_checkpoint
from ledger.note import NoteVerifier
from ledger.store import head, root_at

PAGES_A_STEP = 1_024
"""4 MiB: one step holds up nobody, and a progress bar moves."""

Stage = Callable[[str, int, int], None]
"""(what is being done, in Chinese; done; in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOrder:
    """What to back up."""

    database: Database
    keys_dir: Path
    """To verify the copy with; they do not go into it."""
    production: bool
    vkey: str
    outside_checkpoint: Path | None
    settings: Mapping[str, Path] = field(default_factory=dict)
    """yrd.toml and participants.toml, and where they are."""
    programs: Sequence[Path] = ()
    """Where pg_dump and pg_restore are; empty looks for them."""


def back_up(
    order: BackupOrder,
    target: Path,
    *,
    at: datetime,
    stage: Stage,
    check_answer: CheckAnswer | None = None,
) -> Manifest:
    """Write `target`. Raises StoreRefused; then nothing of that name is there."""
    if isinstance(order.database, Path) and not order.database.exists():
        raise StoreRefused("DATABASE_MISSING", f"数据库 {order.database} 不存在。")
    if target.exists():
        raise StoreRefused("BACKUP_EXISTS", f"{target} 已存在,不会覆盖:请换一个文件名。")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".yrd-backup-") as beside:
        draft = Path(beside)
        # Before the snapshot: a checkpoint of what the snapshot holds, never of more.
        note = read_outside(order.outside_checkpoint)
        if note is not None:
            (draft / "checkpoint.txt").write_text(note, encoding="utf-8")
        (draft / "vkey").write_text(order.vkey + "\n", encoding="ascii")
        for name, path in order.settings.items():
            shutil.copyfile(path, draft / name)
        if isinstance(order.database, Path):
            _copy(order.database, draft / SQLITE_FILE, stage)
            size, root = check_copy(
                draft, order.keys_dir, order.vkey,
                production=order.production, stage=stage, check_answer=check_answer,
            )  # fmt: skip
        else:
            check = checking(
                draft, order.keys_dir, order.vkey,
                production=order.production, stage=stage, check_answer=check_answer,
            )  # fmt: skip
            dumped = dump(
                order.database, draft / POSTGRESQL_FILE, check, stage, programs=order.programs
            )
            size, root = dumped.size, dumped.root
        manifest = Manifest(
            made_at=at.isoformat(timespec="seconds"),
            origin=NoteVerifier.from_vkey(order.vkey).name,
            log_size=size,
            log_root=root.hex(),
            revision=REVISIONS[-1],
            files={path.name: measure(path) for path in sorted(draft.iterdir())},
        )
        pack(target, draft, manifest)
    return manifest


def check_copy(
    directory: Path,
    keys_dir: Path,
    vkey: str,
    *,
    production: bool,
    stage: Stage,
    check_answer: CheckAnswer | None = None,
) -> tuple[int, bytes]:
    """Everything that can be said of a copy: pages, ledger, claims, checkpoint. Answers the head.

    Raises StoreRefused. Leaves the database alone in one file.
    """
    database = directory / SQLITE_FILE
    stage("核对页面", 0, 1)
    engine = read_engine(database)
    check = checking(
        directory, keys_dir, vkey, production=production, stage=stage, check_answer=check_answer
    )
    try:
        with engine.connect() as connection:
            with connection.begin():
                _refuse_broken_pages(connection)
                refuse_unmigrated(connection)
            with connection.begin():
                check(connection)
                now = head(connection)
    finally:
        engine.dispose()
    _into_one_file(database)
    return now.size, now.root


def checking(
    directory: Path,
    keys_dir: Path,
    vkey: str,
    *,
    production: bool,
    stage: Stage,
    check_answer: CheckAnswer | None = None,
) -> Callable[[Connection], None]:
    """What verifies the snapshot of a connection, and compares it with the checkpoint that lies in
    the directory. Raises StoreRefused."""
    keyring = load_keyring(keys_dir, production=production)

    def check(connection: Connection) -> None:
        report = verify_snapshot(
            connection, keyring, vkey, check_answer=check_answer,
            progress=lambda done, total: stage("查账", done, total),
        )  # fmt: skip
        problems = report.ledger.problems + report.state.problems
        if problems:
            first = problems[0]
            raise StoreRefused(
                "COPY_NOT_SOUND",
                f"查账未通过({first.code},{first.where};共 {len(problems)} 处):"
                "请先对原库执行 ./yrd verify。",
            )
        refuse_other_log(connection, directory / "checkpoint.txt", vkey)

    return check


def refuse_other_log(connection: Connection, outside: Path, vkey: str) -> None:
    """The database must hold what this checkpoint says, if there is one."""
    note = read_outside(outside)
    if note is None:
        return
    kept = opened(note, vkey)
    known = head(connection).size
    if kept.size > known:
        raise StoreRefused("LOG_ROLLED_BACK", f"检查点有 {kept.size} 条,数据库只有 {known} 条。")
    if root_at(connection, kept.size) != kept.root:
        raise StoreRefused("LOG_FORKED", f"数据库前 {kept.size} 条与检查点不一致:不是同一份日志。")


def opened(note: str, vkey: str) -> Checkpoint:
    """A checkpoint signed by this key. Raises StoreRefused."""
    try:
        return open_checkpoint(note, NoteVerifier.from_vkey(vkey))
    except NoteInvalid as error:
        raise StoreRefused(
            "CHECKPOINT_INVALID", f"检查点不是本日志({vkey.split('+')[0]})所签:{error}"
        ) from error


def _copy(database: Path, copy: Path, stage: Stage) -> None:
    driver = sqlite_driver()
    source: Any = driver.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
    target: Any = driver.connect(str(copy))
    try:
        # A snapshot that is held: otherwise every commit of the gateway would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(
            target,
            pages=PAGES_A_STEP,
            progress=lambda _, left, total: stage("复制数据库", total - left, total),
            sleep=0,
        )
    except driver.Error as error:
        raise StoreRefused("BACKUP_FAILED", f"复制数据库失败({error}):请检查磁盘空间。") from error
    finally:
        source.close()
        target.close()
    copy.chmod(0o600)


def _refuse_broken_pages(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if found != "ok":
        raise StoreRefused("PAGES_DAMAGED", f"数据库文件的页面已损坏({found}):请换另一份备份。")


def _into_one_file(database: Path) -> None:
    """No -wal and -shm beside it: it is moved as one file."""
    driver = sqlite_driver()
    connection: Any = driver.connect(str(database), isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        connection.close()
