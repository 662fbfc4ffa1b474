"""How patient the worker is between two 2601."""

from __future__ import annotations

from datetime import timedelta

from gateway.journeys.resolve_unknown import LONGEST_PAUSE, ResolveTimings


def test_pauses_double_and_end_at_an_hour_however_many_attempts_are_allowed() -> None:
    timings = ResolveTimings(timedelta(seconds=2), timedelta(seconds=30), 1000)
    assert [timings.pause(n).total_seconds() for n in (1, 2, 3)] == [30, 60, 120]
    assert timings.pause(999) == LONGEST_PAUSE


def test_a_pause_configured_longer_than_an_hour_is_kept() -> None:
    timings = ResolveTimings(timedelta(0), timedelta(hours=2), 3)
    assert timings.pause(1) == timings.pause(3) == timedelta(hours=2)
