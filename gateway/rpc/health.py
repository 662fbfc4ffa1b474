"""grpc.health.v1 that means it: the database and the log are exercised, not assumed.

A probe runs at least every two seconds and sets the status of each service and of the whole (""); a
Check answers the last probe's finding. While the server drains, everything is NOT_SERVING. What is
probed may change while it runs: a process that forwards asks the one that owns the database.

`yrd.log.signing` stands for no service of ours: it is NOT_SERVING while checkpoints are not signed,
e.g. because the log's key is past its date. Claims are settled meanwhile, so the rest is well.
`yrd.region.33` stands for the line to a province's platform: NOT_SERVING while its breaker is not
closed (open and half open take turns while a province is away).
A process that forwards knows of no region; the one that owns the database does.
`yrd.files` stands for keys and certificates: NOT_SERVING while a file was replaced by one that
cannot be used. What it held before is in use meanwhile, so the rest is well, until that expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import grpc
from grpc_health.v1 import health, health_pb2

from gateway.domain.errors import StorageUnavailable
from gateway.ports import Clock, RegionStatuses, Signing
from gateway.telemetry import Logger
from gateway.watched_files import FileWatch

INTERVAL_S = 1.0
"""Pause between probes."""
PROBE_MAX_S = 1.0
"""A probe that takes longer has failed. Pause and probe together stay within two seconds."""

SIGNING = "yrd.log.signing"
"""What monitoring asks for to hear that the log is not signed."""

FILES = "yrd.files"
"""Whether every key and certificate in use is the one that lies there."""

REGION = "yrd.region."
"""Before a province's two digits: whether its platform is called at present."""

Status = health_pb2.HealthCheckResponse


class Probed(Protocol):
    """What the answers of this process depend on."""

    async def health(self) -> None:
        """Exercise it, changing nothing. Raises StorageUnavailable."""

    def signing(self) -> Signing:
        """Whether the log is signed, as far as is known."""


class HealthServicer(health.aio.HealthServicer):  # type: ignore[misc] # it publishes no types
    """The library's servicer, but that its watchers do not hold up a drain."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    async def Watch(
        self,
        request: health_pb2.HealthCheckRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> None:
        """Tell every change until the client leaves or we are over."""
        watching = asyncio.ensure_future(super().Watch(request, context))
        ending = asyncio.ensure_future(self.over.wait())
        both = {watching, ending}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)


class HealthProbe:
    """Keeps a health servicer's statuses true."""

    def __init__(
        self,
        *,
        clock: Clock,
        logger: Logger,
        services: Sequence[str],
        files: FileWatch | None = None,
    ) -> None:
        self.servicer = HealthServicer()
        self.probed: Probed | None = None
        """Nothing yet: NOT_SERVING."""
        self.regions: RegionStatuses = tuple
        """The platforms that this process calls itself."""
        self._clock, self._logger = clock, logger
        self._services, self._files = ("", *services), files
        self._serving: bool | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Probe once, then go on in the background."""
        await self.probe()
        self._task = asyncio.get_running_loop().create_task(self._forever())

    async def probe(self) -> bool:
        """Exercise what is probed once, and set every status."""
        serving = await self._works()
        if serving is not self._serving:
            self._serving = serving
            self._logger.info("health changed", serving=serving)
        status = Status.SERVING if serving else Status.NOT_SERVING
        for service in self._services:
            await self.servicer.set(service, status)
        signed = serving and self.probed is not None and not self.probed.signing().refused
        await self.servicer.set(SIGNING, Status.SERVING if signed else Status.NOT_SERVING)
        unusable = self._files is not None and self._files.troubles()
        await self.servicer.set(FILES, Status.NOT_SERVING if unusable else Status.SERVING)
        for region in self.regions():
            called = Status.SERVING if region.breaker == "closed" else Status.NOT_SERVING
            await self.servicer.set(REGION + region.province, called)
        return serving

    async def drain(self) -> None:
        """NOT_SERVING from now on: a load balancer sends nobody here any more."""
        await self.servicer.enter_graceful_shutdown()
        self.servicer.over.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _works(self) -> bool:
        if self.probed is None:
            return False
        try:
            async with asyncio.timeout(PROBE_MAX_S):
                await self.probed.health()
        except (StorageUnavailable, TimeoutError):
            return False
        except Exception as error:
            # Whatever it was: a server that cannot tell is not serving, and somebody has to look.
            self._logger.error("health probe failed", exc_info=error)
            return False
        return True

    async def _forever(self) -> None:
        while True:
            await self._clock.sleep(INTERVAL_S)
            await self.probe()
