"""Side effects outlive the caller's patience: what was begun for money is ended.

A client's deadline or cancellation ends its waiting, never the work. The server drains the work
that is still under way before it closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from gateway.telemetry import Logger

T = TypeVar("T")


class Shield:
    """Runs work in a task of its own."""

    def __init__(self, *, logger: Logger) -> None:
        self._logger = logger
        self._running: set[asyncio.Task[Any]] = set()

    async def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result; if the caller is cancelled the work goes on, its failure logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._report)
            raise

    async def drain(self, timeout_s: float) -> int:
        """Wait for the work under way; answers how much of it is still running then."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)
        return len(self._running)

    def _report(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._logger.error("work failed after its caller left", exc_info=error)
