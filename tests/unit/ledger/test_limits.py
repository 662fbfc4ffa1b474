"""Limits on balances: who is warned, who is refused, and that nothing slips between two appends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.journal import Entry, EntryKind, JournalError, reversal
from ledger.known import LimitBook
from ledger.limit_store import standings
from ledger.limits import Enforcement
from ledger.outcomes import BelowFloor, LedgerDamaged, LimitExistsWithDifferent
from ledger.store import append_alone, append_entry, append_linked, find_entry, size
from ledger.tail import Tail
from ledger.verify import verify
from tests.unit.ledger.books import (
    NOON,
    Books,
    claim_legs,
    leaf_for,
    pending,
    posted,
    prepaid,
    prepayment_limit,
    salt_for,
    voided,
)

FLOOR = 1_000
BLOCK = Enforcement.BLOCK


def lend(books: Books, amount_fen: int, enforcement: Enforcement = Enforcement.WARN) -> None:
    books.append(prepaid("pre_1", amount_fen))
    books.set_limit(prepayment_limit(floor_fen=FLOOR, enforcement=enforcement))


def left(books: Books) -> int:
    with books.engine.connect() as connection:
        (standing,) = standings(connection, books.tick())
        return standing.available_fen


def test_an_entry_above_the_floor_is_taken_in_silence(books: Books) -> None:
    lend(books, 5_000)
    assert books.append(pending("e1", 4_000)).warnings == ()
    assert left(books) == 1_000


def test_below_the_floor_the_entry_is_taken_and_its_maker_is_warned(books: Books) -> None:
    lend(books, 5_000)
    (warned,) = books.append(pending("e1", 4_001)).warnings
    assert (warned.available_fen, warned.floor_fen) == (999, FLOOR)
    assert warned.account == "330400/prepayment_asset/310000/pooled"
    with books.engine.connect() as connection:
        (standing,) = standings(connection, books.tick())
        assert standing.below


def test_where_an_agreement_blocks_the_pending_entry_is_refused_and_its_id_stays_free(
    books: Books,
) -> None:
    lend(books, 5_000, BLOCK)
    with pytest.raises(BelowFloor) as refused:
        books.append(pending("e1", 4_001))
    assert (refused.value.available_fen, refused.value.floor_fen) == (999, FLOOR)
    assert left(books) == 5_000
    books.append(pending("e1", 4_000))


def test_what_a_region_has_decided_is_never_blocked(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    books.append(pending("e1", 4_000))
    (warned,) = books.append(posted("e2", resolves="e1", amount_fen=4_500)).warnings
    assert warned.available_fen == 500


def test_a_posted_entry_without_an_intent_is_checked_like_one(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    with pytest.raises(BelowFloor):
        books.append(posted("e1", amount_fen=4_001))


def test_what_is_given_back_is_never_blocked_and_counts_when_posted(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    first = posted("e1", amount_fen=4_000)
    books.append(first)
    assert books.append(reversal(first, entry_id="e2")).warnings == ()
    assert left(books) == 5_000


def test_naming_a_reversed_entry_exempts_only_what_it_gives_back(books: Books) -> None:
    """Each of these says that it reverses an entry of 1 fen."""
    lend(books, 5_000, BLOCK)
    books.append(posted("e1", amount_fen=1))
    books.append(replace(pending("e2", 1), reverses="e1"))
    for name, amount in (("e3", 4_500), ("e4", 10**12)):
        with pytest.raises(BelowFloor):
            books.append(replace(pending(name, amount), reverses="e1"))


def test_an_entry_that_touches_one_limit_twice_is_warned_once(books: Books) -> None:
    lend(books, 5_000)
    both = prepaid("e1", 1).legs[0].mirrored(), *claim_legs(5_000)
    entry = Entry(entry_id="e1", kind=EntryKind.PENDING, legs=both)
    (warned,) = books.append(entry).warnings
    assert warned.available_fen == -1


def test_a_book_of_limits_that_cannot_be_read_lets_nothing_past(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    books.tamper("UPDATE ledger_limit SET enforcement = 'x'")
    with books.writing() as connection:
        tail = Tail(connection, limits=LimitBook())
        for name in ("e1", "e2", "e3"):
            with pytest.raises(LedgerDamaged):
                append_alone(tail.fork(), books.draft(pending(name, 9_000)))
        assert tail.rows.leaves == []


def test_a_voided_intent_frees_what_it_had_reserved(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    books.append(pending("e1", 4_000))
    books.append(voided("e2", resolves="e1"))
    books.append(pending("e3", 4_000))
    assert left(books) == 1_000


def test_a_limit_holds_from_its_date_to_its_end(books: Books) -> None:
    books.append(prepaid("pre_1", 5_000))
    soon, later = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    books.set_limit(prepayment_limit(floor_fen=FLOOR, enforcement=BLOCK, since=soon, until=later))

    def append(name: str, minutes: float) -> None:
        entry = pending(name, 4_500)
        at = NOON + timedelta(minutes=minutes)
        with books.writing() as connection:
            append_entry(connection, entry, leaf_for(entry), at=at, salt=salt_for(name))

    append("before", 0.9)
    with pytest.raises(BelowFloor):
        append("within", 1)
    append("after", 2)


def test_two_appends_of_one_transaction_see_each_other(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    with books.writing() as connection:
        tail = Tail(connection)
        for name, taken in (("e1", True), ("e2", False)):
            entry = pending(name, 3_000)
            if taken:
                append_entry(connection, entry, leaf_for(entry), at=books.tick(), tail=tail)
            else:
                with pytest.raises(BelowFloor):
                    append_entry(connection, entry, leaf_for(entry), at=books.tick(), tail=tail)
        tail.write()
    assert left(books) == 2_000


def test_a_chain_that_ends_below_the_floor_leaves_nothing(books: Books) -> None:
    lend(books, 5_000, BLOCK)
    chain = [replace(pending(f"e{n}", 2_500), linked="e1") for n in (1, 2)]
    with books.writing() as connection:
        before = size(connection)
        with pytest.raises(BelowFloor):
            append_linked(connection, [books.draft(entry) for entry in chain])
    with books.writing() as connection:
        assert size(connection) == before
        assert find_entry(connection, "e1") is None
    assert left(books) == 5_000


def test_a_limit_is_set_once_and_never_otherwise(books: Books) -> None:
    limit = prepayment_limit(floor_fen=FLOOR)
    assert books.set_limit(limit)
    assert not books.set_limit(limit)
    with pytest.raises(LimitExistsWithDifferent) as refused:
        books.set_limit(replace(limit, floor_fen=0))
    assert refused.value.field == "floor_fen"


@pytest.mark.parametrize(
    "change",
    [
        {"limit_id": "a b"},
        {"floor_fen": -1},
        {"floor_fen": 1.5},
        {"enforcement": "block"},
        {"source": ""},
        {"valid_until_us": 1},
        {"drawn_by": prepayment_limit().account},
    ],
    ids=str,
)
def test_a_limit_that_says_nothing_sensible_cannot_be_made(change: dict[str, object]) -> None:
    with pytest.raises(JournalError):
        replace(prepayment_limit(), **change)  # type: ignore[arg-type]  # what callers may get wrong


def test_books_with_limits_links_and_expiries_are_sound(books: Books) -> None:
    books.live_through_a_day()
    books.live_through_another_day()
    with books.engine.connect() as connection:
        report = verify(connection, books.signer.vkey)
    assert report.ok, report.problems
    assert report.checked["limits"] == 1


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM ledger_limit", "LIMIT_MISSING"),
        ("UPDATE ledger_limit SET floor_fen = floor_fen + 1", "SEAL_BROKEN"),
        ("UPDATE ledger_limit SET enforcement = 'never'", "LIMIT_DAMAGED"),
        ("UPDATE ledger_limit SET leaf_index = 1000", "LEAF_MISSING"),
        ("UPDATE ledger_entry SET linked = NULL WHERE entry_id = 'ent_h2'", "SEAL_BROKEN"),
        ("UPDATE ledger_entry SET linked = 'ent_h2' WHERE entry_id = 'ent_h1'", "LINK_BROKEN"),
        ("UPDATE ledger_entry SET expires_us = expires_us + 1", "SEAL_BROKEN"),
        ("UPDATE ledger_entry SET expires_us = 5 WHERE kind = 'posted'", "ENTRY_IMPOSSIBLE"),
    ],
)
def test_what_was_changed_in_them_is_found_and_named(
    books: Books, statement: str, code: str
) -> None:
    books.live_through_a_day()
    books.live_through_another_day()
    books.tamper(statement)
    with books.engine.connect() as connection:
        report = verify(connection, books.signer.vkey)
    found = {problem.code for problem in report.problems}
    assert code in found or (code == "LIMIT_DAMAGED" and "UNREADABLE" in found)
