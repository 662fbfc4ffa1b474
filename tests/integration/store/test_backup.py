"""A backup of a store that is being written to, and a data directory made of it again."""

from __future__ import annotations

import asyncio
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from gateway.ids import SystemIds
from gateway.store.backup import BackupOrder, back_up
from gateway.store.backup_file import MANIFEST, Manifest, measure, pack
from gateway.store.engine import write_engine
from gateway.store.errors import StoreRefused
from gateway.store.keyring import create_keys
from gateway.store.migrate import REVISIONS, SCRIPTS
from gateway.store.restore import Restored, RestoreOrder, restore
from ledger.merkle import EMPTY_ROOT
from tests.integration.store.house import (
    NOON,
    Intent,
    opened,
    options,
    prepare,
)
from tests.integration.store.lives import all_lives, crowded
from tests.integration.store.test_bad_days import no_file_beyond

pytestmark = pytest.mark.sqlite


def quiet(what: str, done: int, total: int) -> None:
    """The progress of one who does not watch."""


def order(directory: Path, vkey: str) -> BackupOrder:
    here = options(directory)
    return BackupOrder(
        database=here.database,
        keys_dir=here.keys_dir,
        production=False,
        vkey=vkey,
        outside_checkpoint=here.outside_checkpoint,
    )


def backed_up(directory: Path, vkey: str, name: str = "yrd.tar") -> tuple[Path, Manifest]:
    target = directory / name
    return target, back_up(order(directory, vkey), target, at=NOON, stage=quiet)


def put_back(directory: Path, backup: Path, newest: Path | None, name: str = "new") -> Restored:
    """Restored below a directory of its own, as house.options expects it."""
    made = RestoreOrder(
        backup=backup,
        directory=directory / name,
        keys_dir=directory / "keys",
        newest_checkpoint=newest,
    )
    return restore(made, stage=quiet)


def placed(new: Path) -> dict[str, Any]:
    """Options of a store in a restored directory."""
    return {
        "database": new / "yrd.db",
        "keys_dir": new / "keys",
        "outside_checkpoint": new / "checkpoint.txt",
    }


async def test_a_backup_of_a_busy_store_holds_one_moment_and_is_sound(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await all_lives(house)
        await house.log.publish()
        async with crowded(house, 8) as written:
            target, manifest = await asyncio.to_thread(backed_up, tmp_path, vkey)
    assert written
    assert manifest.log_size >= 30 and manifest.origin == "yrd.example/test-log"
    assert target.stat().st_mode & 0o077 == 0
    with tarfile.open(target) as tar:
        assert tar.getnames() == [MANIFEST, "checkpoint.txt", "vkey", "yrd.db"]
    assert not list(tmp_path.glob(".yrd-backup-*")) and not list(tmp_path.glob("*.new"))


async def test_what_was_backed_up_serves_again(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        lives = await all_lives(house)
        await house.log.publish()
    target, manifest = backed_up(tmp_path, vkey)
    restored = put_back(tmp_path, target, tmp_path / "checkpoint.txt")
    assert not restored.rolled_back and restored.manifest == manifest
    new = tmp_path / "new"
    assert {path.name for path in new.iterdir()} == {"yrd.db", "vkey", "checkpoint.txt", "keys"}
    async with opened(tmp_path, **placed(new)) as house:
        found = await house.store.read(lambda reader: reader.claim(lives[3].claim_id))
        assert found is not None and found.state == lives[3].state
        await house.store.write(Intent("after"))
        assert await house.log.publish() == manifest.log_size + 1


async def test_an_old_backup_is_put_in_place_and_never_served(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await all_lives(house)
        await house.log.publish()
        target, manifest = await asyncio.to_thread(backed_up, tmp_path, vkey)
        await house.store.write(Intent("later"))
        await house.log.publish()
    restored = put_back(tmp_path, target, tmp_path / "checkpoint.txt")
    assert restored.rolled_back and restored.newest_size == manifest.log_size + 1
    with pytest.raises(StoreRefused) as refused:
        async with opened(tmp_path, **placed(tmp_path / "new")):
            pass
    assert refused.value.reason == "LOG_ROLLED_BACK"


async def test_a_checkpoint_of_another_log_or_another_past_is_refused(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await all_lives(house)
        await house.log.publish()
    target, _ = backed_up(tmp_path, vkey)
    other = tmp_path / "other"
    prepare(other)
    async with opened(other) as house:
        await house.store.write(Intent("elsewhere"))
        await house.log.publish()
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, target, other / "checkpoint.txt")
    assert refused.value.reason == "CHECKPOINT_INVALID"
    assert not (tmp_path / "new").exists() and not list(tmp_path.glob("*.restoring"))


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    target, _ = backed_up(tmp_path, vkey)
    before = target.read_bytes()
    with pytest.raises(StoreRefused) as refused:
        backed_up(tmp_path, vkey)
    assert refused.value.reason == "BACKUP_EXISTS" and target.read_bytes() == before
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "notes.txt").write_text("mine", encoding="ascii")
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, target, None)
    assert refused.value.reason == "DIRECTORY_NOT_EMPTY"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["notes.txt"]


async def test_keys_of_another_house_are_refused(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    target, _ = backed_up(tmp_path, vkey)
    create_keys(tmp_path / "wrong", origin="yrd.example/test-log", salt=SystemIds().salt)
    made = RestoreOrder(
        backup=target, directory=tmp_path / "new", keys_dir=tmp_path / "wrong",
        newest_checkpoint=None,
    )  # fmt: skip
    with pytest.raises(StoreRefused) as refused:
        restore(made, stage=quiet)
    assert refused.value.reason == "KEYS_DIFFER"
    with pytest.raises(StoreRefused) as refused:
        restore(replace(made, keys_dir=tmp_path / "nowhere"), stage=quiet)
    assert refused.value.reason == "KEY_MISSING"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("at", [0, 300, 700, 2_000, 3_000, 40_000, -20_000])
async def test_a_damaged_backup_leaves_nothing_behind(tmp_path: Path, at: int) -> None:
    """A flipped bit anywhere: in a header, in the manifest, in the database."""
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await all_lives(house)
    target, _ = backed_up(tmp_path, vkey)
    data = bytearray(target.read_bytes())
    data[at] ^= 4
    target.write_bytes(data)
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, target, None)
    assert refused.value.reason.startswith("BACKUP_")
    assert not (tmp_path / "new").exists() and not list(tmp_path.glob("*.restoring"))


@pytest.mark.parametrize("part", [0, 100, 5_000, 50_000])
async def test_a_backup_that_was_cut_off_is_refused(tmp_path: Path, part: int) -> None:
    vkey = prepare(tmp_path)
    target, _ = backed_up(tmp_path, vkey)
    target.write_bytes(target.read_bytes()[:part])
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, target, None)
    assert refused.value.reason == "BACKUP_DAMAGED"


