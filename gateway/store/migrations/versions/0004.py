"""Logs that were closed, and their successors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.tables import immutability_ddl_0004

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table and its triggers: nothing that is there changes."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ledger_log",
        sa.Column("leaf_index", big, autoincrement=False, nullable=False),
        sa.Column("vkey", sa.String(), nullable=False),
        sa.Column("valid_from_s", sa.BigInteger(), nullable=True),
        sa.Column("valid_until_s", sa.BigInteger(), nullable=True),
        sa.Column("next_vkey", sa.String(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("seen_vkey", sa.String(), nullable=True),
        sa.Column("seen_size", sa.BigInteger(), nullable=True),
        sa.Column("seen_note", sa.String(), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
    )
    for statement in immutability_ddl_0004(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
