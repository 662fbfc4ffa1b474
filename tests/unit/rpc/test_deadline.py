"""Time left for a call: shaved, capped, and refused when it is too short."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.domain.errors import DeadlinePassed
from gateway.rpc.deadline import budget_s


class Left:
    """A call with so much time left."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def time_remaining(self) -> float | None:
        return self._seconds


@pytest.mark.parametrize(
    ("left", "budget"), [(None, 20.0), (5.0, 4.9), (0.15, 0.05), (3600.0, 120.0)]
)
def test_the_way_home_is_kept_back(left: float | None, budget: float) -> None:
    assert budget_s(cast(Any, Left(left))) == pytest.approx(budget)


@pytest.mark.parametrize("left", [0.0, 0.14])
def test_too_little_time_is_refused_before_any_work(left: float) -> None:
    with pytest.raises(DeadlinePassed) as caught:
        budget_s(cast(Any, Left(left)))
    assert caught.value.code == "DEADLINE_TOO_SHORT"
