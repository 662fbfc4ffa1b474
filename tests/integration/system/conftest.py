"""The whole house on SQLite; what is marked `every_database` or `postgresql` on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres.kinds import KINDS, URL_FILE, database_kind, tmp_path

__all__ = ["database_kind", "tmp_path"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        kinds = KINDS[:1]
        if metafunc.definition.get_closest_marker("every_database"):
            kinds = KINDS
        if metafunc.definition.get_closest_marker("postgresql"):
            kinds = KINDS[1:]
        metafunc.parametrize("database_kind", kinds, indirect=True)


@pytest.fixture(autouse=True)
def database_of_the_house(
    tmp_path: Path, database_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment wins over yrd.toml, in this process and in those it starts."""
    file = tmp_path / URL_FILE
    if file.exists():
        monkeypatch.setenv("YRD_DATABASE", file.read_text(encoding="utf-8"))
