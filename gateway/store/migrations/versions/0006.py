"""Roots of tiles beside each other."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index; nothing that is there changes. On PostgreSQL it waits for whoever is writing a
    tile, and is small: one row for 256 leaves."""
    op.create_index("ledger_tile_root", "ledger_tile", ["level", "tile_index", "root"])
