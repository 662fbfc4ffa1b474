"""How long each stage of one run took, told to whoever observes."""

from __future__ import annotations

from gateway.ports import Clock, Observe


class Laps:
    """Call it with a stage's name when the stage ends."""

    def __init__(self, clock: Clock, observe: Observe) -> None:
        self._clock, self._observe = clock, observe
        self._last = clock.monotonic()

    def __call__(self, stage: str) -> None:
        now = self._clock.monotonic()
        self._observe(stage, now - self._last)
        self._last = now


def unobserved(stage: str, seconds: float) -> None:
    """An Observe that listens to nothing."""
