"""A round of work, again and again, until told to stop.

A round that fails is logged and tried again at the next turn: what it left undone is still in the
database. Nothing of a worker's state lives in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.telemetry import Logger


class Rounds:
    """Runs `work` every `pause_s` seconds; `nudge()` starts the next round at once."""

    def __init__(
        self, name: str, work: Callable[[], Awaitable[int]], *, pause_s: float, logger: Logger
    ) -> None:
        self._name, self._work, self._pause_s = name, work, pause_s
        self._nudge, self._stop = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = logger

    def start(self) -> None:
        """Begin; call from a running loop."""
        self._task = asyncio.create_task(self._run(), name=f"worker:{self._name}")

    def nudge(self) -> None:
        self._nudge.set()

    async def stop(self) -> None:
        """End after the round under way."""
        self._stop.set()
        self._nudge.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                await self._work()
            except Exception as error:  # a worker must outlive whatever one round meets
                self._log.error(
                    "worker_round_failed",
                    step=self._name,
                    error_code=type(error).__name__,
                    exc_info=error,
                )
            try:
                await asyncio.wait_for(self._nudge.wait(), timeout=self._pause_s)
            except TimeoutError:
                continue
            self._nudge.clear()
