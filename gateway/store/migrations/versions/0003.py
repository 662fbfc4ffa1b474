"""Linked entries, expiry, limits on balances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.tables import immutability_ddl_0003

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_EXPIRING = sa.text("expires_us IS NOT NULL")


def upgrade() -> None:
    """Two columns that may be empty, an index and a table: what is there stays as it is."""
    op.add_column("ledger_entry", sa.Column("linked", sa.String(length=64), nullable=True))
    op.add_column("ledger_entry", sa.Column("expires_us", sa.BigInteger(), nullable=True))
    op.create_index(
        "ledger_entry_expires",
        "ledger_entry",
        ["expires_us"],
        sqlite_where=_EXPIRING,
        postgresql_where=_EXPIRING,
    )
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ledger_limit",
        sa.Column("limit_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=160), nullable=False),
        sa.Column("drawn_by", sa.String(length=160), nullable=True),
        sa.Column("floor_fen", sa.BigInteger(), nullable=False),
        sa.Column("enforcement", sa.String(length=8), nullable=False),
        sa.Column("valid_from_us", sa.BigInteger(), nullable=False),
        sa.Column("valid_until_us", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("leaf_index", big, nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("limit_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ledger_limit_leaf", "ledger_limit", ["leaf_index"], unique=True)
    for statement in immutability_ddl_0003(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
