"""`./yrd test --campaign unknown`: ten thousand seeds of the simulation, on every core.

Each seed is one world of tests/simulation/test_simulation.py. A line tells how far it is; a world
in which a promise did not hold is printed with the command that runs it again. Houses lie in memory
where the system has a place for that: what is tried here is not the disk.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from gateway.ids import SystemIds
from gateway.store.keyring import create_keys
from gateway.store.migrate import migrate_database
from gateway.store.open_store import StoreOptions
from tests.simulation.conftest import ORIGIN, Site
from tests.simulation.process import run_virtually
from tests.simulation.test_simulation import run_seed

SEEDS = 10_000
MEMORY = Path("/dev/shm")
AGAIN = "YRD_SEED={seed} ./yrd test tests/simulation/test_simulation.py"
CHUNK = 5


def main() -> int:
    """Exit code 0 where every promise held in every world."""
    parser = argparse.ArgumentParser(prog="yrd test --campaign unknown", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="yrd-campaign-", dir=where) as place:
        vkey = _template(Path(place) / "template")
        work = functools.partial(_one, Path(place), vkey)
        with multiprocessing.get_context("spawn").Pool(chosen.jobs, _quiet) as pool:
            return follow(pool.imap_unordered(work, seeds, CHUNK), len(seeds))


def follow(results: Iterator[tuple[int, list[str]]], count: int) -> int:
    """Tell how far it is, and what failed; 1 if anything did."""
    began, failed = time.monotonic(), 0
    for done, (seed, wrong) in enumerate(results, start=1):
        if wrong:
            failed += 1
            print(f"\rseed {seed}: {'; '.join(wrong)}\n  {AGAIN.format(seed=seed)}", flush=True)
        if done % 20 == 0 or done == count:
            spent = time.monotonic() - began
            left = spent / done * (count - done)
            told = f"{done:,} of {count:,} seeds, {failed} failed, {spent:.0f} s, {left:.0f} s left"
            end = "\r" if sys.stdout.isatty() and done < count else "\n"
            if end == "\r" or done % 100 == 0 or done == count:
                print(told, end=end, flush=True)
    return 1 if failed else 0


def _template(place: Path) -> str:
    """A migrated, empty house; answers its log's public key."""
    vkey = create_keys(place / "keys", origin=ORIGIN, salt=SystemIds().salt)
    migrate_database(place / "data" / "yrd.db")
    return vkey


def _quiet() -> None:
    # Regions misbehave by thousands here; what matters is in the results.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


def _one(place: Path, vkey: str, seed: int) -> tuple[int, list[str]]:
    house = place / f"seed-{seed}"
    shutil.copytree(place / "template", house)
    options = StoreOptions(
        database=house / "data" / "yrd.db", keys_dir=house / "keys", log_origin=ORIGIN,
        production=False, outside_checkpoint=house / "checkpoint.txt",
    )  # fmt: skip
    try:
        return seed, run_virtually(lambda loop: run_seed(seed, Site(options, vkey), loop))
    except Exception as error:  # one world that breaks must not hide the others
        return seed, [f"{type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(house)


if __name__ == "__main__":
    sys.exit(main())
