"""A backup of a PostgreSQL database that is written to, and an empty database made of it again."""

from __future__ import annotations

import asyncio
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.database import Postgresql
from gateway.store.backup import BackupOrder, back_up
from gateway.store.backup_file import MANIFEST, Manifest, measure, pack
from gateway.store.backup_postgresql import dump
from gateway.store.engine import write_engine
from gateway.store.errors import StoreRefused
from gateway.store.migrate import REVISIONS
from gateway.store.pg_programs import environment
from gateway.store.restore import Restored, RestoreOrder, restore
from gateway.store.verify_store import verify_store
from tests.integration.store.house import (
    NOON,
    Intent,
    opened,
    options,
    prepare,
    unguarded,
)
from tests.integration.store.lives import all_lives, crowded
from tests.integration.store.test_backup import quiet
from tests.postgres.server import EMPTY, Server, programs, shared

pytestmark = pytest.mark.postgresql


@pytest.fixture
def server(database_kind: str) -> Server:
    return shared(database_kind.removeprefix("postgresql-"))


@pytest.fixture
def empty(server: Server) -> Iterator[Postgresql]:
    """A database without any table."""
    database = server.create(EMPTY)
    yield database
    server.drop(database)


def bin_of(server: Server) -> tuple[Path, ...]:
    """The programs of this server's version."""
    return (programs()[str(server_version(server))],)


def server_version(server: Server) -> int:
    with server.connect() as connection:
        return connection.info.server_version // 10_000


def order(directory: Path, vkey: str, server: Server) -> BackupOrder:
    here = options(directory)
    return BackupOrder(
        database=here.database,
        keys_dir=here.keys_dir,
        production=False,
        vkey=vkey,
        outside_checkpoint=here.outside_checkpoint,
        programs=bin_of(server),
    )


def put_back(
    directory: Path, backup: Path, database: Postgresql | None, server: Server
) -> Restored:
    made = RestoreOrder(
        backup=backup,
        directory=directory / "new",
        keys_dir=directory / "keys",
        newest_checkpoint=directory / "checkpoint.txt",
        database=database,
        programs=bin_of(server),
    )
    return restore(made, stage=quiet)


def tables_of(database: Postgresql) -> int:
    engine = write_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            found = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            )
            return int(found.scalar_one())
    finally:
        engine.dispose()


async def test_a_busy_database_is_backed_up_as_of_one_moment_and_serves_again(
    tmp_path: Path, server: Server, empty: Postgresql
) -> None:
    vkey = prepare(tmp_path)
    stages: list[str] = []
    async with opened(tmp_path) as house:
        lives = await all_lives(house)
        await house.log.publish()
        target = tmp_path / "yrd.tar"
        async with crowded(house, 4) as written:
            manifest = await asyncio.to_thread(
                back_up, order(tmp_path, vkey, server), target, at=NOON,
                stage=lambda what, done, total: stages.append(what),
            )  # fmt: skip
        newest = await house.log.size()
    assert written
    assert manifest.of_postgresql and 0 < manifest.log_size <= newest
    assert {"查账", "转储", "核对转储"} <= set(stages)
    assert target.stat().st_mode & 0o077 == 0
    with tarfile.open(target) as tar:
        assert tar.getnames() == [MANIFEST, "checkpoint.txt", "vkey", "yrd.pgdump"]
    assert not list(tmp_path.glob(".yrd-backup-*")) and not list(tmp_path.glob("*.new"))

    restored = put_back(tmp_path, target, empty, server)
    assert not restored.rolled_back
    new = tmp_path / "new"
    assert {path.name for path in new.iterdir()} == {"vkey", "checkpoint.txt", "keys"}
    assert verify_store(empty, new / "keys", vkey, production=False).ok
    async with opened(
        tmp_path, database=empty, keys_dir=new / "keys", outside_checkpoint=new / "checkpoint.txt"
    ) as house:
        found = await house.store.read(lambda reader: reader.claim(lives[3].claim_id))
        assert found is not None and found.state == lives[3].state
        await house.store.write(Intent("after"))
        assert await house.log.publish() == manifest.log_size + 1
    # Triggers came along: the journal refuses change there too.
    engine = write_engine(empty)
    with pytest.raises(Exception, match="append-only"), engine.connect() as c, c.begin():
        c.exec_driver_sql("DELETE FROM ledger_leaf")
    engine.dispose()


async def small(tmp_path: Path, server: Server) -> tuple[Path, Manifest]:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("one"))
        await house.log.publish()
    target = tmp_path / "yrd.tar"
    return target, back_up(order(tmp_path, vkey, server), target, at=NOON, stage=quiet)


async def test_a_database_that_is_not_empty_is_never_written_to(
    tmp_path: Path, server: Server
) -> None:
    target, _ = await small(tmp_path, server)
    own = options(tmp_path).database
    assert isinstance(own, Postgresql)
    before = tables_of(own)
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, target, own, server)
    assert refused.value.reason == "DATABASE_NOT_EMPTY" and tables_of(own) == before
    assert not (tmp_path / "new").exists()
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, target, None, server)
    assert refused.value.reason == "DATABASE_URL_MISSING"


