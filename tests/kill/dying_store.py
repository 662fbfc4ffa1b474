"""A part of a gateway without its callers and regions: appends, signs or mirrors till it is killed.

Says `clm_… MSGID` for each claim once it is acknowledged, `signed SIZE` for each checkpoint that it
signed, `mirrored COUNT` for files written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import count
from pathlib import Path
from typing import Any

from gateway.store.engine import read_engine
from gateway.store.open_store import OpenStore
from gateway.store.tile_mirror import TileMirror
from tests.integration.store.house import Intent, identity, numbered, opened
from tests.kill.processes import say
from tests.postgres.kinds import database_below

CALLERS = 8
PERSONS = 50
APPEND, SIGN, MIRROR = "append", "sign", "mirror"
FILES, ENTRIES = "log", "log-entries"
_PAUSE_S = 0.002


def run_part(directory: Path, roles: frozenset[str], prefix: str, mouth: int) -> None:
    """For ever. Only who appends or signs opens the store; who mirrors does but read."""
    asyncio.run(_run(directory, roles, prefix, mouth))


async def _run(directory: Path, roles: frozenset[str], prefix: str, mouth: int) -> None:
    tasks: list[Coroutine[Any, Any, None]] = []
    if MIRROR in roles:
        tasks.append(_mirroring(directory, mouth))
    if not roles & {APPEND, SIGN}:
        await asyncio.gather(*tasks)
        return
    async with opened(directory) as house:
        if SIGN in roles:
            tasks.append(_signing(house, mouth))
        if APPEND in roles:
            numbers = count()
            tasks += [_appending(house, prefix, numbers, mouth) for _ in range(CALLERS)]
        await asyncio.gather(*tasks)


async def _appending(house: OpenStore, prefix: str, numbers: count[int], mouth: int) -> None:
    for number in numbers:
        person = identity(number % PERSONS)
        made = await house.store.write(Intent(numbered(prefix, number), person))
        say(mouth, f"{made.claim_id} {made.messages[0].msgid}")


async def _signing(house: OpenStore, mouth: int) -> None:
    while True:
        size = await house.log.publish()
        if size:
            say(mouth, f"signed {size}")
        await asyncio.sleep(_PAUSE_S)


async def _mirroring(directory: Path, mouth: int) -> None:
    engine = read_engine(database_below(directory))
    mirror = TileMirror(engine, directory / FILES, entries=directory / ENTRIES)
    while True:
        written = await mirror()
        if written:
            say(mouth, f"mirrored {written}")
        await asyncio.sleep(_PAUSE_S)
