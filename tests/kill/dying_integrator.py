"""One round of the integrator, signature and files, that dies by its own hand before a step."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.store.tile_mirror import TileMirror
from tests.integration.store.house import opened
from tests.kill.dying_store import ENTRIES, FILES
from tests.kill.processes import say
from tests.kill.steps import Steps


def run_integrator(directory: Path, dies_at: int, mouth: int) -> None:
    """Says how many steps there were, if it lives to see the end."""
    asyncio.run(_run(directory, dies_at, mouth))


async def _run(directory: Path, dies_at: int, mouth: int) -> None:
    async with opened(directory) as house:
        engine = house.store.snapshots.engine
        mirror = TileMirror(engine, directory / FILES, entries=directory / ENTRIES)
        steps = Steps(dies_at, directory)
        await house.log.publish()
        await mirror()
        say(mouth, f"steps {steps.taken}")
