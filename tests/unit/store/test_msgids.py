"""Msgids never repeat, whatever the clock does; pure counting, no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.msgids import EFFECT, LANE_SIZE, PROBE, Cursor

HOSPITAL = "H00310000001"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def test_a_msgid_is_institution_shanghai_time_and_four_digits() -> None:
    _, (first, second) = Cursor().take(HOSPITAL, EFFECT, 2, NOON)
    assert (first, second) == (f"{HOSPITAL}202611241200000000", f"{HOSPITAL}202611241200000001")


def test_the_two_lanes_share_no_number() -> None:
    _, effect = Cursor().take(HOSPITAL, EFFECT, LANE_SIZE, NOON)
    _, probe = Cursor().take(HOSPITAL, PROBE, LANE_SIZE, NOON)
    assert len({*effect, *probe}) == 2 * LANE_SIZE


def test_more_than_a_second_holds_moves_the_stamp_on_instead_of_repeating() -> None:
    cursor, made = Cursor().take(HOSPITAL, EFFECT, LANE_SIZE + 1, NOON)
    assert len(set(made)) == LANE_SIZE + 1
    assert made[-1].startswith(f"{HOSPITAL}20261124120001")
    assert cursor.second == int(NOON.timestamp()) + 1


def test_a_clock_that_steps_back_does_not_take_the_stamp_with_it() -> None:
    cursor, (before,) = Cursor().take(HOSPITAL, EFFECT, 1, NOON)
    _, (after,) = cursor.take(HOSPITAL, EFFECT, 1, NOON - timedelta(hours=1))
    assert after[:26] == before[:26] and after != before


@given(
    st.lists(
        st.tuples(st.integers(-30, 30), st.integers(1, 3 * LANE_SIZE // 2)), min_size=1, max_size=6
    )
)
def test_no_two_msgids_of_a_lane_are_ever_equal(takes: list[tuple[int, int]]) -> None:
    cursor, at, seen, total = Cursor(), NOON, set[str](), 0
    for seconds, count in takes:
        at += timedelta(seconds=seconds)
        cursor, made = cursor.take(HOSPITAL, EFFECT, count, at)
        seen.update(made)
        total += count
    assert len(seen) == total