@pytest.mark.parametrize("at", [700, -20_000, -9_000])
async def test_a_damaged_backup_leaves_the_database_empty(
    tmp_path: Path, server: Server, empty: Postgresql, at: int
) -> None:
    target, _ = await small(tmp_path, server)
    data = bytearray(target.read_bytes())
    data[at] ^= 4
    target.write_bytes(data)
    with pytest.raises(StoreRefused):
        put_back(tmp_path, target, empty, server)
    assert tables_of(empty) == 0 and not (tmp_path / "new").exists()


async def test_what_does_not_verify_after_it_was_put_back_is_taken_away_again(
    tmp_path: Path, server: Server, empty: Postgresql
) -> None:
    """The dump was changed, and its manifest with it: only the ledger's own proofs tell."""
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("one"))
        await house.log.publish()
    engine = write_engine(options(tmp_path).database)
    with pytest.raises(StoreRefused) as refused:
        unguarded(engine, "UPDATE ledger_leg SET amount_fen = amount_fen + 1")
        back_up(order(tmp_path, vkey, server), tmp_path / "bad.tar", at=NOON, stage=quiet)
    engine.dispose()
    assert refused.value.reason == "COPY_NOT_SOUND" and not (tmp_path / "bad.tar").exists()
    forged = forge(tmp_path, server, vkey)
    with pytest.raises(StoreRefused) as refused:
        put_back(tmp_path, forged, empty, server)
    assert refused.value.reason == "COPY_NOT_SOUND"
    assert tables_of(empty) == 0 and not (tmp_path / "new").exists()


def forge(directory: Path, server: Server, vkey: str) -> Path:
    """A backup of the unsound database, as one who does not verify would write it."""
    here, draft = options(directory), directory / "draft"
    assert isinstance(here.database, Postgresql)
    draft.mkdir()
    head = dump(here.database, draft / "yrd.pgdump", lambda c: None, quiet, programs=bin_of(server))
    (draft / "vkey").write_text(vkey + "\n", encoding="ascii")
    files = {path.name: measure(path) for path in sorted(draft.iterdir())}
    manifest = Manifest("now", vkey.split("+")[0], head.size, head.root.hex(), REVISIONS[-1], files)
    pack(directory / "forged.tar", draft, manifest)
    return directory / "forged.tar"


@contextmanager
def found_in(monkeypatch: pytest.MonkeyPatch, places: str) -> Iterator[None]:
    monkeypatch.setenv("YRD_PG_BIN", places)
    monkeypatch.setenv("PATH", "")
    yield


async def test_programs_older_than_the_server_are_refused_with_what_was_found(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey = prepare(tmp_path)
    old = tmp_path / "old"
    old.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (old / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9'\n", encoding="ascii")
        (old / name).chmod(0o755)
    here = options(tmp_path)
    asked = BackupOrder(
        database=here.database, keys_dir=here.keys_dir, production=False, vkey=vkey,
        outside_checkpoint=None,
    )  # fmt: skip
    for places, said in ((str(old), "(14)"), (str(tmp_path), "没有")):
        with found_in(monkeypatch, places), pytest.raises(StoreRefused) as refused:
            back_up(asked, tmp_path / "yrd.tar", at=NOON, stage=quiet)
        assert refused.value.reason == "PG_DUMP_MISSING" and said in str(refused.value)
        assert not (tmp_path / "yrd.tar").exists() and "YRD_PG_BIN" in str(refused.value)


async def test_a_dump_that_fails_half_way_leaves_nothing(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey = prepare(tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    real = bin_of(server)[0]
    (broken / "pg_dump").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real}/pg_dump --version\n'
        "echo 'pg_dump: error: the disk is full' >&2\nexit 1\n",
        encoding="ascii",
    )
    (broken / "pg_dump").chmod(0o755)
    monkeypatch.setenv("YRD_PG_BIN", str(broken))
    here = options(tmp_path)
    asked = BackupOrder(
        database=here.database, keys_dir=here.keys_dir, production=False, vkey=vkey,
        outside_checkpoint=None,
    )  # fmt: skip
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreRefused) as refused:
        back_up(asked, tmp_path / "yrd.tar", at=NOON, stage=quiet)
    assert refused.value.reason == "PG_PROGRAM_FAILED" and "disk is full" in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_password_goes_into_the_environment_of_the_child_and_nowhere_else() -> None:
    database = Postgresql(
        "postgresql+psycopg://yrd_owner@db.example:5433/yrd?sslmode=require", password="s e'cret"
    )
    told = environment(database)
    assert told["PGPASSWORD"] == "s e'cret" and told["PGHOST"] == "db.example"
    assert (told["PGPORT"], told["PGUSER"], told["PGDATABASE"]) == ("5433", "yrd_owner", "yrd")
    assert told["PGSSLMODE"] == "require" and "PGPASSWORD" not in os.environ
    with pytest.raises(StoreRefused) as refused:
        environment(Postgresql("postgresql+psycopg://u@h/n?options=-cfoo"))
    assert refused.value.reason == "DATABASE_URL"
