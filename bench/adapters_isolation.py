"""Whether a slow region slows another: one region's calls while another holds thousands of ours.

In rounds of three: the quick region's calls alone; the same while the slow region has taken so many
calls and answers none; the same while it answers some each second, each followed by the next. Both
clients live in one process and one event loop, as in the gateway; the platforms are processes of
their own. The slow region has a place for each call here: with the places it ships with (64), the
rest would be turned away within a second and burden nobody. Times are whole µs.
Beside the wait stands the CPU that this process used meanwhile: what a slow region makes our loop
do for it is in both, what strangers do on this machine is in the wait alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from statistics import median
from typing import Any

from adapters.national_client import NationalClient
from adapters.transport import Limits, Transport
from bench.adapters_calls import accepted, answer_with, timed
from bench.adapters_plan import Isolation
from bench.adapters_recorded import Recorded, Step
from bench.child import Child
from bench.figures import quantiles, spread
from bench.open_files import many_open_files
from bench.registry import Say

_Figures = tuple[dict[str, int], dict[str, int]]
"""(the wait, the CPU used meanwhile) of one half of a round."""
_Round = dict[str, _Figures]
CALLERS = 4
"""Of the quick region, each making its next call when one is answered."""
AT_ONCE = 100
"""Calls to the slow region that are begun together, until all are there."""
WAIT_S = 60.0
HELD_S = 600.0
"""Deadline of the calls that are held: longer than the bench."""


async def isolation(
    slow: tuple[Recorded, Child, str],
    quick: tuple[Recorded, Child, str],
    plan: Isolation,
    say: Say,
) -> dict[str, Any]:
    """The report's part. `slow`, `quick`: what is called, the platform and its address."""
    many_open_files()
    visit, platform, url = quick
    step = visit.steps[0]
    await asyncio.to_thread(answer_with, platform, step)
    held = _Held(slow, plan)
    rounds: list[_Round] = []
    async with Transport(url, Limits(), time.monotonic) as transport:
        client = visit.client_over(transport)
        await _measure(step, client, plan.seconds / 4)
        for number in range(1, plan.rounds + 1):
            say(f"{plan.in_flight} calls held by another region: round {number} of {plan.rounds}")
            idle = await _measure(step, client, plan.seconds)
            async with held.filled():
                still = await _measure(step, client, plan.seconds)
                async with held.turning():
                    turning = await _measure(step, client, plan.seconds)
            rounds.append({"idle": idle, "held": still, "turning": turning})
    return {
        "in_flight": min(held.seen),
        "turnover_per_s": plan.turnover_per_s,
        "callers": CALLERS,
        "rounds": len(rounds),
        **{
            name: {
                "p99_us": spread([one[name][0]["p99"] for one in rounds]),
                "median_us": spread([one[name][0]["median"] for one in rounds]),
                "cpu_p99_us": spread([one[name][1]["p99"] for one in rounds]),
            }
            for name in ("idle", "held", "turning")
        },
        "held_p99_ratio": _ratio(rounds, "held", 0),
        "turning_p99_ratio": _ratio(rounds, "turning", 0),
        "held_cpu_p99_ratio": _ratio(rounds, "held", 1),
        "turning_cpu_p99_ratio": _ratio(rounds, "turning", 1),
    }


def _ratio(rounds: list[_Round], name: str, figure: int) -> dict[str, float]:
    """Each round's p99 beside its own idle one: what disturbs a round disturbs both."""
    ratios = [one[name][figure]["p99"] / max(one["idle"][figure]["p99"], 1) for one in rounds]
    return {
        "ratio": round(median(ratios), 2),
        "low": round(min(ratios), 2),
        "high": round(max(ratios), 2),
    }


async def _measure(step: Step, client: NationalClient, seconds: float) -> _Figures:
    ends, took, used = time.monotonic() + seconds, list[int](), list[int]()

    async def call_on() -> None:
        while time.monotonic() < ends:
            cpu = time.process_time_ns()
            took.append(await timed(lambda: accepted(step, client)))
            used.append((time.process_time_ns() - cpu) // 1000)

    await asyncio.gather(*(call_on() for _ in range(CALLERS)))
    return quantiles(took), quantiles(used)


class _Held:
    """Callers of the slow region, and whether they call again when they are answered."""

    def __init__(self, slow: tuple[Recorded, Child, str], plan: Isolation) -> None:
        self._visit, self._platform, self._url = slow
        self._plan, self._again = plan, False
        # Its answers are held for longer than a call of the journeys would wait.
        self._step = self._visit.steps[0]
        self.seen: list[int] = []
        """Calls that were held when measuring began, each round."""

    @asynccontextmanager
    async def filled(self) -> AsyncIterator[None]:
        """While the slow region holds all of our calls."""
        await asyncio.to_thread(answer_with, self._platform, self._step)
        await self._tell(hold=True, per_s=0)
        limits = Limits(concurrency=self._plan.in_flight, queue_timeout_s=WAIT_S)
        async with _Patient(self._url, limits, time.monotonic) as transport:
            client = self._visit.client_over(transport)
            calls = [asyncio.create_task(self._call_on(client, n)) for n in range(self._all)]
            try:
                self.seen.append(await self._until_held())
                yield
            finally:
                self._again = False
                await self._tell(hold=False, per_s=0)
                await asyncio.gather(*calls)

    @asynccontextmanager
    async def turning(self) -> AsyncIterator[None]:
        """While some are answered each second and followed by the next."""
        self._again = True
        await self._tell(per_s=self._plan.turnover_per_s)
        try:
            yield
        finally:
            self._again = False

    @property
    def _all(self) -> int:
        return self._plan.in_flight

    async def _call_on(self, client: NationalClient, number: int) -> None:
        await asyncio.sleep(number // AT_ONCE * 0.1)
        await accepted(self._step, client)
        while self._again:
            await accepted(self._step, client)

    async def _until_held(self) -> int:
        async with asyncio.timeout(WAIT_S):
            while True:
                told = await self._tell()
                if told["held"] >= self._all:
                    return int(told["held"])
                await asyncio.sleep(0.05)

    async def _tell(self, **order: Any) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: self._platform.ask(**order))


class _Patient(Transport):
    """A transport whose calls may take as long as the bench does, whatever a profile allows."""

    async def send(self, call: Any) -> Any:
        return await super().send(replace(call, timeout_s=HELD_S))
