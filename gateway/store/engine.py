"""Connections to the database: how SQLite has to be set up so that a commit is a promise.

Everything that is peculiar to SQLite lies here: driver, pragmas, explicit BEGIN, file modes. Two
engines share one file: one that writes (BEGIN IMMEDIATE) and one that reads snapshots. SQLAlchemy's
own handling of SQLite transactions is off; BEGIN is ours (ledger.md §3, §5). For a URL the engines
are those of gateway/store/postgresql.py.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event

from gateway.database import Database, Postgresql
from gateway.store import postgresql
from ledger.driver import as_dbapi_error

BUSY_TIMEOUT_MS = 5_000
"""How long a statement waits for a lock held by another process, e.g. a backup."""
READERS_MAX = 8
"""Snapshot connections kept open."""
SQLITE_SAFE = (3, 51, 3)
"""Before this, two connections that write and checkpoint a WAL database at once can corrupt it."""

_WRITING = (
    # 64 MiB: the pages that appends touch again and again are not read anew.
    "PRAGMA cache_size = -65536",
    # 16 MiB of write-ahead log between two copies into the file, each of which costs two fsyncs.
    "PRAGMA wal_autocheckpoint = 4000",
)

_log = structlog.get_logger("yrd.store")


def sqlite_driver() -> Any:
    """pysqlite3 where its wheel exists (it carries its own SQLite), else the standard library's."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    return dbapi2


def write_engine(database: Database) -> Engine:
    """The engine of the one writer. Creates the file (0600) and its directory (0700) if absent."""
    if isinstance(database, Postgresql):
        return postgresql.write_engine(database)
    _create_private(database)
    return _engine(database, begin="BEGIN IMMEDIATE", pool_size=1, pragmas=_WRITING)


def read_engine(database: Database) -> Engine:
    """Snapshots of an existing database; nothing can be written through it."""
    if isinstance(database, Postgresql):
        return postgresql.read_engine(database)
    return _engine(
        database, begin="BEGIN", pool_size=READERS_MAX, pragmas=("PRAGMA query_only = ON",)
    )


def _engine(database: Path, *, begin: str, pool_size: int, pragmas: tuple[str, ...]) -> Engine:
    driver = sqlite_driver()
    if driver.sqlite_version_info < SQLITE_SAFE:
        _log.warning("sqlite_older_than_3_51_3", version=driver.sqlite_version)
    engine = create_engine(
        URL.create("sqlite", database=str(database)),
        module=driver,
        pool_size=pool_size,
        max_overflow=0,
        # Statements carry personal values; SQLAlchemy would print them into error texts.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in (
            f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
            "PRAGMA journal_mode = WAL",
            # NORMAL loses acknowledged commits when the power fails.
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA trusted_schema = OFF",
            # What was erased must not linger in free pages of the file.
            "PRAGMA secure_delete = ON",
            *pragmas,
        ):
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def begin_ourselves(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        try:
            raw.execute(begin).close()
        except driver.Error as error:
            raise as_dbapi_error(connection, begin, error) from error

    return engine


def _create_private(database: Path) -> None:
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives the -wal and -shm files the mode of the database itself.
    os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def drop_old_pages(engine: Engine) -> None:
    """Move the write-ahead log into the file and truncate it, so that pages from before an erasure
    are gone. A reader of an old snapshot delays it; the next erasure or restart does it then.

    On PostgreSQL autovacuum frees what was erased; its bytes are overwritten as pages are used
    again, and leave the server's log with its retention."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        if raw is not None:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
