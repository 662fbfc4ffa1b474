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
    at_most_s: float = 3_600
    """No further round is begun that would end later: on a crowded machine all takes longer."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several processes on one database, beside one."""

    processes: int
    callers: int
    """In all."""
    rounds: int
    seconds: float
    at_most_s: float = 3_600
    patience_s: float = 600
    """For verifying what was written."""


@dataclass(frozen=True, slots=True)
class Made:
    """Ledgers made for reading."""

    sizes: tuple[int, ...]
    """Entries of each; receipts compare the first with the last."""
    receipt_rounds: int
    receipt_s: float
    verify_from: int
    """Smaller ones are not verified: the start of Python would be most of it."""
    tile_leaves_max: int
    tile_rounds: int
    make_s: float = 3_600
    """A ledger that would take longer to make is left out, which is said."""
    patience_s: float = 1_800


@dataclass(frozen=True, slots=True)
class Plan:
    """One form of the bench."""

    series: Series
    slow_series: Series
    """With 2 ms added to each fsync."""
    signing: Series
    """On SQLite, with checkpoints signed meanwhile; PostgreSQL has it in `together`."""
    together: Together
    made: Made
    scale: int
    """Of pgbench's tables: branches; not below the most clients."""
    segments: int
    """Of WAL, 16 MB each, that the server has to recycle before anything is measured."""


QUICK = Plan(
    series=Series(callers=(1, 16), clients=(1, 4), rounds=1, seconds=1, fsync_s=0.1),
    slow_series=Series(callers=(16,), clients=(4,), rounds=1, seconds=1, fsync_s=0.1),
    signing=Series(callers=(16,), clients=(), rounds=1, seconds=1),
    together=Together(processes=2, callers=16, rounds=1, seconds=1),
    made=Made(
        sizes=(1_000, 5_000), receipt_rounds=1, receipt_s=0.3, verify_from=5_000,
        tile_leaves_max=10_000, tile_rounds=1,
    ),
    scale=4,
    segments=4,
)  # fmt: skip
PLAIN = Plan(
    series=Series(
        callers=(1, 16, 128, 512), clients=(1, 8, 32, 64), rounds=5, seconds=2, at_most_s=140
    ),
    slow_series=Series(callers=(1, 128, 512), clients=(32, 64), rounds=2, seconds=2, at_most_s=40),
    signing=Series(callers=(128,), clients=(), rounds=2, seconds=2),
    together=Together(processes=4, callers=512, rounds=4, seconds=2, at_most_s=50),
    made=Made(
        sizes=(10_000, 100_000, 1_000_000), receipt_rounds=3, receipt_s=1, verify_from=100_000,
        tile_leaves_max=200_000, tile_rounds=3, make_s=60,
    ),
    scale=64,
    segments=128,
)  # fmt: skip
FULL = Plan(
    series=Series(callers=(1, 16, 128, 512), clients=(1, 8, 32, 64), rounds=5, seconds=10),
    slow_series=Series(callers=(1, 16, 128, 512), clients=(1, 8, 32, 64), rounds=2, seconds=8),
    signing=Series(callers=(1, 128, 512), clients=(), rounds=3, seconds=10),
    together=Together(processes=4, callers=512, rounds=5, seconds=10),
    made=Made(
        sizes=(10_000, 100_000, 1_000_000, 10_000_000), receipt_rounds=5, receipt_s=4,
        verify_from=100_000, tile_leaves_max=1_100_000, tile_rounds=3,
    ),
    scale=64,
    segments=250,
)  # fmt: skip
