"""How long the ledger's bench measures what, in its three forms; seconds and counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """Appends in rounds, each number of callers beside the baseline."""

    callers: tuple[int, ...]
    clients: tuple[int, ...]
    """Of pgbench's TPC-B."""
    rounds: int
    seconds: float
    """Each run of each round."""
    fsync_s: float = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """One form of the bench."""

    series: Series
    slow_series: Series
    """With 2 ms added to each fsync."""
    scale: int
    """Of pgbench's tables: branches; not below the most clients."""


_PLAIN = Series(callers=(1, 16, 128, 512), clients=(1, 8, 32, 64), rounds=3, seconds=3)
PLAIN = Plan(
    series=_PLAIN,
    slow_series=Series(callers=(1, 128, 512), clients=(32, 64), rounds=1, seconds=3),
    scale=64,
)
QUICK = Plan(
    series=Series(callers=(1, 16), clients=(1, 4), rounds=1, seconds=1, fsync_s=0.1),
    slow_series=Series(callers=(16,), clients=(4,), rounds=1, seconds=1, fsync_s=0.1),
    scale=4,
)
FULL = Plan(
    series=Series(callers=(1, 16, 128, 512), clients=(1, 8, 32, 64), rounds=5, seconds=10),
    slow_series=Series(callers=(1, 16, 128, 512), clients=(1, 8, 32, 64), rounds=2, seconds=8),
    scale=64,
)
