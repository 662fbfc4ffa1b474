"""采样: what is looked up when monitoring asks: claims, outbox, log, the lines to the regions.

The database is read at most once a second, however many ask; where it cannot be read its series are
absent and `yrd_sample_failed` is 1: an old figure would be taken for a new one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    RegionStatus,
    RegionStatuses,
    Store,
)

FRESH_S = 1.0
Row = tuple[tuple[str, ...], float]
"""Label values, and the figure."""
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
    unusable_files: Callable[[], int]
    """Replaced keys and certificates that cannot be used."""
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
        failed, refused = self._failed, bool(self._from.log.signing().refused)
        yield gauge("yrd_sample_failed", "采样失败: 1 while the database cannot be read.", failed)
        yield gauge("yrd_log_signing_refused", "日志停签: 1 while nothing is signed.", refused)
        unusable = self._from.unusable_files()
        text = (
            "无法启用的新文件: replaced keys and certificates; the old ones are in use meanwhile."
        )
        yield gauge("yrd_unusable_files", text, unusable)
        yield from self._lines()
        yield from self._counters()
        if self._sample is not None:
            yield from _claims(self._sample)
            yield from _outbox(self._sample)
            yield from _log(self._sample)

    def _lines(self) -> Iterator[Metric]:
        lines, rate = self._from.regions(), self._from.reversal_rate
        made: tuple[tuple[str, str, Callable[[RegionStatus], float]], ...] = (
            ("breaker", "熔断器: 0 closed, 1 half open, 2 open.", lambda r: BREAKERS[r.breaker]),
            ("in_flight", "在途调用.", lambda r: r.in_flight),
            ("places", "并发上限.", lambda r: r.places),
            ("retries_left", "剩余重试额度: repeats of reads.", lambda r: r.retries_left),
        )
        for name, text, value in made:
            rows = [((line.province,), value(line)) for line in lines]
            yield gauges(f"yrd_region_{name}", text, ("region",), rows)
        rates = [((line.province,), rate(line.province)) for line in lines]
        text = "冲正速率: 2601s a second that are allowed at present."
        yield gauges("yrd_reversal_rate_per_second", text, ("region",), rates)

    def _counters(self) -> Iterator[Metric]:
        commits, works = self._from.commits()
        yield CounterMetricFamily("yrd_commits", "提交次数.", value=commits)
        yield CounterMetricFamily("yrd_commit_works", "提交的事务数.", value=works)
        text = "未知代码: codes in answers that no dictionary has."
        codes = CounterMetricFamily("yrd_unknown_codes", text, labels=("region", "field"))
        for key, count in self._from.unknown_codes().items():
            codes.add_metric(key, count)
        yield codes


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """A single figure."""
    return GaugeMetricFamily(name, text, value=value)


def gauges(name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]) -> GaugeMetricFamily:
    """A figure for each set of labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _claims(sample: Sample) -> Iterator[Metric]:
    labels = ("region", "state", "waits_for")
    keyed = [((c.province, c.state.value, c.waits_for), c) for c in sample.provisional]
    counts = [(key, found.count) for key, found in keyed]
    ages = [(key, _age(sample, found.oldest)) for key, found in keyed]
    name = "yrd_claims_provisional"
    yield gauges(name, "暂定结算单: by what they wait for.", labels, counts)
    yield gauges(f"{name}_oldest_seconds", "最早一笔暂定结算单已等待的秒数.", labels, ages)


def _outbox(sample: Sample) -> Iterator[Metric]:
    labels = ("region", "kind")
    keyed = [((row.province, row.kind), row) for row in sample.outbox]
    counts = [(key, row.count) for key, row in keyed]
    made = [(key, made_at(row.oldest_id)) for key, row in keyed]
    ages = [(key, _age(sample, at)) for key, at in made if at is not None]
    yield gauges("yrd_outbox_waiting", "待发箱: items not delivered yet.", labels, counts)
    yield gauges("yrd_outbox_oldest_seconds", "待发箱中最早一项已等待的秒数.", labels, ages)


def _log(sample: Sample) -> Iterator[Metric]:
    signed = sample.checkpoint.tree_size if sample.checkpoint else 0
    unsigned = max(0, sample.log_size - signed)
    yield gauge("yrd_log_leaves", "日志条目数.", sample.log_size)
    yield gauge("yrd_log_unsigned_leaves", "未签名条目数: beyond the newest checkpoint.", unsigned)
    # One that never was is as old as can be: what waits for it is found by the same rule.
    age = _age(sample, sample.checkpoint.signed_at) if sample.checkpoint else math.inf
    yield gauge("yrd_checkpoint_age_seconds", "最新检查点的年龄.", age)


def _age(sample: Sample, at: datetime) -> float:
    return max(0.0, (sample.at - at).total_seconds())
