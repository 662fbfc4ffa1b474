"""Msgids from durable counters: unique over transactions, blocks, callers and restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.errors import Conflict
from gateway.ports import Books
from gateway.store.msgids import BLOCK
from tests.integration.store.house import HOSPITAL, NOON, StandingClock, opened, prepare


async def test_no_msgid_repeats_over_callers_lanes_and_restarts(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock = StandingClock()  # time stands still: only the counters tell them apart
    seen: list[str] = []
    for _ in range(3):
        async with opened(tmp_path, clock=clock) as house:
            blocks = [house.msgids.take(HOSPITAL, 7) for _ in range(40)]
            inside = [
                house.store.write(lambda b: b.next_msgids(HOSPITAL, 3, NOON)) for _ in range(40)
            ]
            for made in await asyncio.gather(*blocks, *inside):
                seen += made
    assert len(seen) == 3 * 40 * (7 + 3)
    assert len(set(seen)) == len(seen)


async def test_a_restart_after_the_clock_stepped_back_repeats_nothing(tmp_path: Path) -> None:
    prepare(tmp_path)
    clock = StandingClock()
    seen: list[str] = []
    for _ in range(3):
        async with opened(tmp_path, clock=clock) as house:
            seen += await house.msgids.take(HOSPITAL, BLOCK + 1)
            seen += await house.store.write(lambda b: b.next_msgids(HOSPITAL, 5, clock.now()))
        clock.advance(-3600)
    assert len(set(seen)) == len(seen)


async def test_probes_cost_one_commit_a_block(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        for _ in range(BLOCK):
            await house.msgids.take(HOSPITAL, 1)
        assert house.store.writer.commits == 1
        await house.msgids.take(HOSPITAL, 3 * BLOCK)
        assert house.store.writer.commits == 2


async def test_numbers_of_a_work_that_failed_are_given_out_again(tmp_path: Path) -> None:
    prepare(tmp_path)

    def fail(books: Books) -> None:
        books.next_msgids(HOSPITAL, 1, NOON)
        raise Conflict

    async with opened(tmp_path) as house:
        with pytest.raises(Conflict):
            await house.store.write(fail)
        (first,) = await house.store.write(lambda b: b.next_msgids(HOSPITAL, 1, NOON))
    assert first.endswith("0000")
