"""Connections to PostgreSQL (15 and later): how a commit is a promise when many processes write.

Everything that is peculiar to PostgreSQL lies here. Each write transaction first takes the log's
advisory lock as a statement of its own and then reads with a fresh snapshot a statement (READ
COMMITTED): so one gateway process after another has the whole database to itself, as the one writer
of SQLite does. The lock goes with its transaction: no session state, and a killed process leaves
nothing behind. Reads are REPEATABLE READ READ ONLY snapshots. Sources: ledger.md §3.2, §5.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from gateway.database import Postgresql
from gateway.store.errors import StoreRefused
from ledger.driver import as_dbapi_error
from ledger.store import LOCK, LOCKED_AT_BEGIN
from ledger.tables import IMMUTABLE

READERS_MAX = 8
"""Snapshot connections kept open, a process."""
SERVER_MIN = 15
STALLED_MS = 10_000
"""A process that stalls in its write transaction loses it, and the lock, after this."""
LOCK_WAIT_MS = 30_000
"""Longest wait for other processes' commits; then callers hear that storage is unavailable."""
_KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_BEGIN = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {LOCK}"
"""Two statements all the same: what follows reads what was committed before the lock was won."""
_BY_INDEX = (
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
    " -c plan_cache_mode=force_generic_plan -c jit=off"
)
"""Whoever appends looks up a few keys and nothing else. Young tables have no statistics, and a plan
made for an empty table reads a full one from end to end."""
_WRITING = (
    f"-c idle_in_transaction_session_timeout={STALLED_MS} -c lock_timeout={LOCK_WAIT_MS}"
    " -c timezone=UTC"
)

_log = structlog.get_logger("yrd.store")


def write_engine(database: Postgresql) -> Engine:
    """One connection; each of its transactions holds the log's lock from its first statement on."""
    engine = _engine(
        database,
        pool_size=1,
        options=_WRITING + _BY_INDEX,
        # The driver begins nothing by itself: BEGIN and the lock go in one message.
        isolation_level="AUTOCOMMIT",
        locked=True,
    )

    @event.listens_for(engine, "begin")
    def begin_locked(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute(_BEGIN, prepare=False).close()
        except connection.dialect.loaded_dbapi.Error as error:
            raise as_dbapi_error(connection, _BEGIN, error) from error

    return engine


def integrator_engine(database: Postgresql) -> Engine:
    """One connection for signing, which does not hold up those who append."""
    return _engine(database, pool_size=1, options=_WRITING, isolation_level="READ COMMITTED")


def read_engine(database: Postgresql) -> Engine:
    """Snapshots; nothing can be written through them."""
    engine = _engine(
        database,
        pool_size=READERS_MAX,
        options="-c timezone=UTC",
        isolation_level="REPEATABLE READ",
    )
    return engine.execution_options(postgresql_readonly=True)


def _engine(
    database: Postgresql,
    *,
    pool_size: int,
    options: str,
    isolation_level: Any,
    locked: bool = False,
) -> Engine:
    url = make_url(database.url)
    return create_engine(
        url if database.password is None else url.set(password=database.password),
        pool_size=pool_size,
        max_overflow=0,
        isolation_level=isolation_level,
        connect_args=_KEEPALIVE | {"options": options, "application_name": "yrd"},
        # Statements carry personal values; SQLAlchemy would print them into error texts.
        hide_parameters=True,
        execution_options={LOCKED_AT_BEGIN: locked},
    )


def refuse_unreachable(engine: Engine, database: Postgresql) -> None:
    """Raises StoreRefused if nobody answers there, or refuses us."""
    try:
        engine.connect().close()
    except DBAPIError as error:
        raise StoreRefused(
            "DATABASE_UNREACHABLE",
            f"数据库 {database} 无法连接:请检查地址、用户、口令文件与服务器状态。",
        ) from error


def refuse_in_use(connection: Connection) -> None:
    """Raises StoreRefused while a gateway, or a command of ours, is at this database.

    Seen are the sessions of the same role, which is that of every gateway.
    """
    others = connection.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'yrd' AND pid <> pg_backend_pid()"
    ).scalar_one()
    if others:
        raise StoreRefused(
            "DATABASE_IN_USE", f"还有 {others} 个连接在使用这个数据库:请先停止所有网关。"
        )


def refuse_unfit(connection: Connection) -> None:
    """Raises StoreRefused for a server or a database on which our promises would not hold."""
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if version < SERVER_MIN:
        raise StoreRefused(
            "DATABASE_TOO_OLD", f"PostgreSQL {version} 太旧:需要 {SERVER_MIN} 或更新。"
        )
    row = connection.exec_driver_sql(
        "SELECT CASE datlocprovider WHEN 'b' THEN 'C' WHEN 'i' THEN 'ICU' ELSE datcollate END,"
        " pg_encoding_to_char(encoding), current_setting('synchronous_commit'),"
        " current_setting('fsync') FROM pg_database WHERE datname = current_database()"
    ).one()
    collation, encoding, commit, fsync = row
    # Account codes are compared byte by byte; and a C collation does not change with the C library.
    if collation not in ("C", "POSIX", "C.UTF-8", "C.utf8") or encoding != "UTF8":
        raise StoreRefused(
            "DATABASE_COLLATION",
            f"数据库的排序规则为 {collation}、编码为 {encoding}:请用 TEMPLATE template0 "
            "ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' "
            "新建(见 deploy/postgresql.sql)。",
        )
    if commit == "off":
        raise StoreRefused(
            "DATABASE_NOT_DURABLE",
            "synchronous_commit = off 会丢失已确认的提交:请改为 on(或更严格)后再启动。",
        )
    if fsync == "off":
        _log.warning("database_without_fsync")


def refuse_strong_role(connection: Connection, *, production: bool) -> None:
    """The gateway's user must not be able to change the journal: refused in production, else told.

    Triggers stop mistakes; a role that owns the tables could drop them.
    """
    tables = ", ".join(f"'{table}'" for table in IMMUTABLE)
    strong = connection.exec_driver_sql(
        "SELECT bool_or(has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')"
        " OR pg_has_role(c.relowner, 'USAGE'))"
        f" FROM pg_class c WHERE c.oid::regclass::text IN ({tables})"
    ).scalar()
    if not strong:
        return
    if production:
        raise StoreRefused(
            "DATABASE_ROLE_TOO_STRONG",
            "数据库用户可以修改账本表:请用 deploy/postgresql.sql 建立的 yrd_gateway 用户运行,"
            "迁移另用 yrd_owner。",
        )
    _log.warning("database_role_can_change_the_journal")
