"""The breaker opens after failures in a row, probes once at a time, and closes on a success."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.breaker import Breaker, BreakerState


@dataclass
class FakeMonotonic:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def opened() -> tuple[Breaker, FakeMonotonic]:
    clock = FakeMonotonic()
    breaker = Breaker(clock, failures_to_open=3, open_s=10)
    for _ in range(3):
        assert breaker.admit()
        breaker.failed()
    return breaker, clock


def test_three_failures_in_a_row_open_it() -> None:
    breaker, _ = opened()
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admit()


def test_a_success_in_between_keeps_it_closed() -> None:
    breaker = Breaker(FakeMonotonic(), failures_to_open=2, open_s=10)
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_half_open_lets_one_probe_through() -> None:
    breaker, clock = opened()
    clock.seconds = 10
    assert breaker.state is BreakerState.HALF_OPEN
    assert [breaker.admit(), breaker.admit()] == [True, False]


def test_a_good_probe_closes_it() -> None:
    breaker, clock = opened()
    clock.seconds = 10
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_a_failed_probe_opens_it_again_for_the_whole_time() -> None:
    breaker, clock = opened()
    clock.seconds = 10
    assert breaker.admit()
    breaker.failed()
    clock.seconds = 19
    assert not breaker.admit()
    clock.seconds = 20
    assert breaker.admit()


def test_an_abandoned_probe_makes_room_for_the_next() -> None:
    breaker, clock = opened()
    clock.seconds = 10
    assert breaker.admit()
    breaker.abandoned()
    assert breaker.admit()


def recovering(places: int = 8) -> tuple[Breaker, FakeMonotonic]:
    """Just after a good probe."""
    clock = FakeMonotonic()
    breaker = Breaker(clock, failures_to_open=3, open_s=10, places=places)
    for _ in range(3):
        breaker.failed()
    clock.seconds = 10
    assert breaker.admit()
    breaker.succeeded()
    return breaker, clock


def test_when_all_is_well_every_place_is_open() -> None:
    assert Breaker(FakeMonotonic(), 3, 10, places=8).window == 8


def test_after_an_outage_calls_come_back_a_few_more_with_each_success() -> None:
    breaker, _ = recovering()
    seen = [breaker.window]
    for _ in range(8):
        breaker.succeeded()
        seen.append(breaker.window)
    assert seen == [2, 3, 4, 5, 6, 7, 8, 8, 8]


def test_a_failure_on_the_way_back_halves_what_may_go_out() -> None:
    breaker, _ = recovering()
    for _ in range(4):
        breaker.succeeded()
    breaker.failed()
    assert (breaker.window, breaker.state) == (3, BreakerState.CLOSED)
    breaker.failed()
    assert breaker.window == 1
    breaker.failed()
    assert breaker.state is BreakerState.OPEN


def test_a_single_place_needs_no_slow_start() -> None:
    breaker, _ = recovering(places=1)
    assert breaker.window == 1


def test_what_hung_since_before_it_opened_says_nothing_of_the_probe() -> None:
    clock = FakeMonotonic()
    breaker = Breaker(clock, failures_to_open=3, open_s=10)
    before = breaker.era
    for _ in range(3):
        breaker.failed(before)
    clock.seconds = 10
    assert breaker.admit()
    probe = breaker.era
    breaker.failed(before)
    breaker.abandoned(before)
    assert (breaker.state, breaker.admit()) == (BreakerState.HALF_OPEN, False)
    breaker.failed(probe)
    assert breaker.state is BreakerState.OPEN


def test_an_answer_is_a_sign_of_life_however_old_its_call_is() -> None:
    clock = FakeMonotonic()
    breaker = Breaker(clock, failures_to_open=1, open_s=10)
    breaker.failed(breaker.era)
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.window == 2
