"""kill -9 of who appends, who signs and who writes the static files, alone and all at once.

After each death: what was acknowledged is there once, the log verifies, no checkpoint that anybody
may have seen was taken back, and the files are what the database holds.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.store.engine import read_engine
from gateway.store.tables import CLAIM, MESSAGE
from gateway.store.verify_store import verify_store
from ledger.tables import CHECKPOINT, LEAF
from tests.integration.store.house import options, prepare
from tests.kill.dying_store import APPEND, ENTRIES, FILES, MIRROR, SIGN, run_part
from tests.kill.processes import Killable
from tests.kill.published import Published

ROUNDS = 300 if os.environ.get("YRD_TEST_CAMPAIGN") == "long" else 5
SEED = int(os.environ.get("YRD_SEED", "20261125"))
CHECK_EVERY = 50
LIFE_MAX_S = 0.25
"""A process dies within this of its round's beginning, or of the first thing acknowledged in it:
while it opens, or in the middle of work."""

PARTS = {
    # On SQLite one process owns the writes; signing is a write.
    "sqlite": (frozenset({APPEND, SIGN}), frozenset({MIRROR})),
    # Here both sign: whoever is killed, the other goes on.
    "postgresql": (frozenset({APPEND, SIGN}), frozenset({SIGN, MIRROR})),
}

pytestmark = pytest.mark.timeout(60 + ROUNDS)


@dataclass
class Parts:
    """The processes on one database, and what they have said."""

    directory: Path
    roles: tuple[frozenset[str], ...]
    living: dict[int, Killable] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    """(claim id, msgid) of what was acknowledged."""
    signed: list[int] = field(default_factory=list)
    mirrored: int = 0
    lives: int = 0

    def start_the_dead(self) -> None:
        for number, roles in enumerate(self.roles):
            if number not in self.living:
                self.lives += 1
                prefix = f"life-{self.lives}"
                self.living[number] = Killable(run_part, self.directory, roles, prefix)

    def until_something_is_acknowledged(self) -> None:
        """The next moment lies in the middle of work, on a slow machine too."""
        before = len(self.told)
        while len(self.told) == before:
            self.listen()

    def listen(self) -> None:
        assert all(part.lives for part in self.living.values()), "it ended by itself"
        for part in self.living.values():
            self._note(part.hear())

    def kill(self, victims: tuple[int, ...]) -> None:
        for number in victims:
            if number in self.living:
                self._note(self.living.pop(number).end())

    def _note(self, lines: list[str]) -> None:
        for first, second in (line.split() for line in lines):
            if first == "signed":
                self.signed.append(int(second))
            elif first == "mirrored":
                self.mirrored += int(second)
            else:
                self.told.append((first, second))


@pytest.fixture
def parts(tmp_path: Path, database_kind: str) -> Iterator[Parts]:
    made = Parts(tmp_path, PARTS[database_kind.partition("-")[0]])
    yield made
    made.kill(tuple(made.living))


def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_published_taken_back(
    tmp_path: Path, parts: Parts
) -> None:
    vkey = prepare(tmp_path)
    outside = options(tmp_path).outside_checkpoint
    assert outside is not None
    published = Published(tmp_path / FILES, tmp_path / ENTRIES, outside, vkey)
    chance = random.Random(SEED)
    for number in range(1, ROUNDS + 1):
        parts.start_the_dead()
        if chance.random() < 0.5:
            parts.until_something_is_acknowledged()
        moment = chance.uniform(0, LIFE_MAX_S)
        time.sleep(moment)  # not a wait: the moment of death, drawn from the seed
        parts.listen()
        parts.kill(chance.choice([(0,), (1,), (0, 1)]))
        published.look()
        if number % CHECK_EVERY == 0:
            parts.kill((0, 1))
            check(parts, published, vkey, f"seed {SEED}, round {number}")
    # Whatever those deaths left behind: it goes on, and what is there is signed and published.
    parts.start_the_dead()
    before = published.look()
    parts.until_something_is_acknowledged()
    while published.look() <= before:
        parts.listen()
    parts.kill((0, 1))
    check(parts, published, vkey, f"seed {SEED}, after {ROUNDS} rounds")
    print(
        f"{ROUNDS} rounds, {parts.lives} lives: {len(parts.told)} acknowledged, "
        f"{len(parts.signed)} signed, {parts.mirrored} files written, "
        f"{len(published.notes)} checkpoints seen"
    )


def check(parts: Parts, published: Published, vkey: str, where: str) -> None:
    """Nobody is alive."""
    here = options(parts.directory)
    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == (), where
    engine = read_engine(here.database)
    with engine.connect() as connection, connection.begin():
        rows = connection.execute(select(MESSAGE.c.claim_id, MESSAGE.c.msgid)).all()
        claims = connection.execute(select(func.count()).select_from(CLAIM)).scalar_one()
        leaves = connection.execute(select(func.count()).select_from(LEAF)).scalar_one()
        sizes = set(connection.execute(select(CHECKPOINT.c.size)).scalars())
        published.check(connection, where)
    engine.dispose()
    kept = {(row.claim_id, row.msgid) for row in rows}
    assert set(parts.told) <= kept, f"{where}: acknowledged and lost"
    assert len(set(parts.told)) == len(parts.told), f"{where}: acknowledged twice"
    # One claim, one message, one leaf: whatever came halfway is gone whole.
    assert len(rows) == claims == leaves, where
    assert set(parts.signed) <= sizes, f"{where}: signed beside the others"
    assert len(set(parts.signed)) == len(parts.signed), f"{where}: one size was signed twice"
