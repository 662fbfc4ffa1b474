"""Callers with the same key share one run: a repeated request joins the work that is under way.

Side effects belong to the run, not to the caller: a caller that gives up or is cancelled leaves the
run going to its end, so that nothing half-done depends on somebody's patience.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Run:
    fingerprint: str
    task: asyncio.Task[bytes]


class OneAtATime:
    """Runs per key; another fingerprint under the same key waits and then runs itself."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], _Run] = {}

    async def __call__(
        self,
        key: tuple[str, str],
        fingerprint: str,
        start: Callable[[], Awaitable[bytes]],
        *,
        patience_s: float,
    ) -> bytes | None:
        """The run's answer (or its exception), or None when the patience is over first."""
        while (run := self._runs.get(key)) is not None and run.fingerprint != fingerprint:
            done, _ = await asyncio.wait({run.task}, timeout=patience_s)
            if not done:
                return None
        if run is None:
            run = _Run(fingerprint, asyncio.ensure_future(_coroutine(start)))
            self._runs[key] = run
            run.task.add_done_callback(lambda _: self._forget(key, run))
        done, _ = await asyncio.wait({run.task}, timeout=patience_s)
        return run.task.result() if done else None

    def _forget(self, key: tuple[str, str], run: _Run) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]
        if not run.task.cancelled():
            # Somebody may have left before it failed: the exception counts as seen.
            run.task.exception()

    async def drain(self) -> None:
        """Wait for every run under way (at shutdown)."""
        while self._runs:
            await asyncio.wait({run.task for run in self._runs.values()})


async def _coroutine(start: Callable[[], Awaitable[bytes]]) -> bytes:
    return await start()