async def test_a_store_that_is_not_sound_gives_no_backup(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("one"))
        await house.log.publish()
    (tmp_path / "checkpoint.txt").write_text("not a note\n", encoding="ascii")
    with pytest.raises(StoreRefused) as refused:
        backed_up(tmp_path, vkey)
    assert refused.value.reason == "CHECKPOINT_INVALID"
    assert not (tmp_path / "yrd.tar").exists()


def test_a_manifest_names_sizes_hashes_and_what_is_not_there() -> None:
    made = Manifest("2026-11-24T04:00:00+00:00", "log", 7, "00", "0002", {
        "vkey": (3, "aa"), "yrd.db": (9, "bb"),
    })  # fmt: skip
    assert Manifest.from_json(made.to_json()) == made
    assert "keys/" in json.loads(made.to_json())["not_included"]
    both = made.to_json().replace(
        b'"vkey": {', b'"yrd.pgdump": {"size": 1, "sha256": "a"}, "vkey": {'
    )
    neither = made.to_json().replace(b"yrd.db", b"yrd.toml")
    strange = made.to_json().replace(b"yrd.db", b"../x")
    for bad in (b"[]", b"{", both, neither, strange, b'{"format": "x"}'):
        with pytest.raises(StoreRefused):
            Manifest.from_json(bad)


@pytest.mark.parametrize("share", [2, 1])
async def test_a_disk_that_fills_during_a_backup_leaves_nothing(tmp_path: Path, share: int) -> None:
    """While the database is copied; and later, while the one file is written."""
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await all_lives(house)
    size = (tmp_path / "data" / "yrd.db").stat().st_size
    before = sorted(tmp_path.iterdir())
    with no_file_beyond(size // share), pytest.raises((StoreRefused, OSError)):
        backed_up(tmp_path, vkey)
    assert sorted(tmp_path.iterdir()) == before
    backed_up(tmp_path, vkey)


def at_revision(database: Path, revision: str) -> None:
    """An empty database as the program of that time made it."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = write_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


async def test_a_backup_of_an_earlier_schema_is_brought_to_the_present_one(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    draft = tmp_path / "draft"
    draft.mkdir()
    at_revision(draft / "yrd.db", "0003")
    (draft / "vkey").write_text(vkey + "\n", encoding="ascii")
    files = {path.name: measure(path) for path in sorted(draft.iterdir())}
    origin = vkey.partition("+")[0]
    manifest = Manifest("then", origin, 0, EMPTY_ROOT.hex(), "0003", files)
    pack(tmp_path / "old.tar", draft, manifest)
    restored = put_back(tmp_path, tmp_path / "old.tar", None)
    assert restored.manifest.revision == "0003" != REVISIONS[-1]
    assert {p.name for p in (tmp_path / "new").iterdir()} == {"yrd.db", "vkey", "keys"}
    async with opened(tmp_path, **placed(tmp_path / "new")) as house:
        await house.store.write(Intent("after"))
        assert await house.log.publish() == 1
