"""From every earlier revision with data in place: upgraded whole or not at all, and nothing lost.

The data are what the code of that revision wrote (old_databases.py).
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from gateway.database import Database, Postgresql
from gateway.demo.stranger import Mirror
from gateway.domain.claim import ClaimEvent
from gateway.ports import BooksReader
from gateway.store.engine import read_engine, write_engine
from gateway.store.errors import StoreRefused
from gateway.store.guards import DELETABLE, INSERT_ONLY
from gateway.store.migrate import SCRIPTS, current_revision, migrate_database
from gateway.store.postgresql import refuse_strong_role
from gateway.store.tile_mirror import TileMirror
from gateway.store.verify_store import verify_store
from ledger.tables import IMMUTABLE
from tests.integration.store import old_databases
from tests.integration.store.house import opened, options
from tests.integration.store.lives import lived
from tests.kill.copies import copy_of
from tests.kill.dying_migration import run_migration
from tests.kill.processes import Killable
from tests.postgres.kinds import URL_FILE
from tests.postgres.server import EMPTY, shared

REVISIONS = [
    script.revision for script in reversed(list(ScriptDirectory(str(SCRIPTS)).walk_revisions()))
]
EARLIER = REVISIONS[:-1]
SEED = int(os.environ.get("YRD_SEED", "20261125"))
EVERY_STEP = os.environ.get("YRD_TEST_CAMPAIGN") == "long"
"""The campaign kills a migration before each of its steps; else before these many."""
DEATHS = 3

pytestmark = pytest.mark.timeout(600 if EVERY_STEP else 90)
each_revision = pytest.mark.parametrize("revision", EARLIER)


@pytest.fixture
def directory(tmp_path: Path, database_kind: str) -> Iterator[Path]:
    """Keys of old, and no database yet (on PostgreSQL: one without a table)."""
    old_databases.write_keys(tmp_path / "keys")
    if database_kind == "sqlite":
        yield tmp_path
        return
    server = shared(database_kind.removeprefix("postgresql-"))
    empty = server.create(EMPTY)
    (tmp_path / URL_FILE).write_text(empty.url, encoding="utf-8")
    yield tmp_path
    server.drop(empty)


def build(database: Database, revision: str) -> list[dict[str, Any]]:
    """A database of this revision with its data; answers what the data's file says."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    lines = old_databases.read(revision)
    engine = write_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        old_databases.load(connection, lines)
        assert current_revision(connection) == revision
    engine.dispose()
    return lines


def reading(database: Database, look: Callable[[Connection], Any]) -> Any:
    engine = read_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            return look(connection)
    finally:
        engine.dispose()


