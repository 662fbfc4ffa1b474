"""Callers of one run: who may leave, who must wait, and what nobody may be told."""

from __future__ import annotations

import asyncio

import pytest

from gateway.journeys.one_at_a_time import OneAtATime

KEY = ("H00310000001", "r-1")


class Work:
    """A run that ends when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.end: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> bytes:
        self.begun += 1
        return await asyncio.shield(self.end)


class Record:
    """What is on record meanwhile."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.answer, self.asked = answer, asyncio.Event()

    async def __call__(self) -> bytes | None:
        self.asked.set()
        return self.answer


async def test_callers_with_the_same_body_share_one_run() -> None:
    running, work, record = OneAtATime(), Work(), Record()
    calls = [
        asyncio.ensure_future(running(KEY, "a", work, patience_s=5, meanwhile=record))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    work.end.set_result(b"done")
    assert await asyncio.gather(*calls) == [b"done"] * 3
    assert work.begun == 1 and not record.asked.is_set()


async def test_whose_patience_is_over_is_told_what_is_on_record() -> None:
    running, work = OneAtATime(), Work()
    told = await running(KEY, "a", work, patience_s=0, meanwhile=Record(b"RECORDED"))
    assert told == b"RECORDED"
    work.end.set_result(b"done")
    await running.drain()


async def test_while_nothing_is_on_record_nobody_is_told_that_nothing_was_sent() -> None:
    running, work, record = OneAtATime(), Work(), Record()
    patient = asyncio.ensure_future(
        running(KEY, "a", work, patience_s=60, meanwhile=Record(b"unused"))
    )
    await asyncio.sleep(0)
    hasty = asyncio.ensure_future(running(KEY, "a", work, patience_s=0, meanwhile=record))
    await record.asked.wait()
    await asyncio.sleep(0)
    assert not hasty.done()
    work.end.set_result(b"SETTLED")
    assert await hasty == await patient == b"SETTLED"


async def test_another_body_waits_its_turn_and_begins_nothing_when_it_never_comes() -> None:
    running, work, other = OneAtATime(), Work(), Work()
    first = asyncio.ensure_future(running(KEY, "a", work, patience_s=60, meanwhile=Record()))
    await asyncio.sleep(0)
    assert await running(KEY, "b", other, patience_s=0, meanwhile=Record(b"no")) is None
    assert other.begun == 0
    work.end.set_result(b"done")
    other.end.set_result(b"other")
    assert await first == b"done"
    assert await running(KEY, "b", other, patience_s=5, meanwhile=Record()) == b"other"


async def test_a_caller_that_is_cancelled_leaves_the_run_going() -> None:
    running, work = OneAtATime(), Work()
    caller = asyncio.ensure_future(running(KEY, "a", work, patience_s=60, meanwhile=Record()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    again = asyncio.ensure_future(running(KEY, "a", work, patience_s=60, meanwhile=Record()))
    await asyncio.sleep(0)
    work.end.set_result(b"done")
    assert await again == b"done"
    assert work.begun == 1
