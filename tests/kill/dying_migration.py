"""`yrd migrate` that dies by its own hand before its n-th step: a statement, or the commit."""

from __future__ import annotations

import os
import signal
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

from gateway.database import Database
from gateway.store.migrate import migrate_database
from tests.kill.processes import say


def run_migration(database: Database, dies_at: int, mouth: int) -> None:
    """Says how many steps there were, if it lives to see the end; 0 never dies."""
    steps = count(1)

    def step(*_about: Any) -> None:
        if next(steps) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    migrate_database(database)
    say(mouth, f"steps {next(steps) - 1}")
