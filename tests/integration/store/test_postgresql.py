"""PostgreSQL's own ways: guards and grants, what is refused, and a server that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event

from gateway.config import ConfigError, load_settings
from gateway.database import Postgresql, as_user, parse_database, with_password
from gateway.domain.errors import StorageUnavailable
from gateway.ids import SystemIds
from gateway.store.backup import BackupOrder, back_up
from gateway.store.engine import read_engine
from gateway.store.errors import StoreRefused
from gateway.store.guards import DELETABLE, INSERT_ONLY
from gateway.store.migrate import REVISIONS, current_revision, migrate_database
from gateway.store.open_store import open_store
from gateway.store.postgresql import refuse_strong_role
from gateway.store.restart import RestartOrder, restart_log
from gateway.store.verify_store import verify_store
from ledger.tables import IMMUTABLE
from tests.architecture.sources import HOME
from tests.integration.store.house import (
    NOON,
    Intent,
    StandingClock,
    encode,
    numbered,
    opened,
    options,
    prepare,
)
from tests.postgres.kinds import URL_FILE, database_below
from tests.postgres.server import EMPTY, Server, programs, shared

pytestmark = pytest.mark.postgresql
GUARDED = [*IMMUTABLE, *INSERT_ONLY, *DELETABLE]


@pytest.fixture
def server(database_kind: str) -> Server:
    return shared(database_kind.removeprefix("postgresql-"))


def postgresql_of(directory: Path) -> Postgresql:
    database = database_below(directory)
    assert isinstance(database, Postgresql)
    return database


def refusal(directory: Path) -> str:
    with pytest.raises(StoreRefused) as refused:
        open_store(options(directory), encode=encode, clock=StandingClock(), ids=SystemIds())
    return refused.value.reason


# --- guards and grants ---------------------------------------------------------------------------


async def test_no_statement_changes_a_row_of_evidence(tmp_path: Path, server: Server) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        for number in range(300):  # enough for a tile
            await house.store.write(Intent(numbered("r", number)))
        await house.log.publish()
    with server.connect(postgresql_of(tmp_path).name) as connection:
        for table in GUARDED:
            row = connection.execute(f"SELECT * FROM {table} LIMIT 1".encode())
            if row.fetchone() is None or row.description is None:
                continue
            column = row.description[0].name
            changes = [f"UPDATE {table} SET {column} = {column}", f"TRUNCATE {table}"]
            changes += [] if table in DELETABLE else [f"DELETE FROM {table}"]
            for change in changes:
                with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                    connection.execute(change)


@pytest.fixture
def roles(server: Server) -> Iterator[Postgresql]:
    """The users and the database that deploy/postgresql.sql makes; as the gateway's user."""
    text = (HOME / "deploy" / "postgresql.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    with server.connect() as connection:
        for statement in "\n".join(lines).split(";"):
            if statement.strip():
                connection.execute(statement.encode())
    yield server.url("yrd", "yrd_gateway")
    with server.connect() as connection:
        for statement in ("DATABASE yrd WITH (FORCE)", "ROLE yrd_gateway", "ROLE yrd_owner"):
            connection.execute(f"DROP {statement}".encode())


async def test_the_gateways_user_serves_and_cannot_change_the_journal(
    tmp_path: Path, roles: Postgresql, server: Server
) -> None:
    owner = as_user(roles, "yrd_owner", None)
    assert migrate_database(owner, grant_to="yrd_gateway") == REVISIONS[-1]
    assert migrate_database(owner, grant_to="yrd_gateway") == REVISIONS[-1]
    (tmp_path / URL_FILE).write_text(roles.url, encoding="utf-8")
    vkey = prepare(tmp_path)  # finds it migrated, as the gateway's user
    async with opened(tmp_path) as house:
        for number in range(300):
            await house.store.write(Intent(numbered("r", number)))
        await house.log.publish()
    here = options(tmp_path)
    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == ()
    with server.connect("yrd", "yrd_gateway") as connection:
        for table in [*IMMUTABLE, *INSERT_ONLY]:
            for change in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"DROP TABLE {table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(change)
            disable = f"ALTER TABLE {table} DISABLE TRIGGER ALL"
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(disable)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE ledger_leg SET amount_fen = 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM claim")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (n int)")
    # What it may read is enough for a backup; what it may add, for another key of the log.
    with server.connect() as connection:
        version = connection.info.server_version // 10_000
    asked = BackupOrder(
        database=here.database, keys_dir=here.keys_dir, production=False, vkey=vkey,
        outside_checkpoint=here.outside_checkpoint, programs=(programs()[str(version)],),
    )  # fmt: skip
    made = back_up(asked, tmp_path / "yrd.tar", at=NOON, stage=lambda what, done, total: None)
    assert made.log_size == 300
    (tmp_path / "vkey").write_text(vkey + "\n", encoding="ascii")
    order = RestartOrder(
        database=here.database, keys_dir=here.keys_dir, log_origin=here.log_origin,
        outside_checkpoint=tmp_path / "checkpoint.txt", vkey_file=tmp_path / "vkey",
        reason="test", force=True,
    )  # fmt: skip
    assert restart_log(order, clock=StandingClock(), ids=SystemIds()).checkpoint.size == 301


