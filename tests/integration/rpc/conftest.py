"""A running edge over mTLS, and a client of one institution."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from tests.integration.rpc.house import QINGPU_URN, House, running, running_behind


@pytest.fixture(params=["own", "forwarded"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """Over mTLS: the process that answers, and another one that forwards to it."""
    async with running(tmp_path / "ca") as started:
        if request.param == "own":
            yield started
            return
        async with running_behind(started, tmp_path) as behind:
            yield behind


@pytest.fixture
async def qingpu(house: House) -> AsyncIterator[grpc.aio.Channel]:
    """A channel of 青浦's hospital."""
    async with house.channel(house.ca.client(QINGPU_URN)) as channel:
        yield channel
