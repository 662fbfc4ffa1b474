"""计量: each call is counted once by how it ended, and nothing else about it is kept."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.domain.claim import ClaimState
from gateway.domain.errors import StorageUnavailable
from gateway.ids import SystemIds, made_at
from gateway.metrics.collect import Lookups, Sources
from gateway.metrics.metered import MeteredRegions, MeteredStore
from gateway.metrics.series import Series
from gateway.ports import (
    Accepted,
    Declined,
    Exchange,
    NoAnswer,
    NotDelivered,
    OutboxCount,
    ProvisionalCount,
    RegionStatus,
    Signing,
)

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
SETTLING = Exchange("2207", b"{}", b"{}")


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.at)


class Platform:
    """Answers what it was given, after two seconds."""

    def __init__(self, clock: Clock, answer: Any) -> None:
        self._clock, self._answer = clock, answer

    def of(self, region: str) -> Platform:
        return self

    def health(self) -> str:
        return "closed"

    async def settle(self, *arguments: object) -> Any:
        self._clock.at += 2.0
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    reverse = settle


def counted(series: Series, transaction: str, outcome: str) -> tuple[float | None, float | None]:
    labels = {"region": "33", "transaction": transaction, "outcome": outcome}
    count = series.registry.get_sample_value("yrd_region_call_seconds_count", labels)
    return count, series.registry.get_sample_value("yrd_region_call_seconds_sum", labels)


def metered(clock: Clock, answer: Any) -> tuple[Series, Any]:
    series = Series()
    regions: Any = Platform(clock, answer)
    measuring: Any = clock
    return series, MeteredRegions(regions, series, measuring).of("330421")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Accepted(None, SETTLING), "accepted"),
        (Declined("-1", "no", SETTLING), "declined"),
        (NoAnswer("timeout", SETTLING), "no_answer"),
        (NotDelivered("breaker_open", SETTLING), "not_delivered"),
    ],
)
async def test_a_call_is_counted_by_its_outcome_and_its_length(answer: Any, outcome: str) -> None:
    series, region = metered(Clock(), answer)
    assert await region.settle("context") is answer
    assert counted(series, "2207", outcome) == (1.0, 2.0)


@pytest.mark.parametrize("error", [RuntimeError("a defect"), asyncio.CancelledError()])
async def test_a_call_that_raises_is_counted_and_still_raises(error: BaseException) -> None:
    series, region = metered(Clock(), error)
    with pytest.raises(type(error)):
        await region.settle("context")
    assert counted(series, "settle", "failed") == (1.0, 2.0)


async def test_reversals_are_counted_by_themselves_and_what_is_not_awaited_is_passed_on() -> None:
    series, region = metered(Clock(), Accepted(None, Exchange("2601", b"", b"")))
    await region.reverse("context")
    labels = {"region": "33", "outcome": "accepted"}
    assert series.registry.get_sample_value("yrd_reversals_total", labels) == 1.0
    assert region.health() == "closed"


async def test_a_write_is_timed_until_its_commit_refused_or_not() -> None:
    clock = Clock()

    class Slow:
        async def write(self, work: Callable[[Any], Any]) -> Any:
            clock.at += 0.25
            return work(None)

    def refuse(_: object) -> None:
        raise StorageUnavailable("the disk is full")

    series = Series()
    slow: Any = Slow()
    measuring: Any = clock
    store = MeteredStore(slow, series, measuring)
    assert await store.write(lambda _: 7) == 7
    with pytest.raises(StorageUnavailable):
        await store.write(refuse)
    for outcome in ("committed", "refused"):
        found = series.registry.get_sample_value("yrd_write_seconds_sum", {"outcome": outcome})
        assert found == 0.25


class Database:
    """A store and a log that can be ill."""

    def __init__(self) -> None:
        self.ill = False
        self.reads = 0

    async def read(self, work: Callable[[Any], Any]) -> Any:
        self.reads += 1
        if self.ill:
            raise StorageUnavailable("gone")
        return work(self)

    def provisional_counts(self) -> tuple[ProvisionalCount, ...]:
        since = NOON - timedelta(seconds=60)
        return (ProvisionalCount("33", ClaimState.UNKNOWN, "gateway", 4, since),)

    def outbox_counts(self) -> tuple[OutboxCount, ...]:
        made = SystemIds(lambda: NOON - timedelta(seconds=30)).outbox_id()
        return OutboxCount("31", "visited_settlement", 2, made), OutboxCount("31", "x", 1, "odd")

    async def checkpoint(self, tree_size: int = 0) -> None:
        return None

    async def size(self) -> int:
        return 9

    def signing(self) -> Signing:
        return Signing("LOG_KEY_OUT_OF_DATE")


async def test_lookups_read_once_a_second_and_say_so_when_they_cannot() -> None:
    clock, database = Clock(), Database()
    given: Any = database
    measuring: Any = clock
    lookups = Lookups(
        Sources(
            store=given, log=given, clock=measuring,
            regions=lambda: (RegionStatus("33", "open", 1, 64, 10),),
            commits=lambda: (3, 12), unknown_codes=lambda: {("33", "insutype"): 2},
            unusable_files=lambda: 1, reversal_rate=lambda province: 1.25,
        )
    )  # fmt: skip
    registry = CollectorRegistry()
    registry.register(lookups)
    for _ in range(5):
        await lookups.refresh()
    assert database.reads == 1
    value = registry.get_sample_value
    waiting = {"region": "33", "state": "UNKNOWN", "waits_for": "gateway"}
    assert value("yrd_claims_provisional", waiting) == 4
    assert value("yrd_claims_provisional_oldest_seconds", waiting) == 60
    told = {"region": "31", "kind": "visited_settlement"}
    assert value("yrd_outbox_oldest_seconds", told) == 30
    assert value("yrd_outbox_waiting", told | {"kind": "x"}) == 1
    assert value("yrd_outbox_oldest_seconds", told | {"kind": "x"}) is None
    assert value("yrd_region_breaker", {"region": "33"}) == 2
    assert value("yrd_commit_works_total") == 12
    assert value("yrd_unknown_codes_total", {"region": "33", "field": "insutype"}) == 2
    assert value("yrd_log_unsigned_leaves") == 9
    assert value("yrd_log_signing_refused") == value("yrd_unusable_files") == 1
    assert value("yrd_checkpoint_age_seconds") == math.inf, "there never was one"
    database.ill, clock.at = True, 2.0
    await lookups.refresh()
    assert value("yrd_sample_failed") == 1
    assert value("yrd_claims_provisional", waiting) is None, "an old figure is worse than none"
    assert value("yrd_region_breaker", {"region": "33"}) == 2


def test_an_id_tells_when_it_was_made_and_nothing_else_does() -> None:
    assert made_at(SystemIds(lambda: NOON).claim_id()) == NOON
    assert made_at("clm_1") is None
    assert made_at("clm_" + "U" * 26) is None
