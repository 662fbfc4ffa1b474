"""A process for test_many_processes.py: appends and signs, as one gateway of several does.

Arguments: DIRECTORY PREFIX CLAIMS (0 for ever). Prints `clm_… MSGID` for each claim once it is
acknowledged, and `signed SIZE` for each checkpoint that this process signed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from gateway.store.open_store import OpenStore
from tests.integration.store.house import HOSPITAL, Intent, identity, numbered, opened

CALLERS = 16


def say(line: str) -> None:
    # One write call a line, so that a kill never leaves half of one.
    os.write(1, f"{line}\n".encode())


async def appending(house: OpenStore, prefix: str, claims: int) -> None:
    numbers = iter(range(claims)) if claims else count()

    async def caller() -> None:
        for number in numbers:
            made = await house.store.write(Intent(numbered(prefix, number), identity(number % 50)))
            probes = await house.msgids.take(HOSPITAL, 2)
            say(f"{made.claim_id} {' '.join([made.messages[0].msgid, *probes])}")

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def signing(house: OpenStore, done: asyncio.Event) -> None:
    while not done.is_set():
        size = await house.log.publish()
        if size:
            say(f"signed {size}")
        await asyncio.sleep(0.001)


async def main(directory: Path, prefix: str, claims: int) -> None:
    done = asyncio.Event()
    async with opened(directory) as house:
        signer = asyncio.create_task(signing(house, done))
        await appending(house, prefix, claims)
        done.set()
        await signer


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
