"""What waits is found without reading every claim."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('REVERSAL_SENT', 'REVERSAL_UNKNOWN', 'REVIEW', 'UNKNOWN')")


def upgrade() -> None:
    """An index of the few claims that are provisional; nothing that is there changes, and programs
    of the revision before do not notice it. On PostgreSQL writers wait while the claims are read
    once."""
    op.create_index(
        "claim_provisional",
        "claim",
        ["claim_id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