def test_a_user_who_could_change_the_journal_is_refused_in_production(roles: Postgresql) -> None:
    owner = as_user(roles, "yrd_owner", None)
    migrate_database(owner, grant_to="yrd_gateway")

    def judge(database: Postgresql) -> None:
        engine = read_engine(database)
        try:
            with engine.begin() as connection:
                refuse_strong_role(connection, production=True)
        finally:
            engine.dispose()

    judge(roles)
    with pytest.raises(StoreRefused) as refused:
        judge(owner)
    assert refused.value.reason == "DATABASE_ROLE_TOO_STRONG"
    with pytest.raises(StoreRefused) as refused:
        migrate_database(owner, grant_to="yrd_nobody")
    assert refused.value.reason == "ROLE_MISSING"
    with pytest.raises(StoreRefused) as refused:
        migrate_database(owner, grant_to="x; DROP TABLE claim")
    assert refused.value.reason in ("ROLE_MISSING", "ROLE_NAME")


# --- what is refused before anything is served ---------------------------------------------------


def test_an_empty_database_is_migrated_once_and_only_once(tmp_path: Path, server: Server) -> None:
    empty = server.create(EMPTY)
    (tmp_path / URL_FILE).write_text(empty.url, encoding="utf-8")
    prepare_keys_only = options(tmp_path)
    assert migrate_database(prepare_keys_only.database) == REVISIONS[-1]
    assert migrate_database(prepare_keys_only.database) == REVISIONS[-1]
    engine = read_engine(empty)
    with engine.begin() as connection:
        assert current_revision(connection) == REVISIONS[-1]
    engine.dispose()
    server.drop(empty)


def test_an_unmigrated_database_and_a_missing_server_are_refused(
    tmp_path: Path, server: Server
) -> None:
    prepare(tmp_path)
    empty = server.create(EMPTY)
    (tmp_path / URL_FILE).write_text(empty.url, encoding="utf-8")
    assert refusal(tmp_path) == "DATABASE_NOT_MIGRATED"
    server.drop(empty)
    assert refusal(tmp_path) == "DATABASE_UNREACHABLE"
    nowhere = f"postgresql+psycopg://postgres@/yrd?host={tmp_path}"
    (tmp_path / URL_FILE).write_text(nowhere, encoding="utf-8")
    assert refusal(tmp_path) == "DATABASE_UNREACHABLE"


def test_a_database_that_sorts_by_language_is_refused(tmp_path: Path, server: Server) -> None:
    with server.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS sorted_otherwise")
        connection.execute("CREATE DATABASE sorted_otherwise TEMPLATE template0 ENCODING 'LATIN1'")
    with pytest.raises(StoreRefused) as refused:
        migrate_database(server.url("sorted_otherwise"))
    assert refused.value.reason == "DATABASE_COLLATION"
    with server.connect() as connection:
        connection.execute("DROP DATABASE sorted_otherwise")


async def test_commits_that_do_not_wait_for_the_disk_are_refused(
    tmp_path: Path, server: Server
) -> None:
    prepare(tmp_path)
    name = postgresql_of(tmp_path).name
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    assert refusal(tmp_path) == "DATABASE_NOT_DURABLE"


# --- a server that goes away ---------------------------------------------------------------------


