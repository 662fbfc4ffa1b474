"""`yrd serve` as an operator starts it: processes of one data directory, and what they say."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from adapters.sandbox.server import Sandbox
from gateway.config import Settings, load_settings
from gateway.demo.house import HOME, READY
from gateway.demo.layout import PROVINCES, DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.store.migrate import migrate_database
from tests.integration.system.world import QINGPU, now, start_sandboxes
from yrd.audit.v1 import audit_pb2_grpc
from yrd.claim.v1 import claim_pb2_grpc

BOUND_S = 40
"""Longest wait for a process to start, to say something or to end."""


class Served:
    """One process, and a hospital's channel to it."""

    def __init__(self, place: DataDir, number: int, environment: dict[str, str]) -> None:
        self._place, self._environment = place, environment
        self._said = place.logs / f"serve-{number}.stderr"
        self._process: asyncio.subprocess.Process | None = None
        self.address = ""
        self.channel: grpc.aio.Channel | None = None

    @property
    def pid(self) -> int:
        return self._running().pid

    async def launch(self, *arguments: str) -> None:
        """Start it; `ready` waits until it can be called."""
        with self._said.open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "gateway", "serve",
                "--data", str(self._place.root), *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=said,
                env=self._environment,
            )  # fmt: skip

    async def ready(self) -> None:
        """Raises LookupError with what it said if it ends instead."""
        stdout = self._running().stdout
        assert stdout is not None
        async with asyncio.timeout(BOUND_S):
            line = (await stdout.readline()).decode()
        if not line.startswith(READY):
            raise LookupError(f"yrd serve did not come up: {self.said()}")
        self.address = line.removeprefix(READY).strip()
        tls = self._place.tls
        credentials = grpc.ssl_channel_credentials(
            (tls / "ca.pem").read_bytes(),
            (tls / f"{QINGPU}.key").read_bytes(),
            (tls / f"{QINGPU}.pem").read_bytes(),
        )
        self.channel = grpc.aio.secure_channel(self.address, credentials)

    async def start(self, *arguments: str) -> None:
        await self.launch(*arguments)
        await self.ready()

    def claims(self) -> Any:
        return claim_pb2_grpc.ClaimServiceStub(self._open())

    def audit(self) -> Any:
        return audit_pb2_grpc.AuditServiceStub(self._open())

    def said(self) -> str:
        """Everything on its standard error so far."""
        return self._said.read_text(encoding="utf-8")

    async def says(self, words: str) -> None:
        """Wait until it has said so."""
        async with asyncio.timeout(BOUND_S):
            while words not in self.said():
                await asyncio.sleep(0.02)

    def tell(self, number: signal.Signals) -> None:
        """Tell it something that does not end it."""
        self._running().send_signal(number)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code; the channel stays open for calls that are under way."""
        process = self._running()
        if process.returncode is None:
            process.send_signal(how)
        return await self.ended()

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(BOUND_S):
            return await self._running().wait()

    async def clear(self) -> None:
        """Whatever is left of it."""
        if self.channel is not None:
            await self.channel.close()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self.ended()

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was not started"
        return self._process

    def _open(self) -> grpc.aio.Channel:
        assert self.channel is not None, "it cannot be called yet"
        return self.channel


@dataclass
class Street:
    """One data directory, its platforms, and the processes that serve it."""

    place: DataDir
    settings: Settings
    sandboxes: dict[str, Sandbox]
    environment: dict[str, str]
    served: list[Served] = field(default_factory=list)

    def one_more(self) -> Served:
        """Not started yet."""
        self.served.append(Served(self.place, len(self.served), self.environment))
        return self.served[-1]

    async def start(self, count: int) -> Sequence[Served]:
        """So many more, one after another: the first of all owns the database."""
        fresh = [self.one_more() for _ in range(count)]
        for process in fresh:
            await process.start()
        return fresh

    def effective(self, province: str) -> list[dict[str, Any]]:
        """Settlements in force at a platform, by its own state."""
        state: Any = self.sandboxes[province].state()
        return [row for row in state["settlements"] if row["effective"]]


@asynccontextmanager
async def street(root: Path) -> AsyncIterator[Street]:
    """Three platforms that witness too, and a migrated SQLite database; nobody serves it yet."""
    place = create_data_dir(root, now=now(), random=SystemIds().salt)
    settings = load_settings(place.settings)
    migrate_database(settings.database)
    sandboxes, settings = await start_sandboxes(place, settings)
    path = os.pathsep.join((str(HOME), str(HOME / "protos")))
    environment = {**os.environ, "PYTHONPATH": path, "YRD_LISTEN": "localhost:0"}
    for code, name in PROVINCES.items():
        url = settings.regions[code].base_url
        environment[f"YRD_REGIONS__{code}__BASE_URL"] = url
        environment[f"YRD_WITNESSES__{name}__URL"] = f"{url}/witness"
    made = Street(place, settings, sandboxes, environment)
    try:
        yield made
    finally:
        for process in made.served:
            await process.clear()
        for sandbox in sandboxes.values():
            await sandbox.stop()
