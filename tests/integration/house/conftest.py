"""A data directory for commands that need one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.demo.layout import create_data_dir
from gateway.ids import SystemIds
from gateway.store.migrate import migrate_database


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A fresh one, as `yrd demo --keep` makes it, with an empty database."""
    directory = tmp_path / "data"
    create_data_dir(directory, now=SystemClock().now(), random=SystemIds().salt)
    migrate_database(directory / "yrd.db")
    return directory
