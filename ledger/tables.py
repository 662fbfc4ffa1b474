"""账本表: the schema of journal and log, and the triggers that make it append-only.

Rows only; no logic. Journal, log, tiles and checkpoints refuse UPDATE and DELETE; the head and the
balances are the two tables updated in place, and both can be derived again from the others. Times
are integer microseconds since 1970 UTC, amounts integer fen, hashes raw bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)
from sqlmodel import Field, SQLModel

from ledger.outcomes import LedgerDamaged

_Big = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's rowid is spelled INTEGER

_NO_ROWID = {"sqlite_with_rowid": False}
# A hidden rowid would be a second key, by which INSERT OR REPLACE could delete a row unseen.

_Keys = dict[str, tuple[tuple[str, ...], ...]]
IMMUTABLE_0001: _Keys = {
    "ledger_entry": (("entry_id",), ("leaf_index",), ("resolves",), ("reverses", "kind")),
    "ledger_leg": (("entry_id", "leg_no"),),
    "ledger_leaf": (("leaf_index",),),
    "ledger_tile": (("level", "tile_index"),),
    "ledger_checkpoint": (("size",),),
}
IMMUTABLE_0002: _Keys = {"ledger_cosignature": (("size", "witness"),)}
"""What came with the second migration; a migration that has run never changes."""
IMMUTABLE_0003: _Keys = {"ledger_limit": (("limit_id",), ("leaf_index",))}
IMMUTABLE_0004: _Keys = {"ledger_log": (("leaf_index",),)}
IMMUTABLE: _Keys = IMMUTABLE_0001 | IMMUTABLE_0002 | IMMUTABLE_0003 | IMMUTABLE_0004
"""Append-only tables, each with its keys. Of those, (reverses, kind) is unique for posted only."""


class EntryRow(SQLModel, table=True):
    """分录: one row per entry, for ever."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("kind IN ('pending', 'posted', 'voided', 'expired')", name="entry_kind"),
        Index("ledger_entry_leaf", "leaf_index", unique=True),
        Index(
            "ledger_entry_resolves",
            "resolves",
            unique=True,
            sqlite_where=text("resolves IS NOT NULL"),
            postgresql_where=text("resolves IS NOT NULL"),
        ),
        Index(
            "ledger_entry_reverses",
            "reverses",
            unique=True,
            sqlite_where=text("reverses IS NOT NULL AND kind = 'posted'"),
            postgresql_where=text("reverses IS NOT NULL AND kind = 'posted'"),
        ),
        Index(
            "ledger_entry_expires",
            "expires_us",
            sqlite_where=text("expires_us IS NOT NULL"),
            postgresql_where=text("expires_us IS NOT NULL"),
        ),
        _NO_ROWID,
    )

    entry_id: str = Field(sa_column=Column(String(64), primary_key=True))
    kind: str = Field(sa_column=Column(String(8), nullable=False))
    resolves: str | None = Field(sa_column=Column(String(64), nullable=True))
    reverses: str | None = Field(sa_column=Column(String(64), nullable=True))
    leaf_index: int = Field(sa_column=Column(_Big, nullable=False))
    recorded_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    seal_salt: bytes | None = Field(sa_column=Column(LargeBinary(32), nullable=True))
    linked: str | None = Field(sa_column=Column(String(64), nullable=True))
    expires_us: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class LegRow(SQLModel, table=True):
    """借贷: the legs of an entry, numbered from 0."""

    __tablename__ = "ledger_leg"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="leg_amount"), _NO_ROWID)

    entry_id: str = Field(sa_column=Column(String(64), primary_key=True))
    leg_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    debit: str = Field(sa_column=Column(String(160), nullable=False))
    credit: str = Field(sa_column=Column(String(160), nullable=False))
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))


class BalanceRow(SQLModel, table=True):
    """余额: sums per account. Pending counts only entries not yet resolved."""

    __tablename__ = "ledger_balance"
    __table_args__ = (_NO_ROWID,)

    account: str = Field(sa_column=Column(String(160), primary_key=True))
    pending_debit_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    pending_credit_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    posted_debit_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    posted_credit_fen: int = Field(sa_column=Column(BigInteger, nullable=False))


class LeafRow(SQLModel, table=True):
    """叶子: the log, dense from 0."""

    __tablename__ = "ledger_leaf"

    leaf_index: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    leaf: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class TileRow(SQLModel, table=True):
    """瓦片: full tiles of height 8, written in the transaction that fills them."""

    __tablename__ = "ledger_tile"
    # The hashes of an open tile are the roots of those below: found without their eight kilobytes.
    __table_args__ = (Index("ledger_tile_root", "level", "tile_index", "root"), _NO_ROWID)

    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    tile_index: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class HeadRow(SQLModel, table=True):
    """树头: the one row that says how far the log goes; updated where its size is still the old."""

    __tablename__ = "ledger_head"
    __table_args__ = (CheckConstraint("head_id = 1", name="one_head"),)

    head_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    compact_range: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CheckpointRow(SQLModel, table=True):
    """检查点: every tree head that was ever signed."""

    __tablename__ = "ledger_checkpoint"

    size: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    note: str = Field(sa_column=Column(String, nullable=False))
    signed_us: int = Field(sa_column=Column(BigInteger, nullable=False))


class CosignatureRow(SQLModel, table=True):
    """见证签名: what a witness has cosigned, the first time it did so."""

    __tablename__ = "ledger_cosignature"
    __table_args__ = (_NO_ROWID,)

    size: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    # A vkey of ML-DSA-44 has over 1,750 characters; SQLite does not look at the length.
    witness: str = Field(
        sa_column=Column(String(255).with_variant(String(), "postgresql"), primary_key=True)
    )
    line: str = Field(sa_column=Column(String, nullable=False))
    received_us: int = Field(sa_column=Column(BigInteger, nullable=False))


