"""Appends beside their baseline, in rounds: what is compared was measured seconds apart.

A series knows nothing of databases: it is told how to append and how to measure each baseline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from bench.child import Child
from bench.figures import spread
from bench.ledger_plan import Series
from bench.registry import Say

Measure = Callable[[float], tuple[float, dict[str, int]]]
"""seconds → (rate a second, {median, p99, count} of µs)."""
TPCB, ONE_ROW = "TPC-B", "one row"


@dataclass(slots=True)
class Figures:
    """What one thing came to, round by round."""

    per_s: list[float] = field(default_factory=list)
    median_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)
    more: dict[str, list[float]] = field(default_factory=dict)

    def add(self, per_s: float, took_us: Mapping[str, int], **more: float) -> None:
        """Of one more round."""
        self.per_s.append(per_s)
        self.median_us.append(took_us["median"])
        self.p99_us.append(took_us["p99"])
        for name, value in more.items():
            self.more.setdefault(name, []).append(value)

    def document(self) -> dict[str, Any]:
        return {
            "per_s": spread(self.per_s),
            "median_us": spread(self.median_us),
            "p99_us": spread(self.p99_us),
        } | {name: spread(values, 1) for name, values in self.more.items()}


class Interleaved:
    """One series on one database."""

    def __init__(self, child: Child, plan: Series, say: Say, *, title: str) -> None:
        self._child, self._plan, self._say, self._title = child, plan, say, title
        self._baselines: dict[str, Measure] = {}
        self._figures: dict[str, Figures] = {}
        self._fsync: dict[str, list[dict[str, int]]] = {"before": [], "after": []}

    def beside(self, name: str, measure: Measure) -> None:
        """One more baseline, measured once a round."""
        self._baselines[name] = measure

    def run(self) -> None:
        """Raises ChildFailed."""
        for number in rounds(self._plan.rounds, self._plan.at_most_s):
            self._fsync["before"].append(self._measure_fsync())
            lines = [*zip_longest(self._baselines, self._plan.callers)]
            told = [line for pair in lines for line in self._pair(*pair)]
            self._fsync["after"].append(self._measure_fsync())
            fsync = self._fsync["after"][-1]["median"]
            self._say(
                f"{self._title}, round {number} of {self._plan.rounds}: "
                f"{', '.join(told)} a second; fsync {fsync} µs"
            )

    def appends(self, callers: int) -> Figures:
        return self._figures[_appends(callers)]

    def baseline(self, name: str) -> Figures:
        return self._figures[name]

    def document(self) -> dict[str, Any]:
        """The appends and the disk; the baselines are named by who knows them."""
        rows = [{"callers": n} | self.appends(n).document() for n in self._plan.callers]
        fsync = {
            when: {part: spread([m[part] for m in measured]) for part in ("median", "p99")}
            for when, measured in self._fsync.items()
        }
        return {"appends": rows, "fsync_us": fsync, "rounds": len(self._fsync["after"])}

    def _pair(self, baseline: str | None, callers: int | None) -> list[str]:
        told = []
        if baseline is not None:
            per_s, took_us = self._baselines[baseline](self._plan.seconds)
            self._figures.setdefault(baseline, Figures()).add(per_s, took_us)
            told.append(f"{baseline} {per_s:,.0f}")
        if callers is not None:
            run = self._child.ask(
                patience_s=self._plan.seconds + 120,
                what="append", callers=callers, seconds=self._plan.seconds,
            )  # fmt: skip
            figures = self._figures.setdefault(_appends(callers), Figures())
            figures.add(
                run["per_s"],
                run["took_us"],
                appends_per_commit=run["appends_per_commit"],
                cpu_us=run["cpu_us"],
            )
            told.append(f"{_appends(callers)} {run['per_s']:,.0f}")
        return told

    def _measure_fsync(self) -> dict[str, int]:
        seconds = self._plan.fsync_s
        measured: dict[str, int] = self._child.ask(what="fsync", seconds=seconds)
        return measured


def rounds(count: int, at_most_s: float) -> Iterator[int]:
    """1, 2 … count; ends earlier where one round more would probably end too late."""
    began = time.monotonic()
    for number in range(1, count + 1):
        done = number - 1
        if done and (time.monotonic() - began) / done * number > at_most_s:
            return
        yield number


def ratio(ours: Figures, theirs: Figures) -> dict[str, float]:
    """Rate to rate: of the medians, and the lowest and highest of the rounds."""
    return _ratios(ours.per_s, theirs.per_s)


def slowness(ours: Figures, theirs: Figures) -> dict[str, float]:
    """Median wait to median wait, in the same way."""
    return _ratios(ours.median_us, theirs.median_us)


def _ratios(ours: list[float], theirs: list[float]) -> dict[str, float]:
    rounds = [mine / max(other, 1) for mine, other in zip(ours, theirs, strict=True)]
    whole = spread(ours)["median"] / max(spread(theirs)["median"], 1)
    return {"ratio": round(whole, 2), "low": round(min(rounds), 2), "high": round(max(rounds), 2)}


def _appends(callers: int) -> str:
    return f"{callers} caller{'s' if callers > 1 else ''}"
