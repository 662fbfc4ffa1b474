"""A busy gateway signs as promptly as an idle one: told in rounds and commits, not in seconds."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import Overloaded
from gateway.ports import Books
from gateway.store.open_store import OpenStore
from tests.integration.store.house import Intent, numbered, opened, prepare

QUEUE, BATCH = 8, 4


def stalled(over: threading.Event) -> Intent:
    """A work that holds the writer's commit until it is told to go on."""

    class Stalled(Intent):
        def __call__(self, books: Books) -> ClaimRecord:
            over.wait(30)
            return super().__call__(books)

    return Stalled("stalled")


async def crowd(house: OpenStore, over: threading.Event) -> list[asyncio.Task[object]]:
    """The writer is in the middle of a commit, and as many wait behind it as may."""
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(house.store.write(stalled(over)))]
    while house.store.writer.works < 2:  # the first claim's work, and the one that stalls
        await asyncio.sleep(0)
    for number in range(QUEUE):
        work = Intent(numbered("crowd", number))
        tasks.append(asyncio.create_task(house.store.write(work)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await house.store.write(Intent("one too many"))
    return tasks


@pytest.mark.sqlite
async def test_a_full_queue_does_not_keep_a_signature_from_the_next_commit(tmp_path: Path) -> None:
    prepare(tmp_path)
    over = threading.Event()
    async with opened(tmp_path, queue_max=QUEUE, batch_max=BATCH) as house:
        await house.store.write(Intent("acknowledged"))
        waiting = await crowd(house, over)
        signing = asyncio.create_task(house.log.publish())
        while len(house.store.writer._queue) <= QUEUE:
            assert not signing.done(), "it was turned away, or waits for nobody"
            await asyncio.sleep(0)
        over.set()
        # The stalled commit's leaf is covered too; of those that waited behind, none: the size is
        # read in the signing transaction. (Commits are not counted here: the writer goes on with
        # the crowd before this loop hears that the signature is made.)
        assert await signing == 2
        await asyncio.gather(*waiting)
        assert await house.log.publish() == QUEUE + 2


@pytest.mark.postgresql
async def test_who_signs_apart_waits_for_no_writer(tmp_path: Path) -> None:
    prepare(tmp_path)
    over = threading.Event()
    async with opened(tmp_path, queue_max=QUEUE, batch_max=BATCH) as house:
        await house.store.write(Intent("acknowledged"))
        waiting = await crowd(house, over)
        assert await house.log.publish() == 1, "the stalled commit is not on the disk yet"
        over.set()
        await asyncio.gather(*waiting)
        assert await house.log.publish() == QUEUE + 2


async def test_what_was_acknowledged_before_a_round_is_covered_after_it(tmp_path: Path) -> None:
    """Under load: every round covers at least what its beginning found acknowledged."""
    prepare(tmp_path)
    async with opened(tmp_path, batch_max=BATCH) as house:
        acknowledged, over = 0, asyncio.Event()

        async def caller(name: int) -> None:
            nonlocal acknowledged
            number = 0
            while not over.is_set():
                await house.store.write(Intent(f"c{name}-{number}"))
                acknowledged, number = acknowledged + 1, number + 1

        callers = [asyncio.create_task(caller(name)) for name in range(8)]
        while acknowledged == 0:
            await asyncio.sleep(0)
        for _ in range(5):
            before = acknowledged
            await house.log.publish()
            signed = await house.log.checkpoint()
            assert signed is not None and signed.tree_size >= before
        over.set()
        await asyncio.gather(*callers)


def test_the_pause_between_rounds_leaves_room_within_a_second_and_a_half() -> None:
    """Pause, then a commit under way and the signing one; ledger.md asks for 1.5 s in all."""
    assert Settings.model_fields["checkpoint_interval_ms"].default == 250
