"""签发者 under measurement: signs as the gateway's worker does, and remembers when what was signed.

What it answers is the time from a commit to the moment when a signed checkpoint covers it, be it
signed by this process or by another.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from bench.figures import quantiles
from gateway.config import Settings
from gateway.ports import Log

PAUSE_S = Settings.model_fields["checkpoint_interval_ms"].default / 1000
"""As an operator who sets nothing has it."""


class Integrator:
    """Rounds in the background of a run."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._sizes: list[int] = []
        self._times: list[float] = []

    async def run(self, until: asyncio.Task[None], indexes: Sequence[int]) -> None:
        """Until the run is over and what it appended is covered."""
        while not until.done() or not self._sizes or self._sizes[-1] <= max(indexes, default=-1):
            await self._round()
            await asyncio.sleep(PAUSE_S)

    def waits_us(self, appended: Iterable[tuple[int, float]]) -> Mapping[str, int]:
        """{median, p99, count} of the waits of (leaf index, time of its commit)."""
        waits = []
        for index, committed in appended:
            signed = self._times[bisect_right(self._sizes, index)]
            waits.append(round(max(signed - committed, 0.0) * 1e6))
        return quantiles(waits)

    async def _round(self) -> None:
        await self._log.publish()
        newest = await self._log.checkpoint()
        if newest is not None and (not self._sizes or newest.tree_size > self._sizes[-1]):
            self._sizes.append(newest.tree_size)
            self._times.append(time.perf_counter())
