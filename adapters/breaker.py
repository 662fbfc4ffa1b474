"""熔断器: stop calling a far side that keeps failing, try it again with one call, then with more.

closed → open after `failures_to_open` failures in a row; open → half-open after `open_s`; half-open
lets one probe through: its success closes, its failure opens again. Once closed, calls come back by
a slow start: two at a time at first, one more with each success, half as many with each failure,
until all places are open again. Time comes from an injected monotonic clock (seconds).
Not here: what counts as a failure (the transport says so), who waits for a place, I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

FIRST_PLACES = 2
"""After a good probe. Ours, no fact of any platform."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Breaker:
    """One per region. Readable for health; changed only by the transport."""

    monotonic: Callable[[], float]
    failures_to_open: int
    open_s: float
    """How long it stays open, seconds. Floats measure time here, never money."""
    places: int = 64
    """Calls at once when all is well."""
    _failures: int = field(default=0, init=False)
    _opened_at: float | None = field(default=None, init=False)
    _probing: bool = field(default=False, init=False)
    era: int = field(default=0, init=False)
    """How often it has opened. A call is told of with the era in which it was admitted: what hung
    since before the last opening says nothing of now when it fails at last."""
    _window: int | None = field(default=None, init=False)
    """Calls at once while it recovers; None when all is well."""

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self.monotonic() - self._opened_at >= self.open_s:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    @property
    def window(self) -> int:
        """Calls that may be under way at once now; whether any may begin, admit() says."""
        return self.places if self._window is None else self._window

    def admit(self) -> bool:
        """Whether a call may go out now. In half-open only one at a time may."""
        state = self.state
        if state is BreakerState.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return state is BreakerState.CLOSED

    def succeeded(self) -> None:
        if self._opened_at is not None:
            self._widen_to(FIRST_PLACES)
        elif self._window is not None:
            self._widen_to(self._window + 1)
        self._failures = 0
        self._opened_at = None
        self._probing = False

    def failed(self, era: int | None = None) -> None:
        """`era` in which the call was admitted; None, this one."""
        if era not in (None, self.era):
            return
        was_probing = self._probing
        self._probing = False
        self._failures += 1
        if self._window is not None:
            self._window = max(1, self._window // 2)
        if was_probing or self._failures >= self.failures_to_open:
            self._opened_at = self.monotonic()
            self.era += 1

    def abandoned(self, era: int | None = None) -> None:
        """The call ended without saying anything about the far side (cancelled, never sent)."""
        if era in (None, self.era):
            self._probing = False

    def _widen_to(self, window: int) -> None:
        self._window = window if window < self.places else None
