"""verify derives everything again: it is silent on sound books and finds what was changed."""

from __future__ import annotations

import pytest

from ledger.note import KeyMalformed
from ledger.report import PROBLEMS_MAX, Report
from ledger.verify import verify
from tests.unit.ledger.books import Books, evidence, pending, posted, signer


def check(books: Books, vkey: str | None = None) -> Report:
    with books.engine.connect() as connection:
        return verify(connection, vkey or books.signer.vkey)


def codes(books: Books) -> set[str]:
    report = check(books)
    assert not report.ok and all(problem.do and problem.where for problem in report.problems)
    return {problem.code for problem in report.problems}


def test_empty_books_are_sound(books: Books) -> None:
    assert check(books).ok


def test_sound_books_are_said_to_be_sound(books: Books) -> None:
    books.live_through_a_day()
    report = check(books)
    assert report.problems == () and report.ok
    assert report.checked == {
        "leaves": 11,
        "checkpoints": 2,
        "evidence": 1,
        "entries": 10,
        "legs": 16,
        "seals": 9,
        "unsealed": 1,
        "pending_open": 1,
        "balances": 4,
        "trial_balances": 4,
    }


def test_progress_is_told_to_whoever_watches(books: Books) -> None:
    books.fill(2500)
    told: list[tuple[int, int]] = []
    with books.engine.connect() as connection:
        verify(connection, books.signer.vkey, progress=lambda *step: told.append(step))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_writers_go_on_while_books_are_checked(books: Books) -> None:
    """One snapshot: an entry that arrives in between is not half seen."""
    books.live_through_a_day()
    with books.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with books.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT count(*) FROM ledger_entry").scalar()
        books.append(posted("ent_late"))
        report = verify(connection, books.signer.vkey)
    assert report.ok and report.checked["entries"] == 10
    assert check(books).checked["entries"] == 11


def test_only_the_right_key_is_trusted(books: Books) -> None:
    books.live_through_a_day()
    report = check(books, signer("other.test/log").vkey)
    assert {problem.code for problem in report.problems} == {"CHECKPOINT_INVALID"}
    with pytest.raises(KeyMalformed):
        check(books, "no key")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM ledger_leaf WHERE leaf_index = 4", "LEAF_MISSING"),
        ("DELETE FROM ledger_leaf WHERE leaf_index = 10", "LOG_ROLLED_BACK"),
        (
            "UPDATE ledger_leaf SET leaf = CAST(leaf || x'20' AS BLOB) WHERE leaf_index = 4",
            "LEAF_HASH_DIFFERS",
        ),
        (
            "UPDATE ledger_leaf SET leaf = CAST(leaf || x'20' AS BLOB) WHERE leaf_index = 6",
            "LEAF_MALFORMED",
        ),
        ("DELETE FROM ledger_entry WHERE entry_id = 'ent_a1'", "ENTRY_MISSING"),
        ("DELETE FROM ledger_entry WHERE entry_id = 'ent_a1'", "LEG_ORPHANED"),
        ("DELETE FROM ledger_entry WHERE entry_id = 'ent_a1'", "RESOLVES_NOTHING"),
        ("DELETE FROM ledger_entry WHERE entry_id = 'ent_a2'", "REVERSES_NOTHING"),
        ("UPDATE ledger_entry SET kind = 'posted' WHERE entry_id = 'ent_d1'", "LEAF_OF_ANOTHER"),
        ("UPDATE ledger_entry SET recorded_us = 5 WHERE entry_id = 'ent_d1'", "SEAL_BROKEN"),
        ("UPDATE ledger_entry SET seal_salt = NULL WHERE entry_id = 'ent_d1'", "SEAL_BROKEN"),
        (
            "UPDATE ledger_entry SET resolves = 'ent_d1' WHERE entry_id = 'ent_c2'",
            "RESOLVES_NOTHING",
        ),
        ("UPDATE ledger_entry SET resolves = 'ent_d1' WHERE entry_id = 'ent_c2'", "SEAL_BROKEN"),
        ("UPDATE ledger_leg SET amount_fen = 778 WHERE entry_id = 'ent_d1'", "BALANCE_DIFFERS"),
        ("UPDATE ledger_leg SET amount_fen = 778 WHERE entry_id = 'ent_d1'", "SEAL_BROKEN"),
        ("UPDATE ledger_leg SET amount_fen = 4 WHERE entry_id = 'ent_f1'", "BALANCE_DIFFERS"),
        ("DELETE FROM ledger_leg WHERE entry_id = 'ent_d1' AND leg_no = 0", "LEG_MISSING"),
        ("UPDATE ledger_leg SET debit = 'x' WHERE entry_id = 'ent_d1'", "ENTRY_IMPOSSIBLE"),
        ("UPDATE ledger_balance SET posted_debit_fen = posted_debit_fen + 1", "BALANCE_DIFFERS"),
        ("UPDATE ledger_balance SET posted_debit_fen = 1", "TRIAL_BALANCE_DIFFERS"),
        ("DELETE FROM ledger_balance", "BALANCE_DIFFERS"),
        ("UPDATE ledger_head SET size = 10, compact_range = zeroblob(64)", "HEAD_SIZE_DIFFERS"),
        ("UPDATE ledger_head SET compact_range = zeroblob(96)", "HEAD_RANGE_DIFFERS"),
        ("UPDATE ledger_head SET compact_range = x'00'", "HEAD_UNREADABLE"),
        ("DELETE FROM ledger_head", "HEAD_UNREADABLE"),
        ("INSERT INTO ledger_tile VALUES (0, 0, x'00', x'00')", "TILE_COUNT_DIFFERS"),
        ("UPDATE ledger_checkpoint SET size = 8 WHERE size = 7", "CHECKPOINT_MISPLACED"),
        ("UPDATE ledger_checkpoint SET note = replace(note, '7', '8')", "CHECKPOINT_INVALID"),
        ("UPDATE ledger_leg SET debit = CAST(x'ff' AS TEXT)", "UNREADABLE"),
    ],
)
def test_what_was_changed_is_found_and_named(books: Books, statement: str, code: str) -> None:
    books.live_through_a_day()
    books.tamper(statement)
    assert code in codes(books)


