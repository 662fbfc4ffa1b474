"""熔断器: stop calling a far side that keeps failing, and try it again with one call at a time.

closed → open after `failures_to_open` failures in a row; open → half-open after `open_s`; half-open
lets one probe through: its success closes, its failure opens again. Time comes from an injected
monotonic clock (seconds). Not here: what counts as a failure (the transport says so), I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


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
    _failures: int = field(default=0, init=False)
    _opened_at: float | None = field(default=None, init=False)
    _probing: bool = field(default=False, init=False)

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self.monotonic() - self._opened_at >= self.open_s:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    def admit(self) -> bool:
        """Whether a call may go out now. In half-open only one at a time may."""
        state = self.state
        if state is BreakerState.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return state is BreakerState.CLOSED

    def succeeded(self) -> None:
        self._failures = 0
        self._opened_at = None
        self._probing = False

    def failed(self) -> None:
        was_probing = self._probing
        self._probing = False
        self._failures += 1
        if was_probing or self._failures >= self.failures_to_open:
            self._opened_at = self.monotonic()

    def abandoned(self) -> None:
        """The call ended without saying anything about the far side (cancelled, never sent)."""
        self._probing = False
