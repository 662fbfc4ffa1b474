"""The quick yes is never another answer than the strict examination, only a quicker one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger.outcomes import LedgerError
from ledger.report import Findings, silent
from ledger.verify_journal import JournalCheck, check_balances
from ledger.verify_quick import Moves, Quick, is_evidence
from ledger.verify_rows import EntryRow, pieces
from tests.unit.ledger.books import Books, evidence
from tests.unit.ledger.test_mutations import flip_one

TABLES = {
    "ledger_entry": ("entry_id", "kind", "resolves", "reverses", "leaf_index", "recorded_us"),
    "ledger_leg": ("entry_id", "leg_no", "debit", "credit", "amount_fen"),
    "ledger_leaf": ("leaf",),
}
COLUMNS = [(table, column) for table, columns in TABLES.items() for column in columns]
FLIPS = 25

FORGED = [
    """UPDATE ledger_leg SET debit = debit || '","' || credit, credit = ''""",
    """UPDATE ledger_leg SET debit = debit || '"', credit = '"' || credit""",
    "UPDATE ledger_leg SET amount_fen = amount_fen || ' x'",
    "UPDATE ledger_leg SET amount_fen = -amount_fen WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_leg SET amount_fen = CAST(amount_fen AS BLOB) WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_leg SET amount_fen = amount_fen + 0.5 WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_leg SET amount_fen = '1_0' WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_leg SET debit = CAST(debit AS BLOB) WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_leg SET leg_no = leg_no + 1",
    "UPDATE ledger_leg SET leg_no = leg_no - 1",
    "UPDATE ledger_leg SET leg_no = leg_no + 4 WHERE entry_id = 'ent_a1' AND leg_no > 0",
    "UPDATE ledger_leg SET leg_no = 1 - leg_no WHERE entry_id = 'ent_none'",
    "UPDATE ledger_entry SET seal_salt = CAST(hex(seal_salt) AS BLOB)",
    "UPDATE ledger_entry SET recorded_us = CAST(recorded_us AS BLOB) WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_entry SET resolves = NULL WHERE kind = 'voided'",
    "UPDATE ledger_entry SET kind = 'done' WHERE kind = 'posted'",
    "UPDATE ledger_entry SET reverses = '' WHERE entry_id = 'ent_a1'",
    "UPDATE ledger_leaf SET leaf = CAST(leaf || ' ' AS BLOB)",
    "UPDATE ledger_leaf SET leaf = CAST(leaf AS TEXT)",
    "UPDATE ledger_leaf SET leaf = CAST(upper(leaf) AS BLOB)",
    """UPDATE ledger_leaf SET leaf = CAST(replace(leaf, '"funds":["pooled"],',
       '","type":"entry.posted","window":"2026-11"}') AS BLOB)""",
    """UPDATE ledger_leaf SET leaf = CAST(replace(leaf, '"seal":', '"seal":"","seal":') AS BLOB)""",
    """UPDATE ledger_leaf SET leaf = CAST(replace(leaf, 'pooled', 'Pooled') AS BLOB)""",
    "DELETE FROM ledger_leaf",
    "DELETE FROM ledger_leg",
]


class Never(Quick):
    """Doubts everything."""

    def sound_moves(self, row: EntryRow, leaf: Any) -> Moves | None:
        return None


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """One day, twice, without guards."""
    directory: Path = tmp_path_factory.mktemp("quick")
    made = Books(directory)
    made.live_through_a_day()
    made.tamper()
    yield made
    made.close()


def findings(connection: Connection, kind: type[Quick]) -> tuple[set[tuple[str, str]], Any]:
    """(code, where) of all that is wrong with the journal, and what was counted."""
    found = Findings(silent)
    journal = JournalCheck(connection, found, quick=kind(found))
    try:
        for piece in pieces(connection):
            journal.take(piece)
        journal.finish()
        check_balances(connection, found)
    except (DBAPIError, LedgerError, TypeError) as error:
        found.add("UNREADABLE", type(error).__name__, "", "")
    return {(problem.code, problem.where) for problem in found.problems}, found.counts


def assert_same(connection: Connection, what: str) -> set[tuple[str, str]]:
    quick, counted = findings(connection, Quick)
    strict, counted_strictly = findings(connection, Never)
    assert quick == strict, what
    assert counted == counted_strictly, what
    return strict


def test_sound_books_are_passed_and_counted_alike(books: Books) -> None:
    with books.engine.connect() as connection:
        assert assert_same(connection, "nothing") == set()


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(c) for c in COLUMNS])
def test_a_flipped_bit_gets_the_strict_answer(books: Books, table: str, column: str) -> None:
    chance = random.Random(f"quick {table}.{column}")
    with books.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for number in range(FLIPS):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if flip_one(connection, table, column, chance):
                found = assert_same(connection, f"flip {number}")
                # A leaf that is still a leaf is for the log's part, which hashes it.
                assert found or table == "ledger_leaf"
            connection.rollback()


@pytest.mark.parametrize("statement", FORGED)
def test_a_forged_row_gets_the_strict_answer(books: Books, statement: str) -> None:
    with books.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            changed = connection.exec_driver_sql(statement).rowcount
        except IntegrityError:
            changed = 0
        assert bool(assert_same(connection, statement)) == bool(changed)
        connection.rollback()


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"yrd.leaf.v1\n{}",
        "text",
        evidence("x").to_bytes() + b" ",
        evidence("x").to_bytes().replace(b"receipt.issued", b"entry.posted"),
        evidence("x").to_bytes().replace(b"receipt.issued", b"Receipt"),
        evidence("x").to_bytes().replace(b'"x"', b'"-x"'),
    ],
)
def test_what_is_no_plain_evidence_is_left_to_the_parser(leaf: Any) -> None:
    assert is_evidence(evidence("x").to_bytes())
    assert not is_evidence(leaf)
