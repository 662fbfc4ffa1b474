"""Migrations: bring a database to the present schema, and refuse to serve any other.

`migrate` runs alembic in one transaction; serving only compares a revision and does not import it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from gateway.database import Database, Postgresql
from gateway.store.engine import write_engine
from gateway.store.errors import StoreRefused
from gateway.store.grants import grant_ddl, refuse_no_role
from gateway.store.lock import WriterLock
from gateway.store.postgresql import refuse_unfit, refuse_unreachable

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Every revision, oldest first; a test compares them with migrations/versions."""
SCRIPTS = Path(__file__).with_name("migrations")


def migrate(engine: Engine) -> str:
    """Upgrade to the newest revision; answers it. Doing so again changes nothing."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    with engine.begin() as connection:
        if current_revision(connection) != REVISIONS[-1]:
            refuse_newer(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return REVISIONS[-1]


def migrate_database(database: Database, *, grant_to: str = "") -> str:
    """Create (0600) or upgrade the database file; nobody may be serving it meanwhile.

    A PostgreSQL database must exist; its gateways wait while it is upgraded. `grant_to` names the
    role of the gateways, which gets exactly what they need (gateway/store/grants.py).
    """
    if isinstance(database, Postgresql):
        return _migrate_postgresql(database, grant_to)
    if grant_to:
        raise StoreRefused("NO_ROLES", "SQLite 没有数据库用户:--grant-to 只用于 PostgreSQL。")
    lock = WriterLock(database)
    try:
        engine = write_engine(database)
        try:
            return migrate(engine)
        finally:
            engine.dispose()
    finally:
        lock.release()


def _migrate_postgresql(database: Postgresql, grant_to: str) -> str:
    engine = write_engine(database)
    try:
        refuse_unreachable(engine, database)
        with engine.begin() as connection:
            refuse_unfit(connection)
            if grant_to:
                refuse_no_role(connection, grant_to)
        revision = migrate(engine)
        with engine.begin() as connection:
            for statement in grant_ddl(grant_to) if grant_to else ():
                connection.exec_driver_sql(statement)
        return revision
    finally:
        engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The revision of this database; None if it was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def refuse_newer(connection: Connection) -> None:
    """Raises StoreRefused for a revision that this program does not know."""
    found = current_revision(connection)
    if found is not None and found not in REVISIONS:
        raise StoreRefused(
            "DATABASE_NEWER",
            f"数据库版本 {found} 比本程序({REVISIONS[-1]})新:请升级程序,不要降级数据库。",
        )


def refuse_unmigrated(connection: Connection) -> None:
    """Raises StoreRefused unless the database is at the present revision."""
    refuse_newer(connection)
    found = current_revision(connection)
    if found != REVISIONS[-1]:
        raise StoreRefused(
            "DATABASE_NOT_MIGRATED",
            f"数据库版本为 {found or '空'},需要 {REVISIONS[-1]}:请先执行 ./yrd migrate。",
        )
