"""A migrated, empty house: made once, copied for each test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.ids import SystemIds
from gateway.store.keyring import create_keys
from gateway.store.migrate import migrate_database
from gateway.store.open_store import StoreOptions

ORIGIN = "yrd.example/simulated-log"


@dataclass(frozen=True)
class Site:
    """Where one test's store lies, and the log's public key."""

    options: StoreOptions
    vkey: str


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    place = tmp_path_factory.mktemp("template")
    vkey = create_keys(place / "keys", origin=ORIGIN, salt=SystemIds().salt)
    migrate_database(place / "data" / "yrd.db")
    return place, vkey


@pytest.fixture
def site(template: tuple[Path, str], tmp_path: Path) -> Site:
    place, vkey = template
    house = tmp_path / "house"
    shutil.copytree(place, house)
    options = StoreOptions(
        database=house / "data" / "yrd.db", keys_dir=house / "keys", log_origin=ORIGIN,
        production=False, outside_checkpoint=house / "checkpoint.txt",
    )  # fmt: skip
    return Site(options, vkey)
