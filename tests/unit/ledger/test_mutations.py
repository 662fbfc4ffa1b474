"""verify finds single flipped bits in every column on which money or evidence hangs."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ledger.checkpoint import issue_checkpoint
from ledger.history import Seen
from ledger.policy import KeyDates
from ledger.tables import TABLES
from ledger.verify import verify
from tests.unit.ledger.books import Books, signer

FLIPS = 100 if os.environ.get("YRD_TEST_CAMPAIGN") == "long" else 12
"""Bits tried in each column; the seed is the column's name."""
NOT_COVERED = {
    "ledger_checkpoint.signed_us",
    "ledger_cosignature.received_us",
    "ledger_head.head_id",
}
"""signed_us and received_us are for people and are not signed; head_id is the constant 1, held by a
constraint."""
COLUMNS = [
    (table.name, column.name)
    for table in TABLES
    for column in table.columns
    if f"{table.name}.{column.name}" not in NOT_COVERED
]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Books of one day and one full tile, with every guard against change taken away."""
    directory: Path = tmp_path_factory.mktemp("mutations")
    books = Books(directory)
    books.live_through_a_day()
    books.live_through_another_day()
    newest = issue_checkpoint(999, bytes(32), books.signer)
    seen = Seen(books.signer.verifier, newest.size, newest.note)
    books.restart(signer("log.test/yrd-2"), seen=seen, dates=KeyDates(1, 10**10))
    books.fill(260)
    books.sign()
    books.cosign("one.test/w", "two.test/w")
    books.tamper("PRAGMA ignore_check_constraints = ON")
    yield books
    books.close()


def flipped(value: Any, chance: random.Random) -> tuple[str, Any]:
    """An SQL expression with its parameter: the value with one bit changed."""
    if isinstance(value, int):
        return "?", value ^ (1 << chance.randrange(40))
    data = bytearray(value.encode() if isinstance(value, str) else value)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return ("CAST(? AS TEXT)" if isinstance(value, str) else "?"), bytes(data)


def flip_one(connection: Connection, table: str, column: str, chance: random.Random) -> bool:
    """Change one bit of one row; False where a unique key refuses it."""
    # An entry that is not sealed keeps its time unproven: see ledger.verify.
    sealed = " AND seal_salt IS NOT NULL" if column == "recorded_us" else ""
    keys = [c.name for t in TABLES if t.name == table for c in t.primary_key]
    rows = connection.exec_driver_sql(
        f"SELECT {column}, {', '.join(keys)} FROM {table} WHERE {column} IS NOT NULL{sealed}"
    ).all()
    value, *key = chance.choice(rows)
    expression, changed = flipped(value, chance)
    where = " AND ".join(f"{name} = ?" for name in keys)
    try:
        connection.exec_driver_sql(
            f"UPDATE {table} SET {column} = {expression} WHERE {where}", (changed, *key)
        )
    except IntegrityError:
        return False
    return True


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=".".join)
def test_a_flipped_bit_is_found(lived_in: Books, table: str, column: str) -> None:
    chance = random.Random(f"{table}.{column}")
    found = 0
    with lived_in.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for _ in range(FLIPS):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if flip_one(connection, table, column, chance):
                found += 1
                assert not verify(connection, lived_in.signer.vkey).ok
            connection.rollback()
        assert verify(connection, lived_in.signer.vkey).ok
    assert found