def test_a_whole_entry_forged_with_its_balances_breaks_its_seal(books: Books) -> None:
    """Whoever has the file can make every sum fit, but not the signed leaf."""
    books.live_through_a_day()
    books.tamper(
        "UPDATE ledger_leg SET amount_fen = 1 WHERE entry_id = 'ent_d1'",
        "UPDATE ledger_balance SET pending_debit_fen = 1 WHERE pending_debit_fen = 777",
        "UPDATE ledger_balance SET pending_credit_fen = 1 WHERE pending_credit_fen = 777",
    )
    assert codes(books) == {"SEAL_BROKEN"}


def test_a_log_rewritten_from_the_start_does_not_have_the_signed_root(books: Books) -> None:
    books.fill(2)
    books.sign()
    with books.engine.connect() as connection:
        note = connection.exec_driver_sql("SELECT note FROM ledger_checkpoint").scalar_one()
    books.tamper(
        "DELETE FROM ledger_leaf",
        "DELETE FROM ledger_checkpoint",
        "UPDATE ledger_head SET size = 0, compact_range = x''",
    )
    books.append_evidence("rcp_other")
    books.append_evidence("rcp_1")
    with books.writing() as connection:
        connection.exec_driver_sql("INSERT INTO ledger_checkpoint VALUES (2, ?, 0)", (note,))
    assert codes(books) == {"ROOT_DIFFERS"}


def test_damaged_tiles_are_found(books: Books) -> None:
    books.fill(300)
    assert check(books).checked["tiles"] == 1
    books.tamper("UPDATE ledger_tile SET root = zeroblob(32)")
    assert codes(books) == {"TILE_DIFFERS"}
    books.tamper("DELETE FROM ledger_tile")
    assert codes(books) == {"TILE_MISSING", "TILE_COUNT_DIFFERS"}


def test_two_resolutions_of_one_entry_are_found(books: Books) -> None:
    books.append(pending("e1", 1))
    books.append(posted("e2", resolves="e1", amount_fen=1))
    books.append(posted("e3", amount_fen=1))
    books.tamper(
        "DROP INDEX ledger_entry_resolves",
        "UPDATE ledger_entry SET resolves = 'e1' WHERE entry_id = 'e3'",
    )
    assert "RESOLVE_TWICE" in codes(books)


def test_a_ruined_database_does_not_fill_the_memory(books: Books) -> None:
    books.fill(PROBLEMS_MAX + 10)
    books.tamper("UPDATE ledger_leaf SET leaf_hash = zeroblob(32)")
    report = check(books)
    assert len(report.problems) == PROBLEMS_MAX
    assert report.problems_total == PROBLEMS_MAX + 10


def test_a_leaf_of_an_entry_cannot_pass_as_evidence(books: Books) -> None:
    books.append_evidence("rcp_1")
    assert evidence("rcp_1").type == "receipt.issued"
    assert check(books).checked["evidence"] == 1
