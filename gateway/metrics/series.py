"""指标名录: every series there is, its name, unit and labels, in one place.

What is counted as it happens stands here as an instrument; what is looked up when somebody asks is
in collect.py. Labels are codes from short lists: a province, a transaction, an outcome, a state.
Seconds and counts; no money.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

CALL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
WRITE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Series:
    """One gateway's registry and the instruments in it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Histogram(
            "yrd_region_call_seconds",
            "地区平台调用耗时: a call to a province's platform, until its answer or its end.",
            ("region", "transaction", "outcome"),
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
        self.reversals = Counter(
            "yrd_reversals",
            "冲正 2601: sent, by what came back.",
            ("region", "outcome"),
            registry=self.registry,
        )
        self.writes = Histogram(
            "yrd_write_seconds",
            "提交耗时: from asking for a transaction until its commit is on disk.",
            ("outcome",),
            buckets=WRITE_BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(namespace="yrd", registry=self.registry)
