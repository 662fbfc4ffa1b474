"""The schema: built by migrations alone, twice the same, guarded by triggers, printed in docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.store.engine import sqlite_driver, write_engine
from gateway.store.guards import DELETABLE, INSERT_ONLY, guard_ddl, guard_ddl_0007
from gateway.store.metadata import METADATA, TABLES
from gateway.store.migrate import REVISIONS, SCRIPTS, current_revision, migrate
from gateway.store.schema import fresh_schema_sql, schema_sql
from tests.architecture.sources import HOME
from tests.integration.store.house import Intent, opened, options, prepare

pytestmark = pytest.mark.sqlite


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A migrated database."""
    made = write_engine(tmp_path / "yrd.db")
    migrate(made)
    yield made
    made.dispose()


def test_an_empty_database_is_upgraded_and_doing_so_again_changes_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    before = schema_sql(tmp_path / "yrd.db")
    assert migrate(engine) == REVISIONS[-1]
    assert schema_sql(tmp_path / "yrd.db") == before
    with engine.begin() as connection:
        assert current_revision(connection) == REVISIONS[-1]
        assert connection.execute(text("SELECT count(*) FROM ledger_head")).scalar() == 1


def test_the_known_revisions_are_the_files() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    found = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(found)) == REVISIONS


def test_migrations_build_exactly_what_the_tables_say(engine: Engine) -> None:
    ours = {table.name for table in TABLES}
    settings = {"include_name": lambda name, kind, _parents: kind != "table" or name in ours}
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts=settings)
        differences = compare_metadata(context, METADATA)
    # Other tests may have declared tables of their own in the same metadata.
    assert [d for d in differences if d[0] != "add_table" or d[1].name in ours] == []


def test_migrations_build_what_create_all_builds(engine: Engine, tmp_path: Path) -> None:
    whole = create_engine("sqlite://", module=sqlite_driver())
    METADATA.create_all(whole, tables=list(TABLES))
    query = text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')")

    def shape(database: Engine) -> dict[str, list[str]]:
        with database.connect() as connection:
            rows = connection.execute(query).all()
        # The order of constraints within a table means nothing.
        return {
            name: sorted(re.sub(r"\s+", " ", sql).strip(" ,)").split(", "))
            for name, sql in rows
            if sql and name != "alembic_version"
        }

    assert shape(engine).keys() == shape(whole).keys()
    whole.dispose()


def test_the_committed_schema_is_the_one_a_database_really_has() -> None:
    committed = (HOME / "docs" / "schema.sql").read_text(encoding="utf-8")
    assert committed == fresh_schema_sql(), "python -m gateway.store.schema > docs/schema.sql"


def test_postgresql_would_take_the_same_tables() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    for table in TABLES:
        assert str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
    guards = guard_ddl("postgresql") + guard_ddl_0007("postgresql")
    assert len(guards) == 2 * len(INSERT_ONLY | DELETABLE)
    with pytest.raises(ValueError, match="sqlite or postgresql"):
        guard_ddl("oracle")


CHANGES = [
    "UPDATE message SET claim_id = 'clm_x'",
    "DELETE FROM message",
    "INSERT OR REPLACE INTO message SELECT msgid, 'clm_x', transaction_code, region FROM message",
    "UPDATE claim_entry SET kind = 'posted'",
    "DELETE FROM claim_entry",
    "UPDATE opening SET sealed = x'00'",
    "INSERT OR REPLACE INTO opening SELECT leaf_index, subject_ref, x'00' FROM opening",
    "UPDATE ledger_entry SET kind = 'posted'",
    "DELETE FROM ledger_leaf",
    "UPDATE ledger_leg SET amount_fen = 1",
]


@pytest.mark.parametrize("statement", CHANGES)
async def test_evidence_refuses_to_be_changed(tmp_path: Path, statement: str) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
    engine = write_engine(options(tmp_path).database)
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_exchanges_refuse_to_be_changed(engine: Engine) -> None:
    row = "INSERT INTO exchange VALUES ('x', 'm', 's', '2207', 'answered', x'00', NULL, 0)"
    with engine.begin() as connection:
        connection.exec_driver_sql(row)
    for statement in ("UPDATE exchange SET outcome = 'x'", "DELETE FROM exchange"):
        with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
