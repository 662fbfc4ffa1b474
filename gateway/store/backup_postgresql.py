"""PostgreSQL 的备份: one snapshot, verified, then dumped as it was verified; and put back.

The snapshot is held by one connection: everything that `yrd verify` checks is checked on it, and
pg_dump is given the very same one. Gateways go on meanwhile. The dump (custom format, uncompressed:
most of it is ciphertext and hashes) is read back: its listing, every block of it, and its newest
checkpoint, which must open with the log's key. Put back in one transaction, into an empty database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.database import Postgresql
from gateway.store.engine import read_engine, write_engine
from gateway.store.errors import StoreRefused
from gateway.store.metadata import TABLES
from gateway.store.migrate import refuse_unmigrated
from gateway.store.pg_programs import Programs, find_programs
from gateway.store.postgresql import refuse_unfit, refuse_unreachable
from ledger.store import Head, head, latest_note

Stage = Callable[[str, int, int], None]
Check = Callable[[Connection], None]
"""Verifies what a connection sees, which has read nothing yet; raises StoreRefused."""
_NAMES = tuple(table.name for table in TABLES)
_DUMPING = re.compile(r"dumping contents of table|processing data for table")
_ESCAPED = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}


def dump(
    database: Postgresql, target: Path, check: Check, stage: Stage, *, programs: Sequence[Path] = ()
) -> Head:
    """Write the dump of one verified snapshot; answers the log's head in it.

    Raises StoreRefused.
    """
    engine = read_engine(database)
    try:
        refuse_unreachable(engine, database)
        with engine.connect() as connection:
            with connection.begin():
                refuse_unmigrated(connection)
                found = find_programs(connection, database, programs)
            with connection.begin():
                check(connection)
                snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
                target.touch(mode=0o600)
                found.run(
                    "pg_dump", "--format=custom", "--compress=0", "--no-password", "--verbose",
                    "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
                    f"--file={target}",
                    heard=_counting("转储", stage),
                )  # fmt: skip
                _check_dump(found, target, latest_note(connection), stage)
                return head(connection)
    except DBAPIError as error:
        raise StoreRefused(
            "BACKUP_FAILED", f"备份期间数据库出错({type(error.orig).__name__}):请再试一次。"
        ) from error
    finally:
        engine.dispose()


def load(
    database: Postgresql, source: Path, stage: Stage, *, programs: Sequence[Path] = ()
) -> None:
    """Put the dump into an empty database, all or nothing. Raises StoreRefused."""
    engine = write_engine(database)
    try:
        refuse_unreachable(engine, database)
        with engine.connect() as connection, connection.begin():
            refuse_unfit(connection)
            refuse_not_empty(connection, database)
            found = find_programs(connection, database, programs)
        found.run(
            "pg_restore", "--no-password", "--verbose", "--no-owner", "--no-privileges",
            "--exit-on-error", "--single-transaction",
            f"--dbname={database.name}", str(source),
            heard=_counting("恢复", stage),
        )  # fmt: skip
    finally:
        engine.dispose()


def empty_again(database: Postgresql) -> None:
    """What `load` put there is taken away: it was empty before."""
    engine = write_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            for name in _tables(connection):
                connection.exec_driver_sql(f'DROP TABLE public."{name}" CASCADE')
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS public.ledger_refuse_change()")
    finally:
        engine.dispose()


def refuse_not_empty(connection: Connection, database: Postgresql) -> None:
    """Raises StoreRefused if any table is there."""
    there = _tables(connection)
    if there:
        raise StoreRefused(
            "DATABASE_NOT_EMPTY",
            f"数据库 {database} 不是空的(有 {there[0]} 等 {len(there)} 张表),不会覆盖:请新建一个"
            "(见 deploy/postgresql.sql)。",
        )


def _tables(connection: Connection) -> list[str]:
    found = connection.exec_driver_sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    return [str(name) for name in found.scalars()]


def _counting(what: str, stage: Stage) -> Callable[[str], None]:
    """Moves the progress by one with each table that the program speaks of."""
    total, done = len(_NAMES) + 1, 0
    stage(what, 0, total)

    def heard(line: str) -> None:
        nonlocal done
        if _DUMPING.search(line):
            done = min(done + 1, total)
            stage(what, done, total)

    return heard


def _check_dump(programs: Programs, dump_file: Path, newest: str | None, stage: Stage) -> None:
    """The listing names every table; each block can be read; the newest checkpoint is in it."""
    stage("核对转储", 0, 3)
    listing = programs.run("pg_restore", "--list", str(dump_file))
    held = set(re.findall(r"TABLE DATA public (\w+)", listing))
    missing = sorted({*_NAMES, "alembic_version"} - held)
    if missing:
        raise StoreRefused("BACKUP_FAILED", f"转储中没有表 {'、'.join(missing)}:请再试一次。")
    stage("核对转储", 1, 3)
    programs.run("pg_restore", "--file=/dev/null", str(dump_file))
    stage("核对转储", 2, 3)
    rows = programs.run(
        "pg_restore", "--data-only", "--table=ledger_checkpoint", "--file=-", str(dump_file)
    )
    if _newest_note(rows) != newest:
        raise StoreRefused("BACKUP_FAILED", "转储中的最新检查点与数据库不同:请再试一次。")
    stage("核对转储", 3, 3)


def _newest_note(script: str) -> str | None:
    """The note of the largest size among the rows of COPY ledger_checkpoint (size, note, …)."""
    newest: tuple[int, Any] = (-1, None)
    inside = False
    for line in script.splitlines():
        if line.startswith("COPY public.ledger_checkpoint (size, note,"):
            inside = True
        elif line == "\\.":
            inside = False
        elif inside:
            size, note, *_ = line.split("\t")
            newest = max(newest, (int(size), note), key=lambda row: row[0])
    note = newest[1]
    return None if note is None else re.sub(r"\\.", lambda m: _ESCAPED.get(m[0], m[0][1:]), note)
