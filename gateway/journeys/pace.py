"""节拍: how many calls may go to one region now, and how fast their number may grow.

For what goes on without a caller: 2601s, notices. Three bounds at once: places (calls at once), a
token bucket (calls a minute), and the region's breaker. While the breaker is open nothing is let
through, half-open one call; after that, and at a start, the rate begins at an eighth and grows by a
tenth with each answer: a backlog of thousands comes back without a stampede. A call without an
answer halves the rate.

Lives in memory and may be lost: what waits is in the database. Pure but for the clocks it is given;
floats measure rates here, never money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.errors import Malformed
from gateway.ports import Clock, Regions

SLOWEST = 8
"""The rate begins, and begins again, at this part of the full one."""
FASTER = 1.1
"""With each answer."""
BURST_S = 1.0
"""Tokens are kept for so long at the full rate: the bucket's size."""


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """One region's bounds."""

    places: int
    """Calls at once."""
    per_minute: int
    """Calls a minute at full rate."""


UNBOUNDED = PaceLimits(places=1_000_000, per_minute=1_000_000_000)
"""For whoever has no budget to keep."""


class Pace:
    """One region's. begin() before a call, end() after it."""

    def __init__(
        self, limits: PaceLimits, *, monotonic: Callable[[], float], breaker: Callable[[], str]
    ) -> None:
        """`breaker` answers closed, open or half_open, as RegionGateway.health() does."""
        self.limits = limits
        self._monotonic, self._breaker = monotonic, breaker
        self._full = limits.per_minute / 60
        self._size = max(1.0, self._full * BURST_S)
        self._rate = self._full / SLOWEST
        self._tokens = max(1.0, self._rate * BURST_S)
        self._at = monotonic()
        self._in_flight = 0

    @property
    def rate_per_s(self) -> float:
        """What the rate has grown to."""
        return self._rate

    def free(self) -> int:
        """How many calls could begin at once."""
        state = self._breaker()
        if state != "closed":
            self._slow_down()
        self._refill()
        if state == "open" or (state == "half_open" and self._in_flight):
            return 0
        return max(0, min(self.limits.places - self._in_flight, int(self._tokens)))

    def begin(self) -> bool:
        """Take a place and a token; False where there is none."""
        if self.free() < 1:
            return False
        self._tokens -= 1
        self._in_flight += 1
        return True

    def end(self, answered: bool | None) -> None:
        """The call has ended; None where nothing was sent after all, which costs nothing."""
        self._refill()
        self._in_flight -= 1
        if answered is None:
            self._tokens = min(self._size, self._tokens + 1)
        elif answered:
            self._rate = min(self._full, self._rate * FASTER)
        else:
            self._rate = max(self._full / SLOWEST, self._rate / 2)

    def _slow_down(self) -> None:
        self._rate = self._full / SLOWEST
        self._tokens = min(self._tokens, 1.0)

    def _refill(self) -> None:
        now = self._monotonic()
        # What is not used is kept only as far as the present rate would fill it in a moment.
        most = min(self._size, max(1.0, self._rate * BURST_S))
        self._tokens = min(most, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now


class Paces:
    """A pace for each province: a platform, and so a breaker, belongs to a province."""

    def __init__(
        self,
        *,
        regions: Regions,
        clock: Clock,
        limits: Callable[[str], PaceLimits] = lambda _: UNBOUNDED,
    ) -> None:
        """`limits`: of a province's two digits."""
        self._regions, self._clock, self._limits = regions, clock, limits
        self._paces: dict[str, Pace] = {}

    def of(self, region: str) -> Pace:
        """By an area code of six digits, or the two digits of a province."""
        province = region[:2]
        found = self._paces.get(province)
        if found is None:
            found = self._paces[province] = Pace(
                self._limits(province),
                monotonic=self._clock.monotonic,
                breaker=lambda: self._health(province),
            )
        return found

    def _health(self, province: str) -> str:
        try:
            return self._regions.of(f"{province}0000").health()
        except Malformed:
            return "closed"  # whoever calls is told that nothing is connected there
