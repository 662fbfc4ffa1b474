"""One test, every database: `tmp_path` comes with SQLite, and with each PostgreSQL that is found.

A directory that holds `database.url` keeps its data there and not in a file (`database_below`). So
the same test runs on all of them; one that is about the ways of one is marked `sqlite` or
`postgresql`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.database import Database, parse_database
from tests.postgres.server import programs, shared

URL_FILE = "database.url"
KINDS = ("sqlite", *(f"postgresql-{version}" for version in sorted(programs())))


def database_below(directory: Path) -> Database:
    """Where the store of this directory lies."""
    file = directory / URL_FILE
    if file.exists():
        return parse_database(file.read_text(encoding="utf-8"))
    return directory / "data" / "yrd.db"


def kinds_of(metafunc: pytest.Metafunc) -> None:
    """pytest_generate_tests of a directory whose tests run on every database."""
    if "database_kind" in metafunc.fixturenames:
        kinds = KINDS
        if metafunc.definition.get_closest_marker("sqlite"):
            kinds = KINDS[:1]
        if metafunc.definition.get_closest_marker("postgresql"):
            kinds = KINDS[1:]
        metafunc.parametrize("database_kind", kinds, indirect=True)


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory, database_kind: str) -> Iterator[Path]:
    """An empty directory; on PostgreSQL with a fresh migrated database that it names."""
    directory = tmp_path_factory.mktemp(database_kind)
    if database_kind == "sqlite":
        yield directory
        return
    server = shared(database_kind.removeprefix("postgresql-"))
    database = server.create()
    (directory / URL_FILE).write_text(database.url, encoding="utf-8")
    yield directory
    server.drop(database)
