"""Room for the keys of witnesses that sign with ML-DSA-44."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A wider column, without rewriting the table; SQLite does not look at the length."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("ledger_cosignature", "witness", type_=sa.String(), existing_nullable=False)
