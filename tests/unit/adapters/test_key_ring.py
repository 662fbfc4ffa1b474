"""We sign with the set in force, and believe an answer under either that is live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.signing.key_ring import one_set, ring
from adapters.signing.scheme import Secrets

OLD, NOW_SET, NEXT = (Secrets(name, name.encode()) for name in ("old", "now", "next"))
NOON = datetime(2026, 12, 1, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def live(found: Secrets) -> list[str]:
    return [secrets.key_id for secrets in found.live()]


def test_keys_without_dates_are_in_force_for_ever() -> None:
    assert live(one_set(OLD).at(datetime.min.replace(tzinfo=UTC))) == ["old"]
    assert live(ring(NOW_SET).at(NOON)) == ["now"]


def test_the_set_before_is_believed_until_its_day_ends() -> None:
    made = ring(NOW_SET, OLD, NOON)
    assert live(made.at(NOON - DAY)) == ["now", "old"]
    assert live(made.at(NOON)) == ["now"]
    assert live(ring(NOW_SET, OLD).at(NOON + 1000 * DAY)) == ["now", "old"]


def test_the_next_set_is_believed_at_once_and_signs_from_its_day() -> None:
    made = ring(NOW_SET, upcoming=(NEXT, NOON))
    assert live(made.at(NOON - DAY)) == ["now", "next"]
    assert live(made.at(NOON)) == ["next", "now"]


def test_three_sets_follow_one_another() -> None:
    made = ring(NOW_SET, OLD, NOON - DAY, (NEXT, NOON))
    seen = [live(made.at(NOON + days * DAY)) for days in (-2, -1, 0)]
    assert seen == [["now", "old", "next"], ["now", "next"], ["next", "now"]]


def test_a_set_that_signs_is_not_shortened_by_an_older_one_s_end() -> None:
    made = ring(NOW_SET, OLD, NOON + DAY, (NEXT, NOON))
    assert live(made.at(NOON + 2 * DAY)) == ["next", "now"]


def test_nothing_is_made_anew_while_nothing_changes() -> None:
    made = ring(NOW_SET, OLD, NOON)
    assert made.at(NOON - DAY) is made.at(NOON - 2 * DAY)
