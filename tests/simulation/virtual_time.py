"""An event loop in which time passes only when nothing is left to do, and a wall clock that steps.

So an hour of waiting takes no time, and the same seed gives the same order of events.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class _Selector(selectors.DefaultSelector):
    """Never waits: what the loop would have waited, time jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everybody waits for something that will never come")
            self.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Seconds since the loop began; waits cost nothing."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class SimClock:
    """Implements ports.Clock on a virtual loop; `step` sets the wall clock wrong, or right."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._offset = timedelta(0)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self._loop.time()) + self._offset

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await passes(seconds)

    def step(self, seconds: float) -> None:
        """What a time server does to a clock that ran away."""
        self._offset += timedelta(seconds=seconds)


async def passes(seconds: float) -> None:
    """So much of virtual time."""
    await asyncio.sleep(seconds)  # not a wait: on a virtual loop it takes none
