"""采样: what is looked up when monitoring asks: claims, outbox, log, the lines to the regions.

The database is read at most once a second, however many ask, and in one snapshot; where it cannot
be read its series are absent and `yrd_sample_failed` is 1: an old figure would be taken for a new
one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.domain.errors import DomainError
from gateway.ids import made_at
from gateway.ports import (
    CheckpointView,
    Clock,
    Log,
    OutboxCount,
    ProvisionalCount,
    RegionStatuses,
    Store,
)

FRESH_S = 1.0
BREAKERS = {"closed": 0, "half_open": 1, "open": 2}


@dataclass(frozen=True, slots=True)
class Sample:
    """The database at one moment."""

    at: datetime
    provisional: tuple[ProvisionalCount, ...]
    outbox: tuple[OutboxCount, ...]
    checkpoint: CheckpointView | None
    log_size: int


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from."""

    store: Store
    log: Log
    regions: RegionStatuses
    clock: Clock
    commits: Callable[[], tuple[int, int]]
    """(commits, works) of the writer so far."""
    unknown_codes: Callable[[], Mapping[tuple[str, str], int]]
    """(province, field) → codes in answers that no dictionary has, since the start."""
    reversal_rate: Callable[[str], float]
    """Province → 2601s a second that its pace allows at present."""


class Lookups(Collector):
    """A collector of prometheus_client; `refresh` before each scrape."""

    def __init__(self, sources: Sources) -> None:
        self._from = sources
        self._sample: Sample | None = None
        self._failed = False
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the database, unless that was just done."""
        async with self._reading:
            now = self._from.clock.monotonic()
            if self._read_at is not None and now - self._read_at < FRESH_S:
                return
            try:
                self._sample, self._failed = await self._read(), False
            except DomainError:
                self._sample, self._failed = None, True
            self._read_at = now

    async def _read(self) -> Sample:
        provisional, outbox = await self._from.store.read(
            lambda reader: (reader.provisional_counts(), reader.outbox_counts())
        )
        checkpoint = await self._from.log.checkpoint()
        size = await self._from.log.size()
        return Sample(self._from.clock.now(), provisional, outbox, checkpoint, size)

    def collect(self) -> Iterator[Metric]:
        yield gauge("yrd_sample_failed", "采样失败: 1 while the database cannot be read.", ())(
            [((), int(self._failed))]
        )
        yield from self._lines()
        yield from self._writer()
        codes = CounterMetricFamily(
            "yrd_unknown_codes", "未知代码: codes in answers that no dictionary has.",
            labels=("region", "field"),
        )  # fmt: skip
        for key, count in self._from.unknown_codes().items():
            codes.add_metric(key, count)
        yield codes
        refused = bool(self._from.log.signing().refused)
        yield gauge("yrd_log_signing_refused", "日志停签: 1 while nothing is signed.", ())(
            [((), int(refused))]
        )
        if self._sample is not None:
            yield from _claims(self._sample)
            yield from _outbox(self._sample)
            yield from _log(self._sample)

    def _lines(self) -> Iterator[Metric]:
        lines = self._from.regions()
        labels = ("region",)
        made = (
            ("yrd_region_breaker", "熔断器: 0 closed, 1 half open, 2 open.",
             [(line.province, BREAKERS[line.breaker]) for line in lines]),
            ("yrd_region_in_flight", "在途调用.", [(li.province, li.in_flight) for li in lines]),
            ("yrd_region_places", "并发上限.", [(line.province, line.places) for line in lines]),
            ("yrd_region_retries_left", "剩余重试额度.",
             [(line.province, line.retries_left) for line in lines]),
            ("yrd_reversal_rate_per_second", "冲正速率: allowed at present.",
             [(line.province, self._from.reversal_rate(line.province)) for line in lines]),
        )  # fmt: skip
        for name, text, rows in made:
            yield gauge(name, text, labels)([((province,), value) for province, value in rows])

    def _writer(self) -> Iterator[Metric]:
        commits, works = self._from.commits()
        yield CounterMetricFamily("yrd_commits", "提交次数.", value=commits)
        yield CounterMetricFamily(
            "yrd_commit_works", "提交的事务数: by commits, the size of a group.", value=works
        )


def gauge(
    name: str, text: str, labels: tuple[str, ...]
) -> Callable[[list[tuple[tuple[str, ...], float]]], GaugeMetricFamily]:
    """A family, to be given its rows."""

    def filled(rows: list[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, text, labels=labels)
        for values, value in rows:
            family.add_metric(values, value)
        return family

    return filled


def _claims(sample: Sample) -> Iterator[Metric]:
    labels = ("region", "state", "waits_for")
    keyed = [((c.province, c.state.value, c.waits_for), c) for c in sample.provisional]
    yield gauge("yrd_claims_provisional", "暂定结算单: by whom they wait for.", labels)(
        [(key, found.count) for key, found in keyed]
    )
    yield gauge("yrd_claims_provisional_oldest_seconds", "最早一笔暂定结算单已等待的秒数.", labels)(
        [(key, _age(sample, found.oldest)) for key, found in keyed]
    )


def _outbox(sample: Sample) -> Iterator[Metric]:
    labels = ("region", "kind")
    keyed = [((row.province, row.kind), row) for row in sample.outbox]
    yield gauge("yrd_outbox_waiting", "待发箱: items not delivered yet.", labels)(
        [(key, row.count) for key, row in keyed]
    )
    ages = [(key, made_at(row.oldest_id)) for key, row in keyed]
    yield gauge("yrd_outbox_oldest_seconds", "待发箱中最早一项已等待的秒数.", labels)(
        [(key, _age(sample, at)) for key, at in ages if at is not None]
    )


def _log(sample: Sample) -> Iterator[Metric]:
    yield gauge("yrd_log_leaves", "日志条目数.", ())([((), sample.log_size)])
    signed = sample.checkpoint.tree_size if sample.checkpoint else 0
    yield gauge("yrd_log_unsigned_leaves", "未签名条目数: beyond the newest checkpoint.", ())(
        [((), max(0, sample.log_size - signed))]
    )
    if sample.checkpoint is not None:
        yield gauge("yrd_checkpoint_age_seconds", "最新检查点的年龄.", ())(
            [((), _age(sample, sample.checkpoint.signed_at))]
        )


def _age(sample: Sample, at: datetime) -> float:
    return max(0.0, (sample.at - at).total_seconds())
