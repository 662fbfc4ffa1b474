"""The regions' own dictionaries, and the codes that nobody knew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.guards import guard_ddl_0007

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three new tables, and the triggers of two: nothing that is there changes."""
    op.create_table(
        "dictionary_load",
        sa.Column("msgid", sa.String(length=30), nullable=False),
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("loaded_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("msgid"),
    )
    op.create_index("dictionary_load_kind", "dictionary_load", ["region", "kind", "day"])
    op.create_table(
        "dictionary_code",
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("valid_from", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=False),
        sa.Column("valid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("msgid", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("region", "kind", "code", "valid_from"),
    )
    op.create_table(
        "unknown_code",
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("msgid", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("region", "field", "code"),
    )
    for statement in guard_ddl_0007(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
