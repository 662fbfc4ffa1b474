"""The first schema: journal, log, the gateway's tables, and the triggers that guard them."""

from __future__ import annotations

from alembic import op

from gateway.store.guards import guard_ddl
from gateway.store.metadata import METADATA, TABLES
from ledger.tables import immutability_ddl, initial_rows

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables, then triggers, then the head of an empty log."""
    METADATA.create_all(op.get_bind(), tables=list(TABLES))
    dialect = op.get_bind().dialect.name
    for statement in immutability_ddl(dialect) + guard_ddl(dialect) + initial_rows(dialect):
        op.get_bind().exec_driver_sql(statement)
