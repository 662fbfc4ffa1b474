"""What a region call costs us: alone, with recorded answers, and over HTTP beside a bare post.

Alone: encode, sign, decode, verify, with everything our client does around them; no socket. Beside:
the same calls over our transport to a platform that does nothing, each followed by the baseline, a
bare aiohttp post of the same bytes to the same platform. Times are whole µs; nothing is asserted.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from adapters.transport import Limits, Transport
from bench.adapters_plan import PROVINCES, Plan
from bench.adapters_recorded import Recorded, RecordingFailed, Replay, Step, record
from bench.child import Child
from bench.figures import quantiles
from bench.registry import Say
from gateway.ports import Accepted

SENT_ALONG = ("content-type",)
"""Of an answer's headers, besides its length and whatever signs it."""


async def recorded_visits() -> list[Recorded]:
    """One visit of each scheme. Raises RecordingFailed, SmUnavailable."""
    with tempfile.TemporaryDirectory(prefix="yrd-bench-") as folder:
        visits = []
        for province in PROVINCES:
            place = Path(folder) / province
            place.mkdir()
            visits.append(await record(province, place))
        return visits


async def costs(visit: Recorded, platform: Child, url: str, plan: Plan, say: Say) -> dict[str, Any]:
    """The report's part about one scheme."""
    alone: list[list[int]] = []
    pairs: list[tuple[list[int], list[int]]] = []
    steps: dict[str, list[int]] = {step.infno: [] for step in visit.steps}
    for number in range(1, plan.rounds + 1):
        say(f"{visit.scheme} ({visit.province}): round {number} of {plan.rounds}")
        round_us: list[int] = []
        for step in visit.steps:
            took = await _alone(visit, step, plan.alone)
            steps[step.infno] += took
            round_us += took
        alone.append(round_us)
        pairs.append(await _beside(visit, platform, url, plan.beside))
    ours = [us for pair in pairs for us in pair[0]]
    bare = [us for pair in pairs for us in pair[1]]
    return {
        "province": visit.province,
        "scheme": visit.scheme,
        "alone_us": _rounds(alone),
        "steps_us": {infno: quantiles(took) for infno, took in steps.items()},
        "over_http_us": quantiles(ours),
        "bare_post_us": quantiles(bare),
        # Of calls that were made in turn: what disturbs one disturbs its neighbour.
        "over_bare_us": _rounds([
            [a - b for a, b in zip(*pair, strict=True)] for pair in pairs
        ]),
    }  # fmt: skip


def _rounds(rounds: list[list[int]]) -> dict[str, int]:
    """Medians over the rounds of their medians and p99, with the lowest and highest median."""
    told = [quantiles(values) for values in rounds]
    medians = [one["median"] for one in told]
    return {
        "median": round(median(medians)),
        "low": min(medians),
        "high": max(medians),
        "p99": round(median(one["p99"] for one in told)),
        "count": sum(one["count"] for one in told),
    }


async def _alone(visit: Recorded, step: Step, times: int) -> list[int]:
    replay = Replay()
    replay.answer = step.answer
    client = visit.client_over(replay)
    return [await timed(lambda: accepted(step, client)) for _ in range(times)]


async def _beside(
    visit: Recorded, platform: Child, url: str, times: int
) -> tuple[list[int], list[int]]:
    """(ours, the baseline's), call by call in turn."""
    ours: list[int] = []
    bare: list[int] = []
    async with (
        Transport(url, Limits(), time.monotonic) as transport,
        aiohttp.ClientSession() as session,
    ):
        client = visit.client_over(transport)
        for step in visit.steps:
            await asyncio.to_thread(answer_with, platform, step)

            async def post(step: Step = step) -> None:
                async with session.post(
                    url + step.call.path, data=step.call.body, headers=step.headers
                ) as response:
                    await response.read()

            for _ in range(times):
                ours.append(await timed(lambda step=step: accepted(step, client)))  # type: ignore[misc] # bound at once
                bare.append(await timed(post))
    return ours, bare


async def accepted(step: Step, client: Any) -> None:
    """One more of a step's calls. Raises RecordingFailed for anything but yes."""
    answer = await step.ask(client)
    if not isinstance(answer, Accepted):
        raise RecordingFailed(f"{step.infno}: {type(answer).__name__}")


def answer_with(platform: Child, step: Step) -> None:
    """From now on the platform answers what was recorded for this step."""
    signed = {
        name: value
        for name, value in step.answer.headers.items()
        if name in SENT_ALONG or name.startswith("x-")
    }
    platform.ask(body=b64encode(step.answer.body).decode(), headers=signed, hold=False)


async def timed(act: Callable[[], Awaitable[object]]) -> int:
    began = time.perf_counter_ns()
    await act()
    return (time.perf_counter_ns() - began) // 1000
