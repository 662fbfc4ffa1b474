"""A process for test_crash.py: writes claims and prints each once it is acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from tests.integration.store.house import Intent, identity, numbered, opened


async def main(directory: Path, prefix: str) -> None:
    """Until somebody kills us."""
    numbers = count()

    async with opened(directory) as house:

        async def caller() -> None:
            for number in numbers:
                made = await house.store.write(
                    Intent(numbered(prefix, number), identity(number % 50))
                )
                # One write call a line, so that a kill never leaves half of one.
                os.write(1, f"{made.claim_id} {made.messages[0].msgid}\n".encode())

        await asyncio.gather(*(caller() for _ in range(32)), house.log.publish())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
