"""Logs that are closed and go on under another key: who signs, who is believed, what is proven."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.checkpoint import NoteSigner, issue_checkpoint, open_checkpoint
from ledger.history import (
    LogClosed,
    Seen,
    begins_at,
    closed_logs,
    read_history,
    record_closed,
)
from ledger.outcomes import LedgerDamaged, PublisherRaced, RollbackDetected
from ledger.policy import KeyDates
from ledger.publish import record_checkpoint, sign_checkpoint
from ledger.reads import latest_note
from ledger.report import Report
from ledger.verify import verify
from tests.unit.ledger.books import NOON, Books, cosigner, pending, salt_for, signer

NEXT, THIRD = signer("log.test/yrd-2"), signer("log.test/yrd-3")
DAY = 86_400
AT = int(NOON.timestamp())


def check(books: Books, *, key: NoteSigner | None = None, **dates: object) -> Report:
    with books.engine.connect() as connection:
        return verify(connection, (key or books.signer).vkey, **dates)  # type: ignore[arg-type]  # dates and witness_dates


def codes(report: Report) -> list[str]:
    return [problem.code for problem in report.problems]


def rolled_back(books: Books, tmp_path: Path) -> Seen:
    """A backup of three leaves, five signed, the backup restored; answers what was seen."""
    books.fill(3)
    books.sign()
    shutil.copy(books.path, tmp_path / "backup.db")
    books.fill(2)
    later = books.sign()
    assert later is not None
    shutil.copy(tmp_path / "backup.db", books.path)
    return Seen(books.signer.verifier, later.size, later.note)


def test_a_rolled_back_log_goes_on_under_another_key_and_says_what_is_lost(
    books: Books, tmp_path: Path
) -> None:
    old = books.signer
    seen = rolled_back(books, tmp_path)
    closed = books.restart(NEXT, seen=seen)
    assert closed.lost == range(3, 5) and closed.leaf_index == 3
    books.append(pending("e1"))
    first = books.sign(outside=seen.note)
    assert first is not None and (first.origin, first.size) == ("log.test/yrd-2", 5)
    with books.engine.connect() as connection:
        assert closed_logs(connection) == (closed,)
        assert begins_at(connection) == 3
        history = read_history(connection, NEXT.verifier)
    assert [history.key_of(n) for n in (1, 3, 4, 5)] == [
        old.verifier, old.verifier, NEXT.verifier, NEXT.verifier,
    ]  # fmt: skip
    open_checkpoint(seen.note, old.verifier)  # what was issued stays what it was
    report = check(books)
    assert report.ok and report.checked["logs_closed"] == 1 and report.checked["checkpoints"] == 2


def test_a_closed_key_signs_nothing_any_more(books: Books) -> None:
    books.fill(3)
    books.sign()
    old = books.signer
    books.restart(NEXT)
    with pytest.raises(LogClosed, match="yrd-2 goes on"), books.writing() as connection:
        sign_checkpoint(connection, old, at=NOON)


def test_a_log_may_be_closed_again_and_the_chain_holds(books: Books) -> None:
    books.fill(3)
    books.sign()
    books.restart(NEXT)
    books.sign()
    books.restart(THIRD, reason="密钥到期")
    books.fill(300)
    books.sign()
    report = check(books)
    assert report.ok and report.checked["logs_closed"] == 2 and report.checked["checkpoints"] == 3


def test_a_log_that_never_signed_may_be_closed(books: Books) -> None:
    books.restart(NEXT)
    assert books.sign() is not None
    assert check(books).ok


def test_the_copy_outside_of_the_closed_log_bounds_the_new_one_no_more(
    books: Books, tmp_path: Path
) -> None:
    seen = rolled_back(books, tmp_path)
    with pytest.raises(RollbackDetected):
        books.sign(outside=seen.note)
    books.restart(NEXT, seen=seen)
    signed = books.sign(outside=seen.note)
    assert signed is not None
    stranger = issue_checkpoint(1, bytes(32), signer("other.test/log"))
    with pytest.raises(LedgerDamaged, match="outside"):
        books.sign(outside=stranger.note)


def test_two_who_sign_first_under_the_new_key_are_told_apart(books: Books) -> None:
    books.fill(2)
    books.sign()
    books.restart(NEXT)
    slower = issue_checkpoint(3, bytes(32), NEXT)
    books.sign()
    with pytest.raises(PublisherRaced), books.writing() as connection:
        record_checkpoint(connection, slower, last_size=2, at=NOON)


def test_the_key_of_a_closed_log_does_not_verify_what_follows(books: Books) -> None:
    books.fill(2)
    books.sign()
    old = books.signer
    books.restart(NEXT)
    books.sign()
    assert codes(check(books, key=old)) == ["LOG_KEY_DIFFERS", "CHECKPOINT_INVALID"]
    assert "LOG_KEY_DIFFERS" in codes(check(books, key=THIRD))


CHANGES = {
    "leaf_index": "leaf_index = 7",
    "vkey": f"vkey = '{THIRD.vkey}'",
    "valid_from_s": "valid_from_s = 7",
    "valid_until_s": "valid_until_s = NULL",
    "next_vkey": f"next_vkey = '{THIRD.vkey}'",
    "closed_us": "closed_us = closed_us + 1",
    "reason": "reason = reason || ' '",
    "seen_vkey": f"seen_vkey = '{THIRD.vkey}'",
    "seen_size": "seen_size = 4",
    "seen_note": "seen_note = replace(seen_note, '+', '-')",
    "seen_text": "seen_note = CAST(x'ff' AS TEXT)",
    "salt": "salt = zeroblob(32)",
    "salt_text": "salt = 'text'",
    "none_seen": "seen_vkey = NULL, seen_size = NULL, seen_note = NULL",
    "half_seen": "seen_note = NULL",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_of_the_history_is_found(books: Books, tmp_path: Path, change: str) -> None:
    seen = rolled_back(books, tmp_path)
    books.restart(NEXT, seen=seen, dates=KeyDates(first=0, last=AT * 2))
    books.sign()
    assert check(books).ok
    books.tamper(f"UPDATE ledger_log SET {change}")
    assert not check(books).ok


def test_a_history_that_is_gone_is_missed_by_its_leaf(books: Books) -> None:
    books.fill(2)
    books.sign()
    books.restart(NEXT)
    books.sign()
    books.tamper("DELETE FROM ledger_log")
    assert set(codes(check(books))) == {"LOG_MISSING", "CHECKPOINT_INVALID"}


def test_a_history_without_a_leaf_is_found(books: Books) -> None:
    books.fill(2)
    closed = books.restart(NEXT)
    books.sign()
    with books.writing() as connection:
        record_closed(connection, replace(closed, leaf_index=99), salt=salt_for("x"))
    assert "LEAF_MISSING" in codes(check(books))


def test_the_row_of_a_closed_log_refuses_change(books: Books) -> None:
    books.restart(NEXT)
    for statement in (
        "UPDATE ledger_log SET reason = ''",
        "DELETE FROM ledger_log",
        "INSERT OR REPLACE INTO ledger_log SELECT * FROM ledger_log",
    ):
        with pytest.raises(Exception, match="append-only"), books.writing() as connection:
            connection.exec_driver_sql(statement)


def test_a_key_past_its_date_is_found_and_the_finding_says_by_whose_time(books: Books) -> None:
    books.fill(2)
    books.sign()
    books.fill(1)
    books.sign()
    books.cosign("one.test/w")
    witness = cosigner("one.test/w")
    assert check(books, dates=KeyDates(first=AT, last=AT + DAY)).ok
    report = check(books, dates=KeyDates(last=AT - DAY))
    assert codes(report) == ["LOG_KEY_OUT_OF_DATE"] * 2
    stored, witnessed = (problem.what for problem in report.problems)
    assert "no witness vouches" in stored and "by the time of its witnesses" in witnessed
    assert report.problems[1].where == "ledger_checkpoint 3"
    late = check(books, witness_dates={witness.vkey: KeyDates(last=AT - DAY)})
    assert codes(late) == ["WITNESS_KEY_OUT_OF_DATE"]
    # A witness whose own key is past its date dates nothing.
    both = check(
        books, dates=KeyDates(last=AT - DAY), witness_dates={witness.vkey: KeyDates(last=0)}
    )
    assert "no witness vouches" in both.problems[-1].what


def test_the_dates_of_a_closed_key_are_held_against_what_it_signed(books: Books) -> None:
    books.fill(2)
    books.sign()
    books.restart(NEXT, dates=KeyDates(last=AT - DAY))
    books.sign()
    report = check(books, dates=KeyDates(first=AT, last=AT + DAY))
    assert [(p.code, p.where) for p in report.problems] == [
        ("LOG_KEY_OUT_OF_DATE", "ledger_checkpoint 2")
    ]


def test_a_time_of_signing_beyond_all_calendars_is_told_as_it_is(books: Books) -> None:
    books.fill(2)
    books.sign()
    books.tamper("UPDATE ledger_checkpoint SET signed_us = 9223372036854775807")
    report = check(books, dates=KeyDates(last=AT + int(timedelta(days=1).total_seconds())))
    assert codes(report) == ["LOG_KEY_OUT_OF_DATE"] and "second 9223372036854" in (
        report.problems[0].what
    )


def test_the_newest_checkpoint_of_a_damaged_history_is_not_built_upon(books: Books) -> None:
    books.fill(2)
    books.sign()
    books.restart(NEXT)
    books.tamper("UPDATE ledger_log SET vkey = 'nonsense'")
    with pytest.raises(LedgerDamaged, match="ledger_log 2"):
        books.sign()
    with books.engine.connect() as connection:
        assert latest_note(connection) is not None
