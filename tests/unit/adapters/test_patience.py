"""How long one HTTP call may take."""

from __future__ import annotations

import math

from adapters.transport import patience


def test_a_time_out_is_never_rounded_up_to_a_whole_second() -> None:
    made = patience(5.2, 3.0)
    assert (made.total, made.sock_connect, made.ceil_threshold) == (5.2, 3.0, math.inf)


def test_connecting_takes_no_longer_than_the_whole_call() -> None:
    assert patience(0.4, 3.0).sock_connect == 0.4
