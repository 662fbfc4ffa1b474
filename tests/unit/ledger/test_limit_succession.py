"""接替: which limit of an account counts when, where several were set one after the other."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.limit_store import standings
from ledger.limits import Enforcement, Limit, as_they_count
from ledger.outcomes import BelowFloor
from tests.unit.ledger.books import NOON, Books, pending, prepaid, prepayment_limit

BLOCK = Enforcement.BLOCK


def limit(name: str, begins: int, ends: int | None = None, *, visited: str = "310000") -> Limit:
    """From so many microseconds after 1970 on."""
    made = prepayment_limit(name)
    account = replace(made.account, counterparty=visited)
    return replace(made, account=account, drawn_by=None, valid_from_us=begins, valid_until_us=ends)


def counting(limits: list[Limit], at_us: int) -> list[str]:
    return [one.limit_id for one in as_they_count(limits) if one.in_force(at_us)]


def test_a_later_limit_counts_from_its_first_day_on() -> None:
    limits = [limit("a", 10), limit("b", 20)]
    assert [counting(limits, at) for at in (9, 10, 19, 20, 99)] == [[], ["a"], ["a"], ["b"], ["b"]]


def test_a_limit_of_one_day_ends_another_for_good() -> None:
    limits = [limit("a", 10), limit("end", 20, 21)]
    assert [counting(limits, at) for at in (19, 20, 21, 99)] == [["a"], ["end"], [], []]


def test_the_order_in_which_they_were_set_decides_only_between_equals() -> None:
    assert counting([limit("b", 20), limit("a", 10)], 25) == ["b"]
    assert counting([limit("a", 10), limit("b", 10)], 10) == ["b"]


def test_limits_of_other_accounts_go_on() -> None:
    limits = [limit("a", 10), limit("b", 20, visited="320500")]
    assert counting(limits, 30) == ["a", "b"]


@pytest.mark.parametrize("seed", range(50))
def test_at_each_moment_it_is_the_one_that_began_last(seed: int) -> None:
    chance = random.Random(seed)
    limits = []
    for number in range(chance.randrange(6)):
        begins = chance.randrange(8)
        ends = chance.choice([None, begins + chance.randrange(1, 5)])
        limits.append(limit(f"l{number}", begins, ends, visited=chance.choice(["310000", "3205"])))
    for at in range(14):
        expected = []
        for account in {one.account for one in limits}:
            begun = [one for one in limits if one.account == account and one.valid_from_us <= at]
            if begun:
                newest = max(one.valid_from_us for one in begun)
                last = [one for one in begun if one.valid_from_us == newest][-1]
                expected += [last.limit_id] if last.in_force(at) else []
        assert sorted(counting(limits, at)) == sorted(expected)


def test_the_ledger_obeys_the_successor_and_tells_of_it_alone(books: Books) -> None:
    books.append(prepaid("pre_1", 5_000))
    books.set_limit(prepayment_limit("old", floor_fen=4_000, enforcement=BLOCK))
    with pytest.raises(BelowFloor):
        books.append(pending("e1", 2_000))
    since = NOON + timedelta(seconds=3)
    books.set_limit(prepayment_limit("new", floor_fen=1_000, enforcement=BLOCK, since=since))
    books.append(pending("e2", 2_000))
    with pytest.raises(BelowFloor) as refused:
        books.append(pending("e3", 2_001))
    assert refused.value.limit_id == "new"
    with books.engine.connect() as connection:
        (standing,) = standings(connection, books.tick())
    assert (standing.limit.limit_id, standing.balance_fen) == ("new", 5_000)
    assert standing.available_fen == 3_000


def test_only_the_entry_that_passes_the_floor_has_crossed_it(books: Books) -> None:
    books.append(prepaid("pre_1", 5_000))
    books.set_limit(prepayment_limit(floor_fen=1_000))
    (first,) = books.append(pending("e1", 4_001)).warnings
    (second,) = books.append(pending("e2", 1)).warnings
    assert (first.before_fen, first.crossed) == (5_000, True)
    assert (second.before_fen, second.crossed) == (999, False)
