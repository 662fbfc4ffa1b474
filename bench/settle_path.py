"""结算路径: where the time of one settlement goes, and what a settled claim costs under load.

(1) The disk's own measure. (2) One caller: every stage of each claim, and what is left of the
caller's wait. (3) Many callers, in rounds, each beside the bare echo of the same message sizes by
the same client: what is compared was measured seconds apart. (4) The disk again.
Results are whole µs; medians and the spread of the rounds; nothing is asserted about time.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.disk import disk
from bench.figures import quantiles, spread
from bench.house import House, house
from bench.machine import busy_s, cpu_s_of, machine
from bench.registry import Say

FIRST, LAST = "identity", "reply"
"""Stages that begin and end a settled claim's account; between two claims nothing is observed."""
STAGES = (
    "identity", "decode", "find", "price", "look_up", "compute", "intent", "region", "settle",
    "reply",
)  # fmt: skip
REGION_STAGES = ("look_up", "region")
"""What waits for the insured region: 1101 and 5206; then 2201, 2203, 2204, 2207."""
EDGE = "edge"
"""What is left of the caller's wait: TLS, HTTP/2, gRPC on both sides, tasks, answer's bytes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure what; seconds."""

    disk_s: float
    warm_up_s: float
    alone_s: float
    echo_s: float
    crowd_s: float
    callers: tuple[int, ...]
    rounds: int


WHOLE = Plan(
    disk_s=2, warm_up_s=3, alone_s=16, echo_s=2, crowd_s=7, callers=(32, 128), rounds=3
)  # fmt: skip
QUICK = Plan(
    disk_s=0.2, warm_up_s=0.5, alone_s=1, echo_s=0.3, crowd_s=1, callers=(4,), rounds=1
)  # fmt: skip


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """The report's document. Raises ChildFailed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yrd-bench-") as folder:
        root = Path(folder)
        report: dict[str, Any] = {"bench": "settle-path", "machine": machine(root)}
        say("the disk: fsync, and single-row commits")
        before = disk(root, plan.disk_s)
        say("starting three platforms, the gateway, the echo and the hospital")
        with house(root) as running:
            run = _Run(running, plan, say)
            report["one_caller"] = run.one_caller()
            report["many_callers"] = run.many_callers()
            report["message_bytes"] = run.sizes
            report["outcomes"] = run.outcomes
        say("the disk again")
        (root / "again").mkdir()
        report["disk"] = {"before": before, "after": disk(root / "again", plan.disk_s)}
    report["machine"]["load_average_after"] = round(os.getloadavg()[0], 2)
    report["seconds"] = round(time.monotonic() - began)
    return report


class _Run:
    """One bench run against a running house."""

    def __init__(self, running: House, plan: Plan, say: Say) -> None:
        self._house, self._plan, self._say = running, plan, say
        self._runs = 0
        self.sizes: dict[str, int] = {}
        self.outcomes: dict[str, int] = {}

    def one_caller(self) -> dict[str, Any]:
        """Every stage of each claim, one claim at a time."""
        self._say(f"one caller: {self._plan.alone_s:g} s")
        self._settle(1, self._plan.warm_up_s)
        self._house.gateway.ask()
        load, used = self._settle(1, self._plan.alone_s)
        told = claims_told(used["stages"])
        echo, _ = self._echo(1)
        return account(told, load["took_us"]) | {
            "gateway_cpu_us_per_claim": round(used["cpu_us"] / max(load["done"], 1)),
            "platform_cpu_us_per_claim": used["platform_cpu_us_per_claim"],
            "echo_us": quantiles(echo["took_us"]),
        }

    def many_callers(self) -> list[dict[str, Any]]:
        """Rates and CPU, each level in rounds beside its baseline."""
        rows: dict[int, list[dict[str, Any]]] = {n: [] for n in self._plan.callers}
        for number in range(1, self._plan.rounds + 1):
            for callers in self._plan.callers:
                self._say(f"{callers} callers, round {number} of {self._plan.rounds}")
                rows[callers].append(self._round(callers))
        return [{"callers": n, "rounds": len(r)} | _over_rounds(r) for n, r in rows.items()]

    def _round(self, callers: int) -> dict[str, Any]:
        load, used = self._settle(callers, self._plan.crowd_s)
        echo, echo_cpu_us = self._echo(callers)
        done = max(load["done"], 1)
        gateway_us = used["cpu_us"] / done
        return {
            "settled_per_s": load["per_s"],
            "gateway_cpu_us_per_claim": gateway_us,
            "platform_cpu_us_per_claim": used["platform_cpu_us_per_claim"],
            "other_cores_busy": used["other_cores_busy"],
            "echo_per_s": echo["per_s"],
            "echo_cpu_us_per_call": echo_cpu_us,
            "claim_costs_echoes": gateway_us / max(echo_cpu_us, 1),
            "took_us": load["took_us"],
        }

    def _settle(self, callers: int, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what the hospital saw, what the others used)."""
        self._runs += 1
        house, pids = self._house, [p.pid for p in self._house.platforms]
        before = house.gateway.ask()
        began, busy, platforms = time.monotonic(), busy_s(), [cpu_s_of(pid) for pid in pids]
        hospital_before = cpu_s_of(house.hospital.pid)
        load = self._load("settle", house.gateway_address, callers, seconds, run=f"R{self._runs}")
        after = house.gateway.ask(stages=callers == 1)
        done = max(load["done"], 1)
        used_s = _difference(platforms, [cpu_s_of(pid) for pid in pids])
        client_s = _difference([hospital_before], [cpu_s_of(house.hospital.pid)])
        all_s = _difference([busy], [busy_s()])
        cpu_s = after["cpu_s"] - before["cpu_s"]
        others = None
        if all_s is not None and used_s is not None and client_s is not None:
            rest = all_s - used_s - client_s - cpu_s
            others = round(max(rest, 0.0) / (time.monotonic() - began), 2)
        for outcome, count in load["outcomes"].items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        self.sizes = {k: load[k] for k in ("request_bytes", "reply_bytes") if k in load}
        return load, {
            "cpu_us": cpu_s * 1e6,
            "stages": after["stages"],
            "platform_cpu_us_per_claim": None if used_s is None else round(used_s * 1e6 / done),
            "other_cores_busy": others,
        }

    def _echo(self, callers: int) -> tuple[dict[str, Any], float]:
        """(what the hospital saw, CPU µs a call) of the baseline."""
        before = self._house.echo.ask(reply_bytes=self.sizes["reply_bytes"])
        load = self._load(
            "echo", self._house.echo_address, callers, self._plan.echo_s,
            request_bytes=self.sizes["request_bytes"],
        )  # fmt: skip
        used_s = self._house.echo.ask()["cpu_s"] - before["cpu_s"]
        return load, used_s * 1e6 / max(load["done"], 1)

    def _load(
        self, what: str, address: str, callers: int, seconds: float, **more: Any
    ) -> dict[str, Any]:
        return self._house.hospital.ask(
            patience_s=seconds + 60, what=what, address=address, callers=callers,
            seconds=seconds, **more,
        )  # fmt: skip


