"""Cosignatures of witnesses, and the triggers that guard them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.tables import immutability_ddl_0002

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table and its triggers: nothing that is there changes."""
    op.create_table(
        "ledger_cosignature",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("witness", sa.String(length=255), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness"),
        sqlite_with_rowid=False,
    )
    for statement in immutability_ddl_0002(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
