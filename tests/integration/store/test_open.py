"""What is refused before anything is served, each with a text that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.domain.errors import StorageUnavailable
from gateway.ids import SystemIds
from gateway.store.engine import write_engine
from gateway.store.errors import StoreRefused
from gateway.store.keyring import create_keys
from gateway.store.lock import Holder, WriterLock, holder
from gateway.store.migrate import migrate_database
from gateway.store.open_store import open_store
from tests.integration.store.house import (
    ORIGIN,
    Intent,
    StandingClock,
    encode,
    opened,
    options,
    prepare,
)

pytestmark = pytest.mark.sqlite


def refusal(directory: Path, **changes: object) -> StoreRefused:
    """Why the store below this directory cannot be opened."""
    with pytest.raises(StoreRefused) as refused:
        open_store(
            options(directory, **changes), encode=encode, clock=StandingClock(), ids=SystemIds()
        )
    return refused.value


async def test_database_and_lock_are_private_and_the_directory_is_too(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
        files = {f.name: f.stat().st_mode & 0o777 for f in (tmp_path / "data").iterdir()}
    assert set(files) >= {"yrd.db", "yrd.db-wal", "yrd.lock"}
    assert set(files.values()) == {0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_a_second_writer_is_refused_by_name_until_the_first_is_closed(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    async with opened(tmp_path):
        refused = refusal(tmp_path)
        assert refused.reason == "DATABASE_IN_USE"
        assert str(os.getpid()) in str(refused)
    async with opened(tmp_path):
        pass


def test_the_lock_goes_with_the_process_that_held_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gateway.store.lock import WriterLock\n"
        "lock = WriterLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "yrd.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreRefused) as refused:
            WriterLock(tmp_path / "yrd.db")
        assert str(holder.pid) in str(refused.value)
    finally:
        holder.kill()
        holder.communicate(timeout=20)
    WriterLock(tmp_path / "yrd.db").release()


def test_whoever_deletes_the_lock_file_does_not_let_a_second_writer_in(tmp_path: Path) -> None:
    first = WriterLock(tmp_path / "yrd.db")
    (tmp_path / "yrd.lock").unlink()
    with pytest.raises(StoreRefused) as refused:
        WriterLock(tmp_path / "yrd.db")
    assert refused.value.reason == "DATABASE_IN_USE"
    first.release()
    second = WriterLock.attempt(tmp_path / "yrd.db")
    assert second is not None
    second.release()


def test_a_lock_says_who_holds_it_and_where_it_can_be_asked(tmp_path: Path) -> None:
    database = tmp_path / "yrd.db"
    assert holder(database) == Holder("", "")
    lock = WriterLock(database)
    assert holder(database) == Holder(str(os.getpid()), "")
    lock.announce("owner-1.sock")
    assert holder(database) == Holder(str(os.getpid()), "owner-1.sock")
    lock.announce("")
    assert holder(database) == Holder(str(os.getpid()), "")
    assert WriterLock.attempt(database) is None
    lock.release()
    lock.release()


def test_a_missing_database_is_not_made_by_serving(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", origin=ORIGIN, salt=SystemIds().salt)
    assert refusal(tmp_path).reason == "DATABASE_MISSING"
    assert not (tmp_path / "data").exists()


def test_an_unmigrated_and_a_newer_database_are_refused_and_released(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", origin=ORIGIN, salt=SystemIds().salt)
    database = options(tmp_path).database
    assert isinstance(database, Path)
    engine = write_engine(database)
    engine.connect().close()
    assert refusal(tmp_path).reason == "DATABASE_NOT_MIGRATED"
    migrate_database(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert refusal(tmp_path).reason == "DATABASE_NEWER"
    with pytest.raises(StoreRefused):
        migrate_database(database)
    WriterLock(database).release()


async def test_keys_that_did_not_seal_the_data_are_refused(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
    create_keys(tmp_path / "others", origin=ORIGIN, salt=SystemIds().salt)
    assert refusal(tmp_path, keys_dir=tmp_path / "others").reason == "KEYS_DIFFER"


def test_production_is_refused_with_file_keys(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert refusal(tmp_path, production=True).reason == "FILE_KEK_IN_PRODUCTION"


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        made = await house.store.write(Intent("r-1"))
    with pytest.raises(StorageUnavailable):
        await house.store.write(Intent("r-2"))
    with pytest.raises(StorageUnavailable):
        await house.store.read(lambda r: r.claim(made.claim_id))
