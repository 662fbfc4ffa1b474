"""Chains that are taken whole or not at all, and pending entries whose time is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.expiry import due
from ledger.journal import Entry, EntryKind, JournalError
from ledger.outcomes import (
    EntryExists,
    EntryExistsWithDifferent,
    ExpiryPast,
    LinkBroken,
    PendingAlreadyResolved,
    PendingNotFound,
)
from ledger.reads import to_us
from ledger.store import append_linked, find_entry, size
from tests.unit.ledger.books import NOON, Books, pending, posted, voided


def test_the_entries_of_a_chain_stand_one_after_another_and_name_the_first(books: Books) -> None:
    appended = books.append_linked(pending("e1"), pending("e2"), posted("e3", resolves="e2"))
    assert [a.index for a in appended] == [0, 1, 2]
    with books.engine.connect() as connection:
        for name in ("e1", "e2", "e3"):
            found = find_entry(connection, name)
            assert found is not None
            assert found.entry.linked == "e1"


def test_one_that_cannot_be_taken_takes_the_others_with_it(books: Books) -> None:
    with pytest.raises(PendingNotFound):
        books.append_linked(pending("e1"), posted("e2", resolves="nowhere"))
    with books.engine.connect() as connection:
        assert size(connection) == 0
    books.append(pending("e1"))


def test_a_repeated_chain_is_told_so_and_a_changed_one_too(books: Books) -> None:
    chain = (pending("e1"), pending("e2"), pending("e3"))
    books.append_linked(*chain)
    with pytest.raises(EntryExists) as same:
        books.append_linked(*chain)
    assert (same.value.entry_id, same.value.index) == ("e1", 0)
    with pytest.raises(EntryExistsWithDifferent) as other:
        books.append_linked(chain[0], pending("e2", 1), chain[2])
    assert (other.value.entry_id, other.value.field) == ("e2", "legs")
    for changed in (chain[:2], (*chain, pending("e4")), (chain[0], chain[2])):
        with pytest.raises(EntryExistsWithDifferent) as shorter:
            books.append_linked(*changed)
        assert shorter.value.field == "linked"


def test_a_chain_cannot_take_in_an_entry_that_stands_alone(books: Books) -> None:
    books.append(pending("e2"))
    with pytest.raises(EntryExistsWithDifferent) as refused:
        books.append_linked(pending("e1"), pending("e2"))
    assert (refused.value.entry_id, refused.value.field) == ("e2", "linked")


def test_links_that_do_not_hold_together_are_refused(books: Books) -> None:
    alone = replace(pending("e1"), linked="e1")
    with pytest.raises(LinkBroken):
        books.append(alone)
    with books.writing() as connection:
        for chain in ([alone], [alone, pending("e2")], [pending("e2"), alone]):
            with pytest.raises(LinkBroken):
                append_linked(connection, [books.draft(entry) for entry in chain])


def test_a_chain_that_names_an_entry_twice_is_refused_not_called_a_repeat(books: Books) -> None:
    for names in (("e1", "e1"), ("e1", "e2", "e2")):
        with pytest.raises(LinkBroken):
            books.append_linked(*(pending(name) for name in names))
    with books.engine.connect() as connection:
        assert size(connection) == 0


def test_only_a_pending_entry_expires_and_only_at_a_time() -> None:
    for kind, expires in ((EntryKind.POSTED, 5), (EntryKind.PENDING, 0), (EntryKind.PENDING, 1.5)):
        with pytest.raises(JournalError):
            Entry(entry_id="e1", kind=kind, expires_us=expires)  # type: ignore[arg-type]  # what callers may get wrong


def expiring(name: str, minutes: int) -> Entry:
    return replace(pending(name), expires_us=to_us(NOON + timedelta(minutes=minutes)))


def test_an_expiry_in_the_past_is_refused(books: Books) -> None:
    with pytest.raises(ExpiryPast):
        books.append(expiring("e1", 0))


def test_what_is_due_is_found_once_nothing_has_resolved_it(books: Books) -> None:
    for entry in (expiring("e2", 20), expiring("e1", 10), expiring("e3", 30), pending("e4")):
        books.append(entry)
    books.append(voided("v1", resolves="e1"))
    now = to_us(NOON + timedelta(minutes=25))
    with books.engine.connect() as connection:
        (found,) = due(connection, after_us=0, now_us=now, most=10)
        assert (found.entry_id, found.funds) == ("e2", ("pooled",))
        assert due(connection, after_us=found.expires_us, now_us=now, most=10) == []


def test_until_its_expiry_is_logged_a_pending_entry_may_be_posted(books: Books) -> None:
    books.append(expiring("e1", 1))
    for _ in range(90):
        books.tick()
    books.append(posted("e2", resolves="e1"))
    with pytest.raises(PendingAlreadyResolved) as refused:
        books.append(Entry(entry_id="e3", kind=EntryKind.EXPIRED, resolves="e1"))
    assert refused.value.kind == "posted"


def test_after_it_is_logged_nothing_else_resolves_the_entry(books: Books) -> None:
    books.append(expiring("e1", 1))
    books.append(Entry(entry_id="e2", kind=EntryKind.EXPIRED, resolves="e1"))
    with pytest.raises(PendingAlreadyResolved) as refused:
        books.append(posted("e3", resolves="e1"))
    assert refused.value.kind == "expired"
