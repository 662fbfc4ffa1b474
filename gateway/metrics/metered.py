"""计量: the regions and the store as before, with each call counted and timed.

Stands between a journey and what it is handed, so that neither knows of it. What a call is about is
not looked at; only its kind, its length and how it ended.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from gateway.metrics.series import Series
from gateway.ports import (
    Accepted,
    Books,
    BooksReader,
    Clock,
    Declined,
    NoAnswer,
    NotDelivered,
    RegionGateway,
    Regions,
    Store,
)

T = TypeVar("T")
OUTCOMES = {
    Accepted: "accepted", Declined: "declined", NoAnswer: "no_answer",
    NotDelivered: "not_delivered",
}  # fmt: skip
FAILED = "failed"
"""It raised: a defect, or the caller was cancelled."""


class MeteredRegions:
    """Implements ports.Regions."""

    def __init__(self, regions: Regions, series: Series, clock: Clock) -> None:
        self._regions, self._series, self._clock = regions, series, clock

    def of(self, region: str) -> RegionGateway:
        found = self._regions.of(region)
        # Every method of the port by one rule: one that is added later is counted too.
        return cast("RegionGateway", _Metered(found, region[:2], self._series, self._clock))


class _Metered:
    """One platform; what is awaited is timed, the rest is passed on."""

    def __init__(
        self, platform: RegionGateway, province: str, series: Series, clock: Clock
    ) -> None:
        self._platform, self._province = platform, province
        self._series, self._clock = series, clock

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._platform, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def timed(*arguments: Any, **named: Any) -> Any:
            began = self._clock.monotonic()
            answer: Any = None
            try:
                answer = await method(*arguments, **named)
            finally:
                self._tell(name, answer, self._clock.monotonic() - began)
            return answer

        return timed

    def _tell(self, name: str, answer: Any, seconds: float) -> None:
        outcome = OUTCOMES.get(type(answer), FAILED)
        transaction = answer.exchange.transaction if outcome is not FAILED else name
        self._series.calls.labels(self._province, transaction, outcome).observe(seconds)
        if name == "reverse":
            self._series.reversals.labels(self._province, outcome).inc()


class MeteredStore:
    """Implements ports.Store: how long a write waits for its commit."""

    def __init__(self, store: Store, series: Series, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._committed = series.writes.labels("committed")
        self._refused = series.writes.labels("refused")

    async def write(self, work: Callable[[Books], T]) -> T:
        began, told = self._clock.monotonic(), self._refused
        try:
            result = await self._store.write(work)
            told = self._committed
        finally:
            told.observe(self._clock.monotonic() - began)
        return result

    async def read(self, work: Callable[[BooksReader], T]) -> T:
        return await self._store.read(work)
