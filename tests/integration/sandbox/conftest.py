"""A running stand-in platform and a hospital that talks to it, per province."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.sandbox import Sandbox
from adapters.sandbox.context import Rules
from tests.integration.sandbox.hospital import FakeClock, Hospital, sandbox_for

Opened = tuple[Sandbox, Hospital]
Opener = Callable[..., Awaitable[Opened]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opener]:
    """`await opened("shanghai", "lose-reply=1")` → (sandbox, hospital), stopped afterwards."""
    async with AsyncExitStack() as stack:

        async def open_one(
            province: str, *faults: str, rules: Rules | None = None, **more: Any
        ) -> Opened:
            clock = FakeClock()
            sandbox = sandbox_for(province, tmp_path, clock, *faults, rules=rules, **more)
            url = await sandbox.start()
            stack.push_async_callback(sandbox.stop)
            timeout = aiohttp.ClientTimeout(total=10)
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            return sandbox, Hospital(province, url, session, clock)

        yield open_one
