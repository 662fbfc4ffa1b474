"""However appends are cut into transactions, forks and chains: same answers, same rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pysqlite3 import dbapi2
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from ledger.journal import Entry, reversal
from ledger.known import LimitBook
from ledger.limit_store import set_limit
from ledger.limits import Enforcement
from ledger.outcomes import AppendRefused
from ledger.publish import sign_checkpoint
from ledger.reads import to_us
from ledger.store import Draft, append_alone, append_chain
from ledger.tables import TABLES, install
from ledger.tail import Tail
from ledger.verify import verify
from tests.unit.ledger.books import (
    NOON,
    leaf_for,
    pending,
    posted,
    prepaid,
    prepayment_limit,
    salt_for,
    signer,
    voided,
)

NAMES = st.sampled_from([f"e{n}" for n in range(7)])
AMOUNTS = st.sampled_from([1, 700, 2_000])
Step = tuple[Entry, ...]
"""One entry, or a chain."""


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Few ids and few amounts, so that repeats and clashes are common."""
    name, other, amount = draw(NAMES), draw(NAMES), draw(AMOUNTS)
    kind = draw(st.sampled_from(["pending", "posted", "alone", "voided", "back"]))
    if kind == "pending" or name == other:
        return pending(name, amount)
    if kind == "voided":
        return voided(name, resolves=other)
    if kind == "back":
        return reversal(posted(other, amount_fen=amount), entry_id=name)
    return posted(name, resolves=other if kind == "posted" else None, amount_fen=amount)


def linked(chain: list[Entry]) -> Step:
    return tuple(replace(entry, linked=chain[0].entry_id) for entry in chain)


CHAINS = st.lists(entries(), min_size=2, max_size=3).map(linked)
STEPS = st.lists(st.one_of(entries().map(lambda entry: (entry,)), CHAINS), max_size=14)


class Books:
    """A ledger in memory with a prepayment under a limit that blocks."""

    def __init__(self) -> None:
        self.engine = create_engine("sqlite://", module=dbapi2, poolclass=StaticPool)
        self.limits = LimitBook()
        with self.engine.begin() as connection:
            install(connection)
        limit = prepayment_limit(floor_fen=1_000, enforcement=Enforcement.BLOCK)
        with self.transaction() as (connection, tail):
            set_limit(connection, limit, salt=salt_for("limit"), tail=tail)
        with self.transaction() as (_, tail):
            append_alone(tail, draft(prepaid("prepaid", 6_000)))

    @contextmanager
    def transaction(self) -> Iterator[tuple[Connection, Tail]]:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            tail = Tail(connection, limits=self.limits)
            yield connection, tail
            tail.write()
            connection.commit()

    def rows(self) -> dict[str, list[Any]]:
        with self.engine.connect() as connection:
            return {
                table.name: sorted(connection.execute(table.select()).all(), key=repr)
                for table in TABLES
            }

    def problems(self) -> Any:
        with self.transaction() as (connection, _):
            sign_checkpoint(connection, signer(), at=NOON)
        with self.engine.connect() as connection:
            return verify(connection, signer().vkey).problems


def draft(entry: Entry) -> Draft:
    return Draft(entry, leaf_for(entry), to_us(NOON), salt_for(entry.entry_id))


def take(tail: Tail, step: Step) -> str:
    """What the maker of this step is told."""
    try:
        if len(step) == 1:
            return str(append_alone(tail, draft(step[0])).index)
        return str([done.index for done in append_chain(tail, [draft(entry) for entry in step])])
    except AppendRefused as refused:
        return f"{type(refused).__name__}: {refused}"


def one_by_one(books: Books, steps: list[Step]) -> list[str]:
    told = []
    for step in steps:
        with books.transaction() as (_, tail):
            told.append(take(tail, step))
    return told


def together(books: Books, steps: list[Step], cuts: set[int], forked: set[int]) -> list[str]:
    """A transaction ends at each cut; every work of `forked` has a fork, and one that is dropped
    before it."""
    told: list[str] = []
    bounds = [0, *sorted(cut for cut in cuts if 0 < cut < len(steps)), len(steps)]
    for start, end in pairwise(bounds):
        with books.transaction() as (_, tail):
            tail.read_ahead([entry for step in steps[start:end] for entry in step])
            for number in range(start, end):
                if number not in forked:
                    told.append(take(tail, steps[number]))
                    continue
                take(tail.fork(), (pending("undone", 1),))
                fork = tail.fork()
                told.append(take(fork, steps[number]))
                tail.join(fork)
    return told


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sets(st.integers(0, 14)), st.sets(st.integers(0, 14)))
def test_a_batch_answers_and_writes_what_single_transactions_would(
    steps: list[Step], cuts: set[int], forked: set[int]
) -> None:
    apart, shared = Books(), Books()
    assert one_by_one(apart, steps) == together(shared, steps, cuts, forked)
    assert apart.rows() == shared.rows()
    assert shared.problems() == ()


def test_the_steps_reach_every_kind_of_answer() -> None:
    """Else the property above would say little."""
    books = Books()
    first = posted("e1", amount_fen=700)
    steps: list[Step] = [
        (first,),
        (first,),
        (posted("e1", amount_fen=1),),
        (reversal(first, entry_id="e2"),),
        (reversal(first, entry_id="e3"),),
        (pending("e4", 5_001),),
        linked([pending("e5", 1), voided("e6", resolves="e5")]),
        linked([pending("e5", 1), voided("e6", resolves="e5")]),
        (posted("e0", resolves="e5"),),
    ]
    told = one_by_one(books, steps)
    assert [answer.partition(":")[0] for answer in told] == [
        "2",
        "EntryExists",
        "EntryExistsWithDifferent",
        "3",
        "AlreadyReversed",
        "BelowFloor",
        "[4, 5]",
        "EntryExists",
        "PendingAlreadyResolved",
    ]
    assert books.problems() == ()
