"""Several gateway processes on one PostgreSQL database, beside one process with all the callers.

Each process signs checkpoints as well, as gateways do; so the waits for a covering checkpoint are
measured here too. Afterwards the log is verified: dense, one history, nothing lost.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.child import Child
from bench.figures import spread
from bench.ledger_plan import Together
from bench.ledger_series import rounds
from bench.registry import Say
from gateway.database import Database

Start = Callable[[Database, Path, str], Child]
"""A process of the ledger: database, directory with its keys, name."""


def together(
    database: Database, root: Path, plan: Together, say: Say, start: Start
) -> dict[str, Any]:
    """On a database that `make_store` has made. Raises ChildFailed."""
    with ExitStack() as stack:
        many = [
            stack.enter_context(start(database, root, f"gateway-{n}"))
            for n in range(1, plan.processes + 1)
        ]
        fsync = many[0].ask(what="fsync", seconds=0.3)
        alone: list[dict[str, Any]] = []
        shared: list[dict[str, Any]] = []
        for number in rounds(plan.rounds, plan.at_most_s):
            alone.append(_load(many[:1], plan.callers, plan.seconds))
            shared.append(_load(many, plan.callers // plan.processes, plan.seconds))
            say(
                f"{plan.callers} callers, round {number} of {plan.rounds}: one process "
                f"{alone[-1]['per_s']:,.0f}, {plan.processes} processes "
                f"{shared[-1]['per_s']:,.0f} a second"
            )
        verified = many[-1].ask(patience_s=plan.patience_s, what="verify")
        fsync_after = many[0].ask(what="fsync", seconds=0.3)
    ratios = [b["per_s"] / max(a["per_s"], 1) for a, b in zip(alone, shared, strict=True)]
    return {
        "processes": plan.processes,
        "callers": plan.callers,
        "one_process": _document(alone),
        "together": _document(shared),
        "ratio": round(median(ratios), 2),
        "ratio_rounds": spread(ratios, 2),
        "verified": verified,
        "fsync_us": {"before": fsync, "after": fsync_after},
    }


def _load(children: list[Child], callers: int, seconds: float) -> dict[str, Any]:
    """All at once; the sum of their rates, the longest of their waits."""
    job: dict[str, Any] = {"callers": callers, "seconds": seconds}
    with ThreadPoolExecutor(len(children)) as threads:

        def ask(**more: Any) -> list[dict[str, Any]]:
            asked = [
                threads.submit(child.ask, patience_s=seconds + 120, **job, **more)
                for child in children
            ]
            return [future.result() for future in asked]

        ask(what="prepare")
        answers = ask(what="append", prepared=True, signing=True)
    return {
        "per_s": sum(answer["per_s"] for answer in answers),
        "median_us": median(answer["took_us"]["median"] for answer in answers),
        "p99_us": max(answer["took_us"]["p99"] for answer in answers),
        "signed_median_us": median(answer["signed_us"]["median"] for answer in answers),
        "signed_p99_us": max(answer["signed_us"]["p99"] for answer in answers),
    }


def _document(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: spread([measured[name] for measured in rounds]) for name in rounds[0]}