def columns(connection: Connection) -> dict[str, list[str]]:
    found = inspect(connection)
    return {
        table: sorted(column["name"] for column in found.get_columns(table))
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def shape(connection: Connection) -> list[tuple[Any, ...]]:
    """Tables, columns, constraints, indexes and triggers, as the database tells them."""
    if connection.dialect.name == "sqlite":
        queries = ["SELECT type, name, sql FROM sqlite_master"]
    else:
        queries = [
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public'",
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace",
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        ]
    found = [tuple(row) for query in queries for row in connection.execute(text(query))]
    return sorted(found, key=repr)


def check_clean(directory: Path) -> None:
    here, vkey = options(directory), old_databases.log_key().vkey
    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == ()
    assert found.ledger.checked["leaves"] > 0


def test_there_are_data_of_every_earlier_revision() -> None:
    kept = {path.stem for path in old_databases.GOLDEN.glob("*.jsonl")}
    how = "before a migration is added: python -m tests.integration.store.old_databases"
    assert set(EARLIER) <= kept <= set(REVISIONS), how


@each_revision
async def test_an_old_database_is_refused_until_it_is_migrated(
    directory: Path, revision: str
) -> None:
    build(options(directory).database, revision)
    with pytest.raises(StoreRefused, match="yrd migrate") as refused:
        async with opened(directory):
            pass
    assert refused.value.reason == "DATABASE_NOT_MIGRATED"
    assert revision in str(refused.value) and REVISIONS[-1] in str(refused.value)


@each_revision
async def test_an_old_database_is_upgraded_with_all_it_holds_and_goes_on(
    directory: Path, revision: str
) -> None:
    database = options(directory).database
    about = build(database, revision)[0]
    known = reading(database, columns)
    before = reading(database, partial(old_databases.rows, columns=known))
    assert migrate_database(database) == REVISIONS[-1]
    # Expand–contract: what was there is there, under the same names.
    assert reading(database, partial(old_databases.rows, columns=known)) == before
    upgraded = reading(database, shape)
    assert migrate_database(database) == REVISIONS[-1]
    assert reading(database, shape) == upgraded
    check_clean(directory)

    def states(reader: BooksReader) -> list[list[Any]]:
        claims = [reader.claim(told[0]) for told in about["claims"]]
        return [[c.claim_id, c.request_id, c.state.value, c.version] for c in claims if c]

    async with opened(directory) as house:
        assert await house.store.read(states) == about["claims"]
        await lived(house, "r-today", ClaimEvent.REGION_SETTLED, ClaimEvent.CANCEL_REQUESTED)
        assert await house.log.publish()
        mirror = TileMirror(
            house.store.snapshots.engine, directory / "log", entries=directory / "log-entries"
        )
        assert await mirror() > 0
    check_clean(directory)
    Mirror(directory / "log", directory / "log-entries", old_databases.log_key().vkey).check()


@each_revision
def test_after_the_upgrade_every_guard_is_in_force(directory: Path, revision: str) -> None:
    database = options(directory).database
    build(database, revision)
    migrate_database(database)
    engine = write_engine(database)
    tried = 0
    for table in {**IMMUTABLE, **INSERT_ONLY, **DELETABLE}:
        if not _count(engine, table):
            continue
        column = reading(database, columns)[table][0]
        verbs = [f"UPDATE {table} SET {column} = {column}"]
        verbs += [] if table in DELETABLE else [f"DELETE FROM {table}"]
        for statement in verbs:
            with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                connection.exec_driver_sql(statement)
            tried += 1
    engine.dispose()
    assert tried >= 17


def _count(engine: Engine, table: str) -> int:
    with engine.begin() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@each_revision
def test_it_has_the_shape_of_a_database_made_today(
    directory: Path, database_kind: str, tmp_path_factory: pytest.TempPathFactory, revision: str
) -> None:
    database = options(directory).database
    build(database, revision)
    migrate_database(database)
    if isinstance(database, Postgresql):
        server = shared(database_kind.removeprefix("postgresql-"))
        fresh: Database = server.create()
        assert reading(database, shape) == reading(fresh, shape)
        server.drop(fresh)  # type: ignore[arg-type]  # made by this server
    else:
        fresh = tmp_path_factory.mktemp("fresh") / "yrd.db"
        migrate_database(fresh)
        assert reading(database, shape) == reading(fresh, shape)


@pytest.mark.postgresql
@each_revision
async def test_after_the_upgrade_the_gateways_user_serves_and_can_change_no_evidence(
    directory: Path, database_kind: str, revision: str
) -> None:
    owner = options(directory).database
    assert isinstance(owner, Postgresql)
    server, role = shared(database_kind.removeprefix("postgresql-")), f"yrd_from_{revision}"
    build(owner, revision)
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    migrate_database(owner, grant_to=role)
    (directory / URL_FILE).write_text(server.url(owner.name, role).url, encoding="utf-8")
    async with opened(directory) as house:
        await lived(house, "r-today", ClaimEvent.REGION_SETTLED)
        assert await house.log.publish()
    check_clean(directory)
    reading(options(directory).database, partial(refuse_strong_role, production=True))
    with server.connect() as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
    with server.connect(owner.name) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
        connection.execute(f"DROP ROLE {role}".encode())


@each_revision
def test_a_migration_killed_at_any_step_leaves_the_old_or_the_new(
    directory: Path, database_kind: str, revision: str
) -> None:
    build(options(directory).database, revision)
    before = reading(options(directory).database, shape)
    with copy_of(directory, database_kind) as whole:
        code, said = Killable(run_migration, whole, 0).end_of_itself()
        assert code == 0
        after, steps = reading(options(whole).database, shape), int(said[0].split()[1])
    moments = list(range(1, steps + 1))
    if not EVERY_STEP:
        # The last ones are the writing of the revision and the commit.
        chance = random.Random(f"{SEED}-{revision}")
        moments = [*chance.sample(moments[:-2], DEATHS), steps - 1, steps]
    for moment in moments:
        where = f"killed before step {moment} of {steps}"
        with copy_of(directory, database_kind) as copy:
            code, _ = Killable(run_migration, copy, moment).end_of_itself()
            assert code == -signal.SIGKILL, where
            database = options(copy).database
            at = reading(database, current_revision)
            known = (revision, before), (REVISIONS[-1], after)
            assert (at, reading(database, shape)) in known, where
            assert migrate_database(database) == REVISIONS[-1], where
            assert reading(database, shape) == after, where
    print(f"{database_kind} from {revision}: killed before {len(moments)} of {steps} steps")
