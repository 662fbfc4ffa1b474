"""Copies of a directory with its database, so that each death has its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.database import Postgresql
from tests.postgres.kinds import URL_FILE, database_below
from tests.postgres.server import shared


@contextmanager
def copy_of(original: Path, kind: str) -> Iterator[Path]:
    """A directory like this one; nobody may be connected to the original's database."""
    copy = original.with_name(f"{original.name}-copy")
    shutil.copytree(original, copy)
    try:
        database = database_below(original)
        if not isinstance(database, Postgresql):
            yield copy
            return
        server = shared(kind.removeprefix("postgresql-"))
        made = server.create(database.name)
        (copy / URL_FILE).write_text(made.url, encoding="utf-8")
        try:
            yield copy
        finally:
            server.drop(made)
    finally:
        shutil.rmtree(copy)
