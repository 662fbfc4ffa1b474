"""The adapters' speed: what a region call costs us, and what a slow region costs another one.

What is measured lies in bench/adapters_*.py, one file for each question; here they are asked in
turn. Baselines are measured in the same run, in turn with ours; nothing is asserted about time.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF
from typing import Any

import aiohttp

from bench.adapters_calls import costs, recorded_visits
from bench.adapters_isolation import isolation
from bench.adapters_plan import Plan
from bench.adapters_sm2 import sm2_rates
from bench.adapters_targets import targets
from bench.child import Child
from bench.machine import busy_s, machine
from bench.registry import Say
from gateway.bootstrap import freeze_what_stays

SLOW, QUICK = "jiangsu", "zhejiang"
"""Who is slow and who must not notice; both sign with an HMAC."""


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """The report's document. Raises ChildFailed, RecordingFailed, SmUnavailable."""
    began, busy, own_s = time.monotonic(), busy_s(), _own_cpu_s()
    with tempfile.TemporaryDirectory(prefix="yrd-bench-") as folder:
        root = Path(folder)
        report: dict[str, Any] = {"bench": "adapters", "machine": machine(root)}
        report["machine"]["aiohttp"] = aiohttp.__version__
        report |= asyncio.run(_with_platforms(root, plan, say))
    say("SM2: signatures a second")
    report["sm2"] = sm2_rates(plan.sm2_s)
    report["machine"]["load_average_after"] = round(os.getloadavg()[0], 2)
    seconds = time.monotonic() - began
    others_s = None if busy is None else (busy_s() or busy) - busy - (_own_cpu_s() - own_s)
    report["machine"]["other_cores_busy"] = (
        None if others_s is None else round(max(others_s, 0.0) / seconds, 2)
    )
    report["seconds"] = round(seconds)
    report["targets"] = [target.document() for target in targets(report)]
    return report


async def _with_platforms(root: Path, plan: Plan, say: Say) -> dict[str, Any]:
    say("recording a visit with each stand-in platform")
    visits = await recorded_visits()
    by_province = {visit.province: visit for visit in visits}
    with ExitStack() as stack:

        def platform(name: str) -> tuple[Child, str]:
            child = stack.enter_context(Child(name, ["bench.platform_process"], logs=root))
            return child, child.address()

        quick, slow = platform("quick"), platform("slow")
        stack.enter_context(_frozen())
        calls = [await costs(visit, *quick, plan, say) for visit in visits]
        isolated = await isolation(
            (by_province[SLOW], *slow), (by_province[QUICK], *quick), plan.isolation, say
        )
    return {"calls": calls, "isolation": isolated}


@contextmanager
def _frozen() -> Iterator[None]:
    """With what is there by now out of the garbage collector's rounds, as in the gateway."""
    freeze_what_stays()
    try:
        yield
    finally:
        gc.unfreeze()


def _own_cpu_s() -> float:
    """Of this process and of all that it started, once they have ended."""
    mine, theirs = (resource.getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
