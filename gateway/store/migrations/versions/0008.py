"""When a claim's statement is due, and which claims were reversed when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WAITING = "state IN ('UNKNOWN', 'REVERSAL_SENT', 'REVIEW', 'REVERSAL_UNKNOWN')"
DAY_US, SHANGHAI_US = 86_400_000_000, 28_800_000_000


def upgrade() -> None:
    """A column and two partial indexes; programs of the revision before do not notice them.

    Claims that wait already are due when the day is over (Asia/Shanghai) on which they last moved:
    what gateway/domain/claim_record.py says of a record that was never put off.
    """
    op.add_column("claim", sa.Column("reconcile_due_us", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE claim SET reconcile_due_us ="
        f" ((updated_us + {SHANGHAI_US}) / {DAY_US} + 1) * {DAY_US} - {SHANGHAI_US}"
        f" WHERE {WAITING} AND body IS NOT NULL"
    )
    op.create_index(
        "claim_reconcile",
        "claim",
        ["reconcile_due_us"],
        sqlite_where=sa.text("reconcile_due_us IS NOT NULL"),
        postgresql_where=sa.text("reconcile_due_us IS NOT NULL"),
    )
    op.create_index(
        "claim_reversed",
        "claim",
        ["institution_code", "updated_us"],
        sqlite_where=sa.text("state = 'REVERSED'"),
        postgresql_where=sa.text("state = 'REVERSED'"),
    )
