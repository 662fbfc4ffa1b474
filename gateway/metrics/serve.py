"""指标端口: GET /metrics over HTTP, for Prometheus or whoever reads its text.

Listens where the settings say, loopback unless they say otherwise; without TLS and without names of
persons. Nothing else is served here.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from gateway.telemetry import Logger

PATH = "/metrics"


class Refreshed(Protocol):
    """What has to look before it is asked (collect.Lookups)."""

    async def refresh(self) -> None: ...


class MetricsServer:
    """start() → port; stop()."""

    def __init__(
        self, listen: str, registry: CollectorRegistry, lookups: Refreshed, *, logger: Logger
    ) -> None:
        """`listen` is host:port, port 0 for any free one."""
        self._host, _, port = listen.rpartition(":")
        self._port = int(port)
        self._registry, self._lookups, self._log = registry, lookups, logger
        app = web.Application()
        app.router.add_get(PATH, self._scrape)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self) -> int:
        """The port; 0 where the address is taken: settling does not wait for monitoring, which
        notices by itself that nobody answers."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host.strip("[]"), self._port)
        try:
            await site.start()
        except OSError as error:
            self._log.error("metrics_not_served", port=self._port, error_type=type(error).__name__)
            return 0
        port: int = self._runner.addresses[0][1]
        self._log.info("metrics_served", port=port)
        return port

    async def stop(self) -> None:
        """Also where it never started."""
        await self._runner.cleanup()

    async def _scrape(self, request: web.Request) -> web.Response:
        await self._lookups.refresh()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        body = encode(self._registry)
        return web.Response(body=body, headers={"Content-Type": content_type})
