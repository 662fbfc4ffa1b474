"""A running edge over mTLS, and a client of one institution."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from tests.integration.rpc.house import QINGPU_URN, House, running


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Over mTLS."""
    async with running(tmp_path / "ca") as started:
        yield started


@pytest.fixture
async def qingpu(house: House) -> AsyncIterator[grpc.aio.Channel]:
    """A channel of 青浦's hospital."""
    async with house.channel(house.ca.client(QINGPU_URN)) as channel:
        yield channel
