"""名额: how many calls to one region may be under way, and the queue of those that wait for one.

First come, first served, and nobody overtakes. The limit may change while calls are under way. A
caller that stops waiting (its time is up, or it was cancelled) leaves no trace: a place that was
given to it at that very moment goes to the next. Not here: why the limit is what it is.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """One region's. acquire() before a call, release() after it, in one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def waiting(self) -> int:
        """Callers in the queue."""
        return len(self._waiting)

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        """Calls under way above a lower limit are left alone; they are followed by nobody."""
        self._limit = limit
        self._fill()

    async def acquire(self, timeout_s: float) -> bool:
        """Whether a place was got within that time."""
        if self._taken < self._limit and not self._waiting:
            self._taken += 1
            return True
        if timeout_s <= 0:
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except TimeoutError:
            self._leave(turn)
            return False
        except asyncio.CancelledError:
            self._leave(turn)
            raise
        return True

    def release(self) -> None:
        self._taken -= 1
        self._fill()

    def _leave(self, turn: asyncio.Future[None]) -> None:
        """Give back what came too late, or stand no longer in the queue."""
        if turn.done() and not turn.cancelled():
            self.release()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _fill(self) -> None:
        while self._waiting and self._taken < self._limit:
            turn = self._waiting.popleft()
            # Cancelled: its caller is on the way out and has not said so yet.
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