@pytest.fixture
def mortal(database_kind: str, tmp_path: Path) -> Iterator[Server]:
    """A server for this test alone, which really writes to disk; `tmp_path` names it."""
    made = Server(programs()[database_kind.removeprefix("postgresql-")], durable=True)
    (tmp_path / URL_FILE).write_text(made.create().url, encoding="utf-8")
    yield made
    made.remove()


@pytest.mark.timeout(120)
async def test_a_database_that_dies_at_the_commit_acknowledges_nothing_and_loses_nothing(
    tmp_path: Path, mortal: Server
) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        kept = [await house.store.write(Intent(numbered("kept", n))) for n in range(40)]
        engine = await house.store.writer.submit(lambda unit: unit.connection.engine)
        armed = [True]

        @event.listens_for(engine, "commit")
        def die(_connection: Connection) -> None:
            if armed:
                armed.clear()
                mortal.kill()

        tries = [house.store.write(Intent(numbered("dying", n))) for n in range(30)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert any(isinstance(result, StorageUnavailable) for result in results)
        assert all(isinstance(result, StorageUnavailable) for result in results)
        with pytest.raises(StorageUnavailable):
            await house.store.write(Intent("while-it-is-down"))
        with pytest.raises(StorageUnavailable):
            await house.store.read(lambda reader: reader.claim(kept[0].claim_id))
        mortal.start()
        # The same requests again, as a hospital would; none of them had been taken.
        again = [await house.store.write(Intent(numbered("dying", n))) for n in range(30)]
        claims = kept + again
        found = await house.store.read(lambda r: [r.claim(claim.claim_id) for claim in claims])
        assert found == claims
        await house.log.publish()
    here = options(tmp_path)
    report = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert report.ledger.problems == () and report.state.problems == ()
    assert report.ledger.checked["entries"] == 70


# --- settings ------------------------------------------------------------------------------------


def test_a_url_is_read_with_its_password_from_a_file_and_never_shows_it(tmp_path: Path) -> None:
    database = parse_database("postgresql+psycopg://yrd_gateway@db.example:5433/yrd")
    secret = tmp_path / "password"
    secret.write_text("hunter2\n", encoding="utf-8")
    opened_with = with_password(database, secret)
    assert opened_with.password == "hunter2"
    assert "hunter2" not in f"{opened_with} {opened_with!r}"
    owner = as_user(opened_with, "yrd_owner", None)
    assert (str(owner), owner.password) == (
        "postgresql+psycopg://yrd_owner@db.example:5433/yrd", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://u:secret@h/yrd",
        "postgresql+psycopg://u@h/yrd?password=secret",
        "mysql://u@h/yrd",
        "postgresql+psycopg://u@h/",
        "",
    ],
)
def test_a_url_that_would_not_do_is_refused_without_its_secret(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_database(text)
    assert "secret" not in str(refused.value)


def test_settings_take_a_path_or_a_url(tmp_path: Path) -> None:
    def settings(lines: str) -> Path:
        file = tmp_path / "yrd.toml"
        rest = 'environment = "test"\nlog_origin = "x.example/l"\nplaintext = true\n[regions]\n'
        file.write_text(lines + rest, encoding="utf-8")
        return file

    assert load_settings(settings('database = "a.db"\n')).database == tmp_path / "a.db"
    url = 'database = "postgresql+psycopg://u@h/yrd"\n'
    assert load_settings(settings(url)).database == Postgresql("postgresql+psycopg://u@h/yrd")
    with pytest.raises(ConfigError, match="database_password_file"):
        load_settings(settings(url + 'database_password_file = "nowhere"\n'))
    (tmp_path / "pw").write_text("s3cret", encoding="utf-8")
    loaded = load_settings(settings(url + 'database_password_file = "pw"\n'))
    assert isinstance(loaded.database, Postgresql) and loaded.database.password == "s3cret"
    assert "s3cret" not in repr(loaded)
    with pytest.raises(ConfigError):
        load_settings(settings('database = "a.db"\ndatabase_password_file = "pw"\n'))
    with pytest.raises(ConfigError, match="不能写密码"):
        load_settings(settings('database = "postgresql+psycopg://u:p@h/yrd"\n'))
