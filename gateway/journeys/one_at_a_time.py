"""Callers with the same key share one run: a repeated request joins the work that is under way.

Side effects belong to the run, not to the caller: a caller that gives up or is cancelled leaves the
run going to its end, so that nothing half-done depends on somebody's patience.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial


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
        meanwhile: Callable[[], Awaitable[bytes | None]],
    ) -> bytes | None:
        """The run's answer, or its exception.

        When the patience is over first, what `meanwhile` finds on record. While it finds nothing
        the caller waits on: an error now would say that nothing was sent, and the run (which may
        have been begun by somebody more patient) may still send. None: another body held the key
        all the time, and nothing was begun for this one.
        """
        ends = asyncio.get_running_loop().time() + patience_s
        while (run := self._runs.get(key)) is not None and run.fingerprint != fingerprint:
            if not await _done(run, ends):
                return None
        if run is None:
            run = _Run(fingerprint, asyncio.ensure_future(_coroutine(start)))
            self._runs[key] = run
            run.task.add_done_callback(partial(self._forget, key, run))
        if not await _done(run, ends):
            found = await meanwhile()
            if found is not None:
                return found
            await asyncio.wait({run.task})
        return run.task.result()

    def _forget(self, key: tuple[str, str], run: _Run, _: asyncio.Task[bytes]) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]
        if not run.task.cancelled():
            # Somebody may have left before it failed: the exception counts as seen.
            run.task.exception()

    async def drain(self) -> None:
        """Wait for every run under way (at shutdown)."""
        while self._runs:
            await asyncio.wait({run.task for run in self._runs.values()})


async def _done(run: _Run, ends: float) -> bool:
    """Whether the run ends before then (seconds of the running loop)."""
    left = ends - asyncio.get_running_loop().time()
    done, _ = await asyncio.wait({run.task}, timeout=max(0.0, left))
    return bool(done)


async def _coroutine(start: Callable[[], Awaitable[bytes]]) -> bytes:
    return await start()