def claims_told(stages: Sequence[Sequence[Any]]) -> list[dict[str, tuple[int, int]]]:
    """The stages of each settled claim, stage → (µs, CPU µs), from one caller's stream of them."""
    claims: list[dict[str, tuple[int, int]]] = []
    for stage, took_us, cpu_us in stages:
        if stage == FIRST:
            claims.append({})
        if claims:
            claims[-1][stage] = (took_us, cpu_us)
    return [claim for claim in claims if LAST in claim]


def account(told: list[dict[str, tuple[int, int]]], took_us: Sequence[int]) -> dict[str, Any]:
    """Stage by stage, what is left at the edge, and the region's share of the whole."""
    pairs = list(zip(told, took_us, strict=False))
    waits = [total - sum(us for us, _ in claim.values()) for claim, total in pairs]
    total_us = quantiles(took_us)
    whole = max(total_us["median"], 1)
    rows: list[dict[str, Any]] = [
        {
            "stage": stage,
            "us": quantiles([claim[stage][0] for claim in told if stage in claim]),
            "cpu_us": quantiles([claim[stage][1] for claim in told if stage in claim])["median"],
        }
        for stage in STAGES
    ]
    # What the process used between two claims is counted where the next one begins.
    edge_cpu_us, rows[0]["cpu_us"] = rows[0]["cpu_us"], 0
    rows.append({"stage": EDGE, "us": quantiles(waits), "cpu_us": edge_cpu_us})
    for row in rows:
        row["share"] = round(row["us"]["median"] / whole, 3)
    region = [(_of_region(claim, 0), _of_region(claim, 1), total) for claim, total in pairs]
    return {
        "settled": len(told),
        "total_us": total_us,
        "stages": rows,
        "region_share": _median_share([us / max(total, 1) for us, _, total in region]),
        # Our own CPU in those stages: building, signing, sending, reading the messages.
        "region_waiting_share": _median_share(
            [max(us - cpu_us, 0) / max(total, 1) for us, cpu_us, total in region]
        ),
    }


def _of_region(claim: dict[str, tuple[int, int]], part: int) -> int:
    return sum(claim[stage][part] for stage in REGION_STAGES)


def _median_share(shares: list[float]) -> float:
    return round(median(shares), 3) if shares else 0.0


def _over_rounds(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {"took_us": quantiles([us for r in rounds for us in r["took_us"]])}
    for name in rounds[0]:
        values = [r[name] for r in rounds if r[name] is not None]
        if name != "took_us":
            digits = 2 if name == "other_cores_busy" else 1
            merged[name] = spread(values, digits) if values else None
    return merged


def _difference(before: Sequence[float | None], after: Sequence[float | None]) -> float | None:
    """What all of them used together; None if one is not known."""
    total = 0.0
    for first, second in zip(before, after, strict=True):
        if first is None or second is None:
            return None
        total += second - first
    return total
