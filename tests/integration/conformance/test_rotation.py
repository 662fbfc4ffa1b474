"""密钥轮换: keys change at both ends while calls go on, and no call is refused."""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from adapters import registry
from adapters.connection import Clocks
from adapters.sandbox import Sandbox
from gateway.config import RegionSettings
from gateway.demo.dev_keys import dev_secrets
from gateway.ports import Accepted, Answer, NoAnswer, NotDelivered
from gateway.region_connections import connections_of
from gateway.watched_files import FileWatch
from tests.integration.conformance.world import HOMES, NOW, POLICIES, World
from tests.integration.rpc.fakes import MemoryLogger

CODES = {name: code for code, name in registry.DECLARED.items()}
CALLERS = 8
LIMIT_S = 30.0


def pair(province: str, first: int) -> tuple[str, dict[str, str]]:
    """(our file's text, what the platform holds) of one set of keys, another for each `first`."""
    numbers = count(first)
    ours, theirs = dev_secrets(province, lambda: next(numbers).to_bytes(32, "big"), sm2=True)
    return ours, tomllib.loads(theirs)


@dataclass
class Town:
    """A platform, our client over a file of keys, and callers that never pause."""

    world: World
    path: Path
    watch: FileWatch
    logger: MemoryLogger
    answers: list[Answer[object]]

    def write(self, text: str) -> None:
        """Rename a finished file over the old one, and let every watcher look."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, encoding="ascii")
        fresh.replace(self.path)
        assert self.watch.troubles() == ()

    async def more(self, calls: int = 3 * CALLERS) -> None:
        """Until so many more calls were answered: all that began before have ended by then."""
        wanted = len(self.answers) + calls
        async with asyncio.timeout(LIMIT_S):
            while len(self.answers) < wanted:
                await asyncio.sleep(0)

    async def call_for_ever(self) -> None:
        while True:
            ctx = self.world.ctx()
            self.answers.append(await self.world.client.find_person(ctx, self.world.patient()))


class EverLater:
    """Monotonic seconds that move on at each look, so that files are looked at each time."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        self._seconds += 1.0
        return self._seconds


def settings(province: str, url: str, path: Path) -> Mapping[str, RegionSettings]:
    values = {"base_url": url, "profile": province, "secrets_file": path}
    return {CODES[province]: RegionSettings.model_validate(values)}


@pytest.mark.parametrize("province", sorted(HOMES))
async def test_keys_are_changed_at_both_ends_and_no_call_is_refused(
    province: str, tmp_path: Path
) -> None:
    (old, old_theirs), (new, new_theirs) = pair(province, 1), pair(province, 1_000)
    path, logger = tmp_path / "secrets.toml", MemoryLogger()
    path.write_text(old, encoding="ascii")
    sandbox = Sandbox(
        province=province, state_dir=tmp_path, policies_dir=POLICIES, secrets=old_theirs,
        clock=lambda: NOW,
    )  # fmt: skip
    watch = FileWatch(EverLater(), logger)
    connections = connections_of(settings(province, await sandbox.start(), path), NOW, watch)
    regions = registry.connect(connections, Clocks(lambda: NOW, time.monotonic))
    world = World(HOMES[province], sandbox, regions.of(HOMES[province].insured_region))
    town = Town(world, path, watch, logger, [])
    callers = [asyncio.create_task(town.call_for_ever()) for _ in range(CALLERS)]
    try:
        await town.more()
        town.write(f"{old}[next]\nvalid_from = 2026-01-01\n{new}")  # we are ready for its answers
        await town.more()
        sandbox.rotate(new_theirs)  # it signs with the new set, and takes both
        await town.more()
        town.write(f"{new}[previous]\n{old}")  # we sign with the new one
        await town.more()
        sandbox.retire()
        await town.more()
        town.write(new)
        await town.more()
    finally:
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await regions.close()
        await sandbox.stop()
    assert [answer for answer in town.answers if not isinstance(answer, Accepted)] == []
    assert [event for event, _ in logger.lines] == ["file_read_again"] * 3


async def test_a_file_that_lacks_what_the_scheme_needs_keeps_the_old_keys(tmp_path: Path) -> None:
    old, theirs = pair("shanghai", 1)
    path, logger = tmp_path / "secrets.toml", MemoryLogger()
    path.write_text(old, encoding="ascii")
    sandbox = Sandbox(
        province="shanghai", state_dir=tmp_path, policies_dir=POLICIES, secrets=theirs,
        clock=lambda: NOW,
    )  # fmt: skip
    watch = FileWatch(EverLater(), logger)
    connections = connections_of(settings("shanghai", await sandbox.start(), path), NOW, watch)
    regions = registry.connect(connections, Clocks(lambda: NOW, time.monotonic))
    world = World(HOMES["shanghai"], sandbox, regions.of("310118"))
    try:
        for text in ('access_key = "demo-yrd-shanghai"\nsecret = "b"\n', old[:-200], ""):
            path.write_text(text, encoding="ascii")
            answer = await world.client.find_person(world.ctx(), world.patient())
            assert isinstance(answer, Accepted)
            assert len(watch.troubles()) == 1
    finally:
        await regions.close()
        await sandbox.stop()
    assert {event for event, _ in logger.lines} == {"new_file_not_usable"}


async def test_keys_that_only_one_end_has_are_refused_or_not_believed(tmp_path: Path) -> None:
    ours, theirs = pair("shanghai", 1)
    _, others = pair("shanghai", 1_000)
    path = tmp_path / "secrets.toml"
    path.write_text(ours, encoding="ascii")
    sandbox = Sandbox(
        province="shanghai", state_dir=tmp_path, policies_dir=POLICIES, secrets=theirs,
        clock=lambda: NOW,
    )  # fmt: skip
    connections = connections_of(settings("shanghai", await sandbox.start(), path), NOW)
    regions = registry.connect(connections, Clocks(lambda: NOW, time.monotonic))
    world = World(HOMES["shanghai"], sandbox, regions.of("310118"))
    try:
        sandbox.rotate(others)
        answer = await world.client.find_person(world.ctx(), world.patient())
        assert isinstance(answer, NoAnswer)  # it took our request, and we cannot read its answer
        sandbox.retire()
        answer = await world.client.find_person(world.ctx(), world.patient())
        assert isinstance(answer, NotDelivered)
    finally:
        await regions.close()
        await sandbox.stop()