class LimitRow(SQLModel, table=True):
    """余额限制: how far an account may be drawn down (ledger.limits), committed to by a leaf."""

    __tablename__ = "ledger_limit"
    __table_args__ = (Index("ledger_limit_leaf", "leaf_index", unique=True), _NO_ROWID)

    limit_id: str = Field(sa_column=Column(String(64), primary_key=True))
    account: str = Field(sa_column=Column(String(160), nullable=False))
    drawn_by: str | None = Field(sa_column=Column(String(160), nullable=True))
    floor_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    enforcement: str = Field(sa_column=Column(String(8), nullable=False))
    valid_from_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    valid_until_us: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    source: str = Field(sa_column=Column(String, nullable=False))
    leaf_index: int = Field(sa_column=Column(_Big, nullable=False))
    salt: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class LogRow(SQLModel, table=True):
    """日志沿革: a closed log and its successor (ledger.history), committed to by a leaf."""

    __tablename__ = "ledger_log"

    leaf_index: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    vkey: str = Field(sa_column=Column(String, nullable=False))
    valid_from_s: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    valid_until_s: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    next_vkey: str = Field(sa_column=Column(String, nullable=False))
    closed_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    reason: str = Field(sa_column=Column(String, nullable=False))
    seen_vkey: str | None = Field(sa_column=Column(String, nullable=True))
    seen_size: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    seen_note: str | None = Field(sa_column=Column(String, nullable=True))
    salt: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


def _table(name: str) -> Table:
    metadata: MetaData = SQLModel.metadata
    return metadata.tables[name]


ENTRY = _table("ledger_entry")
LEG = _table("ledger_leg")
BALANCE = _table("ledger_balance")
LEAF = _table("ledger_leaf")
TILE = _table("ledger_tile")
HEAD = _table("ledger_head")
CHECKPOINT = _table("ledger_checkpoint")
COSIGNATURE = _table("ledger_cosignature")
LIMIT = _table("ledger_limit")
LOG = _table("ledger_log")
TABLES = (ENTRY, LEG, BALANCE, LEAF, TILE, HEAD, CHECKPOINT, COSIGNATURE, LIMIT, LOG)


def raw(value: object) -> bytes:
    """A blob as bytes. SQLite lets a column hold text where a blob belongs: that is damage."""
    if type(value) is bytes:
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise LedgerDamaged("a column of bytes holds something else: run verify")


def immutability_ddl(dialect: str) -> list[str]:
    """Statements, one trigger or function each, that make the append-only tables refuse change.

    `dialect` is "sqlite" or "postgresql". Run once, in the migration that creates the tables: these
    are the first one's.
    """
    triggers = _triggers(dialect, IMMUTABLE_0001)
    return [_POSTGRESQL_FUNCTION, *triggers] if dialect == "postgresql" else triggers


def immutability_ddl_0002(dialect: str) -> list[str]:
    """The same for the tables of the second migration."""
    return _triggers(dialect, IMMUTABLE_0002)


def immutability_ddl_0003(dialect: str) -> list[str]:
    """The same for the tables of the third migration."""
    return _triggers(dialect, IMMUTABLE_0003)


def immutability_ddl_0004(dialect: str) -> list[str]:
    """The same for the tables of the fourth migration."""
    return _triggers(dialect, IMMUTABLE_0004)


def _triggers(dialect: str, tables: Iterable[str]) -> list[str]:
    if dialect not in ("sqlite", "postgresql"):
        raise ValueError(f"the ledger does not run on {dialect}: use sqlite or postgresql")
    make = _sqlite_triggers if dialect == "sqlite" else _postgresql_triggers
    return [ddl for table in tables for ddl in make(table)]


def initial_rows(dialect: str) -> list[str]:
    """Statements that write the head of an empty log. Run once, after the tables are created."""
    empty = {"sqlite": "x''", "postgresql": "''::bytea"}[dialect]
    return [f"INSERT INTO ledger_head (head_id, size, compact_range) VALUES (1, 0, {empty})"]


def install(connection: Connection) -> None:
    """Create tables, triggers and the empty head in a database that has none of them.

    The gateway's migrations do the same through alembic; this is for a ledger that lives alone.
    """
    SQLModel.metadata.create_all(connection, tables=list(TABLES))
    dialect = connection.dialect.name
    guards = [
        *immutability_ddl(dialect),
        *immutability_ddl_0002(dialect),
        *immutability_ddl_0003(dialect),
        *immutability_ddl_0004(dialect),
    ]
    for statement in guards + initial_rows(dialect):
        connection.exec_driver_sql(statement)


def _sqlite_triggers(table: str) -> list[str]:
    refused = f"SELECT RAISE(ABORT, '{table} is append-only: add an entry that corrects it')"
    changes = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {refused}; END"
        for verb in ("UPDATE", "DELETE")
    ]
    # INSERT OR REPLACE deletes the old row without firing a DELETE trigger, so that it needs one of
    # its own. ABORT (not IGNORE): the writer must hear of it.
    taken = " OR ".join(_exists(table, key) for key in IMMUTABLE[table])
    replaced = (
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN {taken} BEGIN {refused}; END"
    )
    return [*changes, replaced]


def _exists(table: str, key: tuple[str, ...]) -> str:
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    posted = " AND kind = 'posted'" if "kind" in key else ""
    return f"EXISTS (SELECT 1 FROM {table} WHERE {same}{posted})"


_POSTGRESQL_FUNCTION = """\
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'restrict_violation',
    MESSAGE = TG_TABLE_NAME || ' is append-only: add an entry that corrects it';
END $$"""


def _postgresql_triggers(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()",
    ]
