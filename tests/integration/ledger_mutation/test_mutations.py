"""`yrd verify` finds single flipped bits in every column of every table, but for a list of reasons.

A store in which claims have lived every life, with the guards taken away; one bit of one row is
changed, both parts of verify run on the uncommitted transaction, and it is rolled back. The columns
that are not covered stand in docs/verify.md, each with its reason; a table or a column that is
added anywhere is covered or listed, or this fails.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import IntegrityError

from gateway.ids import SystemIds
from gateway.store.crosscheck import crosscheck
from gateway.store.engine import write_engine
from gateway.store.erasure import erase_subject
from gateway.store.keyring import Keyring, load_keyring
from gateway.store.subjects import CipherCache, Subjects
from gateway.store.tables import TABLES as OURS
from ledger.report import Problem
from ledger.tables import TABLES as LEDGERS
from ledger.verify import verify
from tests.architecture.sources import HOME
from tests.integration.store.house import opened, prepare, unguarded
from tests.integration.store.lives import all_lives, asked_to_reverse
from tests.postgres.kinds import database_below

TABLES: tuple[Table, ...] = (*LEDGERS, *OURS)
LONG = os.environ.get("YRD_TEST_CAMPAIGN") == "long"
FLIPS = 60 if LONG else 4
"""Bits tried in each column; the seed is the column's name."""
EMPTY = {"ledger_tile", "ledger_cosignature", "ledger_limit", "ledger_log"}
"""Too few lives for a full tile, nobody witnesses, no agreement, one key:
tests/unit/ledger/test_mutations.py has them."""
UNUSED = {("ledger_entry", "linked"), ("ledger_entry", "expires_us")}
"""What no claim's entry has: the same."""
ERASED = "SELECT subject_ref FROM subject WHERE erased_us IS NOT NULL"
MAY_BE_GONE = {"ledger_checkpoint", "outbox"}
"""Rows that nobody misses: docs/verify.md."""
_ROW = re.compile(r"^\| `([a-z_]+)\.([a-z_]+)` \| ([^|]+) \|$", re.MULTILINE)


def not_covered() -> dict[tuple[str, str], str]:
    """The table of docs/verify.md: (table, column) → reason."""
    page = (HOME / "docs" / "verify.md").read_text(encoding="utf-8")
    return {(table, column): reason.strip() for table, column, reason in _ROW.findall(page)}


COLUMNS = [
    (table.name, column.name)
    for table in TABLES
    for column in table.columns
    if (table.name, column.name) not in {*not_covered(), *UNUSED} and table.name not in EMPTY
]


@dataclass(frozen=True, slots=True)
class Store:
    """What the flips are tried on."""

    engine: Engine
    keyring: Keyring
    vkey: str

    def problems(self, connection: Connection) -> tuple[Problem, ...]:
        """Both parts of verify, on what this transaction sees."""
        subjects = Subjects(connection, self.keyring, CipherCache(), SystemIds().salt)
        books = verify(connection, self.vkey)
        state = crosscheck(connection, self.keyring, subjects=subjects)
        return books.problems + state.problems


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """Every life of a claim, one person erased, and no guard left."""
    directory: Path = tmp_path_factory.mktemp("mutations")
    vkey = prepare(directory)
    async with opened(directory) as house:
        lives = await all_lives(house)
        await asked_to_reverse(house, lives[4])
        await erase_subject(house.store, lives[6].subject_ref, legal_basis="test")
        await house.log.publish()
    engine = write_engine(database_below(directory))
    unguarded(engine, "UPDATE ledger_head SET size = size")
    yield Store(engine, load_keyring(directory / "keys", production=False), vkey)
    engine.dispose()


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with engine.connect() as connection:
        connection.connection.dbapi_connection.execute("PRAGMA ignore_check_constraints = ON")  # type: ignore[union-attr]  # it is connected
        connection.begin()
        yield connection
        connection.rollback()


def flipped(value: Any, chance: random.Random) -> tuple[str, Any]:
    """An SQL expression with its parameter: the value with one bit changed."""
    if isinstance(value, int):
        return "?", value ^ (1 << chance.randrange(40))
    data = bytearray(value.encode() if isinstance(value, str) else value)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return ("CAST(? AS TEXT)" if isinstance(value, str) else "?"), bytes(data)


def flip_one(connection: Connection, table: str, column: str, chance: random.Random) -> str:
    """Change one bit of one row; says which, or nothing where a unique key refuses it."""
    keys = [c.name for t in TABLES if t.name == table for c in t.primary_key]
    # Of an erased person nothing opens, so that nothing can be compared: docs/verify.md.
    of_person = any(c.name == "subject_ref" for t in TABLES if t.name == table for c in t.columns)
    readable = f" AND subject_ref NOT IN ({ERASED})" if of_person else ""
    if table == "message":
        readable = (
            f" AND claim_id NOT IN (SELECT claim_id FROM claim WHERE subject_ref IN ({ERASED}))"
        )
    rows = connection.exec_driver_sql(
        f"SELECT {column}, {', '.join(keys)} FROM {table} WHERE {column} IS NOT NULL" + readable
    ).all()
    value, *key = chance.choice([row for row in rows if row[0] not in (b"", "")])
    expression, changed = flipped(value, chance)
    where = " AND ".join(f"{name} = ?" for name in keys)
    try:
        connection.exec_driver_sql(
            f"UPDATE {table} SET {column} = {expression} WHERE {where}", (changed, *key)
        )
    except IntegrityError:
        return ""
    return f"{table}.{column} of {key}: {value!r} → {changed!r}"


def test_a_store_in_which_nothing_was_changed_is_sound(store: Store) -> None:
    with undone(store.engine) as connection:
        assert store.problems(connection) == ()


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(c) for c in COLUMNS])
def test_a_flipped_bit_is_found(store: Store, table: str, column: str) -> None:
    chance = random.Random(f"{table}.{column}")
    tried = 0
    for _ in range(FLIPS):
        with undone(store.engine) as connection:
            what = flip_one(connection, table, column, chance)
            if what:
                tried += 1
                assert store.problems(connection), what
    assert tried


@pytest.mark.parametrize("table", sorted({table for table, _ in COLUMNS} - MAY_BE_GONE))
def test_a_row_that_is_gone_is_found(store: Store, table: str) -> None:
    keys = ", ".join(c.name for t in TABLES if t.name == table for c in t.primary_key)
    with undone(store.engine) as connection:
        connection.exec_driver_sql(
            f"DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {table} LIMIT 1)"
        )
        assert store.problems(connection)


def test_the_list_of_what_is_not_covered_names_columns_that_exist_and_gives_reasons() -> None:
    columns = {(table.name, column.name) for table in TABLES for column in table.columns}
    listed = not_covered()
    assert listed
    assert set(listed) <= columns
    assert all(len(reason) > 7 for reason in listed.values())
