"""What is read from a ledger and built from it, on ledgers made for the purpose (made_ledger.py).

Receipts from a small and from a large tree, in turns; tiles from leaves, with files and without;
verify, each in a process of its own. The ledgers lie in SQLite, are valid and are verified.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from bench.child import ChildFailed
from bench.disk import fsyncs_us
from bench.figures import quantiles, spread
from bench.ledger_plan import Made
from bench.made_ledger import make_ledger
from bench.registry import Say
from gateway.demo.house import HOME
from gateway.store.engine import read_engine
from ledger.checkpoint import parse_checkpoint
from ledger.merkle import leaf_hash
from ledger.reads import inclusion_proof, latest_note, leaf_at, leaves, note_covering
from ledger.receipt import make_receipt
from ledger.tile_files import TileFiles
from ledger.tiles import WIDTH, perfect_root

_STEP = 7_919_777
"""A prime: indexes in no order, the same in every run."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A made ledger."""

    database: Path
    vkey: str
    leaves: int
    engine: Engine


def on_made_ledgers(root: Path, plan: Made, say: Say) -> dict[str, Any]:
    """Raises ChildFailed."""
    root.mkdir()
    before = quantiles(fsyncs_us(root / "fsync.bin", 0.3))
    trees = _make_all(root, plan, say)
    try:
        receipts = _receipts(trees[0], trees[-1], plan, say)
        tiles = _tiles(root / "files", trees, plan, say)
    finally:
        for tree in trees:
            tree.engine.dispose()
    checks = [_verify(tree, plan, say) for tree in trees if tree.leaves >= plan.verify_from]
    after = quantiles(fsyncs_us(root / "fsync.bin", 0.3))
    return {
        "receipts": receipts,
        "tiles": tiles,
        "verify": checks,
        "fsync_us": {"before": before, "after": after},
    }


def _make_all(root: Path, plan: Made, say: Say) -> list[Tree]:
    """As many of the ledgers as there is time for; the first two always."""
    trees: list[Tree] = []
    entry_s = 0.0
    for number, count in enumerate(plan.sizes):
        if number > 1 and count * entry_s > plan.make_s:
            say(f"no ledger of {count:,} entries: it would take {count * entry_s:.0f} s to make")
            break
        began = time.perf_counter()
        trees.append(_make(root / f"{count}.db", count))
        took = time.perf_counter() - began
        entry_s = took / count
        say(f"a ledger of {count:,} entries, made in {took:.1f} s")
    return trees


def _make(database: Path, count: int) -> Tree:
    vkey = make_ledger(database, count)
    engine = read_engine(database)
    with engine.begin() as connection:
        return Tree(database, vkey, parse_checkpoint(_newest(connection)).size, engine)


def _newest(connection: Connection) -> str:
    note = latest_note(connection)
    if note is None:
        raise ChildFailed("a made ledger has no checkpoint")
    return note


def _receipts(small: Tree, large: Tree, plan: Made, say: Say) -> dict[str, Any]:
    """In turns, so that what disturbs one disturbs the other."""
    took: dict[int, list[int]] = {tree.leaves: [] for tree in (small, large)}
    for _ in range(plan.receipt_rounds):
        for tree in (small, large):
            took[tree.leaves] += _receipt_times(tree, plan.receipt_s, skip=len(took[tree.leaves]))
    found = {size: quantiles(times) for size, times in took.items()}
    rows = [{"leaves": size, "took_us": took_us} for size, took_us in found.items()]
    p99 = [took_us["p99"] for took_us in found.values()]
    ratio = round(p99[1] / max(p99[0], 1), 2)
    say(f"receipts: p99 {p99[0]} µs of {small.leaves:,} leaves, {p99[1]} of {large.leaves:,}")
    return {"trees": rows, "p99_ratio": ratio}


def _receipt_times(tree: Tree, seconds: float, skip: int) -> list[int]:
    times: list[int] = []
    over = time.perf_counter() + seconds
    while (began := time.perf_counter()) < over:
        index = (skip + len(times)) * _STEP % tree.leaves
        with tree.engine.begin() as connection:
            _receipt(connection, index, tree.leaves)
        times.append(round((time.perf_counter() - began) * 1e6))
    return times


def _receipt(connection: Connection, index: int, tree_size: int) -> bytes:
    """Under the newest checkpoint, as one who fetches it later gets it. Raises ChildFailed."""
    stored, note = leaf_at(connection, index), note_covering(connection, tree_size - 1)
    if stored is None or note is None:
        raise ChildFailed(f"leaf {index} of a made ledger is not covered")
    proof = inclusion_proof(connection, index, tree_size)
    return make_receipt(leaf=stored.data, index=index, proof=proof, checkpoint=note).to_bytes()


def _tiles(root: Path, trees: list[Tree], plan: Made, say: Say) -> dict[str, Any]:
    """From leaves in memory to tiles in memory; from the database to durable files."""
    tree = next(tree for tree in reversed(trees) if tree.leaves <= plan.tile_leaves_max)
    rates: dict[str, list[float]] = {"pure_per_s": [], "files_per_s": []}
    with tree.engine.begin() as connection:
        data = [leaf.data for leaf in leaves(connection, 0, tree.leaves)]
        note = _newest(connection)
        for _ in range(plan.tile_rounds):
            began = time.perf_counter()
            build_tiles(data)
            built = time.perf_counter()
            TileFiles(root, durable=True).publish(connection, note)
            rates["pure_per_s"].append(tree.leaves / (built - began))
            rates["files_per_s"].append(tree.leaves / (time.perf_counter() - built))
            shutil.rmtree(root)
    report: dict[str, Any] = {name: spread(values) for name, values in rates.items()}
    pure, files = (report[name]["median"] for name in ("pure_per_s", "files_per_s"))
    say(f"tiles: {pure:,} leaves a second in memory, {files:,} from the database to files")
    return report | {"leaves": tree.leaves}


def build_tiles(data: Iterable[bytes]) -> list[list[bytes]]:
    """The hashes of every full tile's level, level by level, as the store makes them."""
    hashes = [leaf_hash(leaf) for leaf in data]
    levels = [hashes]
    while len(hashes) >= WIDTH:
        full = range(0, len(hashes) - len(hashes) % WIDTH, WIDTH)
        hashes = [perfect_root(hashes[at : at + WIDTH]) for at in full]
        levels.append(hashes)
    return levels


def _verify(tree: Tree, plan: Made, say: Say) -> dict[str, Any]:
    sources = os.pathsep.join((str(HOME), str(HOME / "protos")))
    command = [sys.executable, "-P", "-m", "bench.verify_process", str(tree.database), tree.vkey]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": sources, "PYTHONUTF8": "1"},
        capture_output=True,
        timeout=plan.patience_s,
        check=False,
    )
    if done.returncode:
        raise ChildFailed(f"verify failed:\n{done.stderr.decode(errors='replace')}")
    found: dict[str, Any] = json.loads(done.stdout)
    found["per_s"] = round(found["entries"] / found["seconds"])
    found["per_cpu_s"] = round(found["entries"] / found["cpu_s"])
    say(
        f"verify: {found['entries']:,} entries in {found['seconds']:.1f} s "
        f"({found['per_cpu_s']:,} a second of one core), {found['peak_mb']} MB at most"
    )
    return found
