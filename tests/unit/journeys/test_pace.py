"""节拍: places, tokens and the breaker, each by itself, on a clock that is turned by hand."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.breaker import BreakerState
from gateway.journeys.pace import FASTER, SLOWEST, UNBOUNDED, Pace, PaceLimits, Paces


class Hand:
    """A clock and a breaker, both set by hand."""

    def __init__(self) -> None:
        self.at = 100.0
        self.breaker = "closed"

    def monotonic(self) -> float:
        return self.at


def paced(hand: Hand, *, places: int = 100, per_minute: int = 4_800) -> Pace:
    """80 a second at full rate, 10 at the slowest."""
    limits = PaceLimits(places, per_minute)
    return Pace(limits, monotonic=hand.monotonic, breaker=lambda: hand.breaker)


def begun(pace: Pace) -> int:
    """How many calls can begin at this moment."""
    count = 0
    while pace.begin():
        count += 1
    return count


def test_it_begins_at_an_eighth_of_the_full_rate() -> None:
    hand = Hand()
    pace = paced(hand)
    assert begun(pace) == 10
    hand.at += 0.5
    assert begun(pace) == 5
    assert pace.rate_per_s * SLOWEST == 80


def test_answers_make_it_faster_up_to_the_full_rate_and_silence_halves_it() -> None:
    hand = Hand()
    pace = paced(hand)
    pace.begin()
    pace.end(True)
    assert pace.rate_per_s == pytest.approx(10 * FASTER)
    for _ in range(50):
        hand.at += 1.0
        assert pace.begin()
        pace.end(True)
    assert pace.rate_per_s == 80
    assert pace.begin()
    pace.end(False)
    assert pace.rate_per_s == 40


def test_no_more_calls_at_once_than_places() -> None:
    hand = Hand()
    pace = paced(hand, places=3)
    assert begun(pace) == 3
    hand.at += 60.0
    assert begun(pace) == 0
    pace.end(True)
    assert begun(pace) == 1


def test_what_was_not_spent_does_not_pile_up() -> None:
    hand = Hand()
    pace = paced(hand)
    begun(pace)
    hand.at += 3_600.0
    assert pace.free() == 10


def test_an_open_breaker_lets_nothing_through_and_half_open_one_call() -> None:
    hand = Hand()
    pace = paced(hand)
    hand.breaker = "open"
    assert begun(pace) == 0
    hand.at += 60.0
    assert begun(pace) == 0
    hand.breaker = "half_open"
    assert begun(pace) == 1
    hand.at += 60.0
    assert begun(pace) == 0, "the one that was let through has not come back"


def test_after_an_outage_it_begins_slowly_again() -> None:
    hand = Hand()
    pace = paced(hand)
    for _ in range(50):
        hand.at += 1.0
        pace.begin()
        pace.end(True)
    hand.breaker = "half_open"
    assert begun(pace) == 1
    hand.breaker = "closed"
    pace.end(True)
    assert pace.rate_per_s == pytest.approx(10 * FASTER)
    assert begun(pace) == 0
    hand.at += 1.0
    assert begun(pace) == 11


def test_what_was_not_sent_after_all_costs_nothing() -> None:
    hand = Hand()
    pace = paced(hand)
    assert begun(pace) == 10
    pace.end(None)
    assert begun(pace) == 1
    assert pace.rate_per_s == 10


def test_the_words_for_a_breaker_are_the_adapters() -> None:
    assert {state.value for state in BreakerState} == {"closed", "open", "half_open"}


class Platforms:
    """Regions of which only Zhejiang is connected; its breaker is open."""

    def of(self, region: str) -> Any:
        if region.startswith("33"):
            return self
        raise LookupError(region)

    def health(self) -> str:
        return "open"


def test_a_province_has_one_pace_whichever_of_its_areas_is_named() -> None:
    regions: Any = Platforms()
    clock: Any = Hand()
    own = {"33": PaceLimits(1, 60)}
    paces = Paces(
        regions=regions, clock=clock, limits=lambda province: own.get(province, UNBOUNDED)
    )
    assert paces.of("330421").limits == own["33"]
    assert paces.of("310118").limits == UNBOUNDED
    assert paces.of("330421") is paces.of("33")
    assert paces.of("330421") is not paces.of("310118")
    assert not paces.of("330421").begin()
