"""`yrd migrate` that dies by its own hand before its n-th step."""

from __future__ import annotations

from pathlib import Path

from gateway.store.migrate import migrate_database
from tests.kill.processes import say
from tests.kill.steps import Steps
from tests.postgres.kinds import database_below


def run_migration(directory: Path, dies_at: int, mouth: int) -> None:
    """Says how many steps there were, if it lives to see the end."""
    steps = Steps(dies_at, directory)
    migrate_database(database_below(directory))
    say(mouth, f"steps {steps.taken}")
