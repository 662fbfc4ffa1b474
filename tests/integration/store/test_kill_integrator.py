"""The integrator killed before each of its steps: statements, commit, every file it touches.

Whatever was published stays true, whatever lies there half is finished by the next one.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.ports import Books, Opening
from gateway.store.engine import read_engine
from gateway.store.open_store import OpenStore
from gateway.store.tile_mirror import TileMirror
from ledger.tables import LEAF
from ledger.verify import verify
from tests.integration.store.house import NOON, Intent, opened, options, prepare
from tests.kill.copies import copy_of
from tests.kill.dying_integrator import run_integrator
from tests.kill.dying_store import ENTRIES, FILES
from tests.kill.processes import Killable
from tests.kill.published import Published

SEED = int(os.environ.get("YRD_SEED", "20261125"))
EVERY_STEP = os.environ.get("YRD_TEST_CAMPAIGN") == "long"
DEATHS = 6
FIRST, THEN = 200, 120
"""Leaves before the round and in it: a tile becomes full, its partial ones go."""

pytestmark = pytest.mark.timeout(600 if EVERY_STEP else 90)


def looked_at(directory: Path, vkey: str) -> Published:
    outside = options(directory).outside_checkpoint
    assert outside is not None
    return Published(directory / FILES, directory / ENTRIES, outside, vkey)


async def append(house: OpenStore, count: int, prefix: str) -> None:
    def work(books: Books) -> None:
        for number in range(count):
            opening = Opening(books.subject_ref(Intent("-").id_number), b"%d" % number)
            books.append_evidence(f"{prefix}-{number}", leaf_type="note", opening=opening, at=NOON)

    await house.store.write(work)


async def ready_for_a_round(directory: Path) -> str:
    """A log that was published, and has grown since; answers its vkey."""
    vkey = prepare(directory)
    async with opened(directory) as house:
        await append(house, FIRST, "first")
        await house.log.publish()
        engine = house.store.snapshots.engine
        await TileMirror(engine, directory / FILES, entries=directory / ENTRIES)()
        await append(house, THEN, "then")
    return vkey


def check(published: Published, where: str) -> None:
    """Nobody is alive."""
    engine = read_engine(options(published.files.parent).database)
    with engine.connect() as connection, connection.begin():
        report = verify(connection, published.vkey)
    with engine.connect() as connection, connection.begin():
        published.check(connection, where)
    engine.dispose()
    assert report.problems == (), where


def leaves_of(directory: Path) -> int:
    engine = read_engine(options(directory).database)
    with engine.connect() as connection, connection.begin():
        count = connection.execute(select(func.count()).select_from(LEAF)).scalar_one()
    engine.dispose()
    return int(count)


async def test_killed_before_any_step_it_takes_nothing_back_and_the_next_one_finishes(
    tmp_path: Path, database_kind: str
) -> None:
    vkey = await ready_for_a_round(tmp_path)
    with copy_of(tmp_path, database_kind) as whole:
        code, said = Killable(run_integrator, whole, 0).end_of_itself()
        assert code == 0
    steps = int(said[0].split()[1])
    moments = list(range(1, steps + 1))
    if not EVERY_STEP:
        moments = random.Random(SEED).sample(moments, DEATHS)
    for moment in moments:
        where = f"killed before step {moment} of {steps}"
        with copy_of(tmp_path, database_kind) as copy:
            published = looked_at(copy, vkey)
            code, _ = Killable(run_integrator, copy, moment).end_of_itself()
            assert code == -signal.SIGKILL, where
            assert published.look() in (FIRST, FIRST + THEN), where
            check(published, where)
            code, _ = Killable(run_integrator, copy, 0).end_of_itself()
            assert code == 0, where
            assert published.look() == leaves_of(copy) == FIRST + THEN, where
            assert (copy / FILES / "checkpoint").read_text() == published.outside.read_text(), where
            check(published, where)
    print(f"{database_kind}: killed before {len(moments)} of {steps} steps")
