"""A disk that fills, a commit that is cut in half, a clock that steps back.

What was acknowledged is there, what was not is told so, and the store goes on when the trouble is
over, without a restart.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.errors import StorageUnavailable
from gateway.ports import BooksReader
from gateway.store.open_store import OpenStore
from gateway.store.verify_store import verify_store
from tests.integration.store.house import (
    HOSPITAL,
    NOON,
    Intent,
    StandingClock,
    identity,
    numbered,
    opened,
    options,
    prepare,
)


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """As a full disk: a write beyond this size of any file fails, in the middle if it must."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def known(requests: list[str], reader: BooksReader) -> list[bool]:
    return [reader.claim_by_request(HOSPITAL, request) is not None for request in requests]


async def write_until_refused(
    house: OpenStore, prefix: str, *, callers: int = 8
) -> tuple[list[str], list[str]]:
    """Requests that were acknowledged, and those that were told no."""
    yes: list[str] = []
    no: list[str] = []
    for first in range(0, 4_000, callers):
        requests = [numbered(prefix, first + at) for at in range(callers)]
        works = [Intent(request, identity(first % 50)) for request in requests]
        answers = await asyncio.gather(
            *(house.store.write(work) for work in works), return_exceptions=True
        )
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, BaseException):
                assert isinstance(answer, StorageUnavailable), answer
                no.append(request)
            else:
                yes.append(request)
        if no:
            return yes, no
    raise AssertionError("the disk did not fill")


def assert_sound(directory: Path, vkey: str) -> None:
    here = options(directory)
    report = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert report.ledger.problems + report.state.problems == ()


@pytest.mark.sqlite
@pytest.mark.timeout(60)
@pytest.mark.parametrize("room", [0, 4_000, 30_000, 500_000])
async def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path, room: int) -> None:
    """The limit falls in the middle of a commit's pages, at another place for each room."""
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("before"))
        log = (tmp_path / "data" / "yrd.db-wal").stat().st_size
        with no_file_beyond(max(log, (tmp_path / "data" / "yrd.db").stat().st_size) + room):
            yes, no = await write_until_refused(house, "full")
            # A smaller commit may still fit where one of eight did not: until it does not either.
            more, last = await write_until_refused(house, "one", callers=1)
            yes, no = yes + more, no + last
        assert await house.store.read(partial(known, ["before", *yes])) == [True] * (len(yes) + 1)
        assert not any(await house.store.read(partial(known, no)))
        # There is room again: the same process goes on, and takes what it refused.
        for request in no:
            await house.store.write(Intent(request))
        await house.log.publish()
    async with opened(tmp_path) as house:
        assert all(await house.store.read(partial(known, ["before", *yes, *no])))
    assert_sound(tmp_path, vkey)


@pytest.mark.sqlite
@pytest.mark.timeout(60)
async def test_what_half_a_commit_left_on_disk_is_not_there_after_a_crash(tmp_path: Path) -> None:
    """Files as a killed process leaves them: copied while the store is open, after the failure."""
    vkey = prepare(tmp_path)
    crashed = tmp_path / "crashed"
    async with opened(tmp_path) as house:
        await house.store.write(Intent("before"))
        log = (tmp_path / "data" / "yrd.db-wal").stat().st_size
        with no_file_beyond(max(log, (tmp_path / "data" / "yrd.db").stat().st_size) + 6_000):
            yes, no = await write_until_refused(house, "half")
        (crashed / "data").mkdir(parents=True)
        (tmp_path / "keys").rename(crashed / "keys")
        for name in ("yrd.db", "yrd.db-wal"):
            (crashed / "data" / name).write_bytes((tmp_path / "data" / name).read_bytes())
    async with opened(crashed) as house:
        assert all(await house.store.read(partial(known, ["before", *yes])))
        assert not any(await house.store.read(partial(known, no)))
        await house.log.publish()
    assert_sound(crashed, vkey)


@pytest.mark.sqlite
async def test_a_checkpoint_that_cannot_be_kept_outside_is_told_and_kept_later(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    away = tmp_path / "outside"
    away.mkdir()
    async with opened(tmp_path, outside_checkpoint=away / "checkpoint.txt") as house:
        await house.store.write(Intent("one"))
        away.rename(tmp_path / "unmounted")
        with pytest.raises((StorageUnavailable, OSError)):
            await house.log.publish()
        (tmp_path / "unmounted").rename(away)
        await house.log.publish()
        assert "\n1\n" in (away / "checkpoint.txt").read_text(encoding="utf-8")
    assert_sound(tmp_path, vkey)


async def test_a_clock_that_steps_back_orders_by_the_log_and_repeats_no_msgid(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    clock = StandingClock()
    msgids: list[str] = []
    indices: list[int] = []
    async with opened(tmp_path, clock=clock) as house:
        for number, seconds in enumerate((0, 5, -3_600, 1, -86_400 * 400, 86_400 * 400, -1)):
            clock.advance(seconds)
            for again in range(3):
                made = await house.store.write(Intent(f"r-{number}-{again}", at=clock.at))
                msgids += [message.msgid for message in made.messages]
                indices.append(made.entries[0].leaf_index)
            await house.log.publish()
    assert len(set(msgids)) == len(msgids)
    assert indices == list(range(len(indices)))
    assert clock.at != NOON + timedelta(days=1)
    assert_sound(tmp_path, vkey)
