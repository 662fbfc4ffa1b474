"""The gRPC server: services, limits, health, reflection; how it starts and how it drains.

Who answers may change while it listens: this process (`answer`), or another one that owns the
database (`forward`). The owner also answers on a private socket (`open_inside`), where other
processes of ours say whose certificate they have checked.

Limits are chosen on purpose: 1 MiB in (told with a rich error; at twice that gRPC itself cuts off),
4 MiB out, few streams a connection, so that a queue forms in the client and not in here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from gateway.domain.person import IdMode
from gateway.domain.visit import Institution
from gateway.journeys.laps import unobserved
from gateway.ports import Clock, Log, Observe, RegionStatuses
from gateway.rpc.audit_service import AuditServicer
from gateway.rpc.claim_service import ClaimServicer
from gateway.rpc.forward import Forward
from gateway.rpc.forward_link import OwnerLink
from gateway.rpc.forward_socket import SocketFolder
from gateway.rpc.health import HealthProbe
from gateway.rpc.identity import (
    Callers,
    Names,
    certificate_names,
    forwarded_names,
    plaintext_names,
)
from gateway.rpc.interceptors import MESSAGE_MAX, Edge
from gateway.rpc.reflection import add_reflection
from gateway.rpc.services import AUDIT, CLAIMS, SERVICES, Handler, Switch, handlers
from gateway.rpc.shield import Shield
from gateway.rpc.tls import TlsFiles, server_credentials
from gateway.rpc.verbs import Attend, Decide, Predetermine, Prove, Read, Reverse, Settle
from gateway.telemetry import Logger
from gateway.watched_files import FileWatch

REPLY_MAX = 4 * 1024 * 1024
STREAMS_MAX = 1024
"""Calls at once on one connection; more wait in the client. A client that has not read our settings
yet is refused above it (RST_STREAM), so it is well above what one hospital sends at once."""
CONNECTION_AGE_MS = 30 * 60_000
"""A connection is renewed this often, and with it the look at the client's certificate."""
CONNECTION_GRACE_MS = 150_000
"""Longer than any call may take (deadline.MAX_S)."""

SIZES = (
    ("grpc.max_receive_message_length", 2 * MESSAGE_MAX),
    ("grpc.max_send_message_length", REPLY_MAX),
    # Two servers on one port would share its connections unseen.
    ("grpc.so_reuseport", 0),
)
OPTIONS = (
    *SIZES,
    ("grpc.max_concurrent_streams", STREAMS_MAX),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_MS),
    ("grpc.max_connection_age_grace_ms", CONNECTION_GRACE_MS),
    # A counter's client may ask every second whether the line still stands; it is not thrown out.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 500),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """What the services can do."""

    settle: Settle
    reverse: Reverse
    predetermine: Predetermine
    read: Read
    prove: Prove
    attend: Attend
    regions: RegionStatuses
    take_back: Decide
    read_again: Decide


class RpcServer:
    """answer(…) or forward(…), then start() → port; stop(grace_s) drains."""

    def __init__(
        self,
        *,
        listen: str,
        tls: TlsFiles | None,
        plaintext: bool = False,
        institutions: Mapping[str, Institution],
        id_mode: IdMode,
        clock: Clock,
        make_request_id: Callable[[], str],
        logger: Logger,
        observe: Observe = unobserved,
        files: FileWatch | None = None,
    ) -> None:
        """`listen` is host:port, port 0 for any free one. No `tls`: `plaintext` must be said.
        `files` watches what may be replaced while we serve: none, nothing may."""
        if (tls is None) is not plaintext:
            raise ValueError("either tls files or plaintext = True, not both and not neither")
        self._listen, self._tls, self._logger, self._files = listen, tls, logger, files
        self._institutions, self._id_mode, self._clock = institutions, id_mode, clock
        self._observe = observe
        self._names = plaintext_names if plaintext else certificate_names
        self._shield = Shield(logger=logger)
        self._edge = Edge(logger=logger, monotonic=clock.monotonic, make_request_id=make_request_id)
        self._outside, self._inside = Switch(), Switch()
        self._health = HealthProbe(clock=clock, logger=logger, services=SERVICES, files=files)
        self._servers: list[grpc.aio.Server] = []

    def answer(self, journeys: Journeys, log: Log) -> None:
        """From now on this process answers, whoever did before."""
        self._inside.handlers = self._handlers(journeys, log, forwarded_names)
        self._outside.handlers = self._handlers(journeys, log, self._names)
        self._health.probed, self._health.regions = log, journeys.regions

    def forward(self, link: OwnerLink) -> None:
        """From now on the owner at the other end answers; who calls is still decided here."""
        forward = Forward(callers=self._callers(self._names), link=link, clock=self._clock)
        self._outside.handlers = self._edge.wrap(forward.handlers())
        self._health.probed = link

    async def start(self) -> int:
        """Bind, probe health once, serve; answers the port. Raises RuntimeError or OSError."""
        server = self._make(self._outside, OPTIONS)
        add_reflection(server, (*SERVICES, health.SERVICE_NAME))
        if self._tls is None:
            port = server.add_insecure_port(self._listen)
        else:
            port = server.add_secure_port(self._listen, server_credentials(self._tls, self._files))
        await self._health.start()
        await server.start()
        self._servers.append(server)
        self._logger.info("serving", port=port)
        return port

    async def probe(self) -> bool:
        """Look at once whether what answers works, instead of at the next turn."""
        return await self._health.probe()

    async def open_inside(self, folder: SocketFolder, name: str) -> None:
        """Answer other processes of ours on this socket. Raises UnsafeSocket or RuntimeError."""
        server = self._make(self._inside, SIZES)
        server.add_insecure_port(folder.target(name))
        folder.make_private(name)
        await server.start()
        self._servers.append(server)

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls, let running ones end within `grace_s`, then wait for shielded work.

        What is still running afterwards is safe to cut: its intent is on disk and a worker goes on.
        """
        if not self._servers:
            return
        deadline = asyncio.get_running_loop().time() + grace_s
        await self._health.drain()
        self._logger.info("draining")
        await asyncio.gather(*(server.stop(grace_s) for server in self._servers))
        left = max(deadline - asyncio.get_running_loop().time(), 0.0)
        unfinished = await self._shield.drain(left)
        self._logger.info("stopped", count=unfinished)
        self._servers.clear()

    def _make(self, switch: Switch, options: Sequence[tuple[str, int]]) -> grpc.aio.Server:
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers((switch,))
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, server)
        return server

    def _callers(self, names: Names) -> Callers:
        return Callers(institutions=self._institutions, now=self._clock.now, names=names)

    def _handlers(self, journeys: Journeys, log: Log, names: Names) -> dict[str, Handler]:
        callers = self._callers(names)
        claims = ClaimServicer(
            callers=callers, clock=self._clock, id_mode=self._id_mode, shield=self._shield,
            settle=journeys.settle, reverse=journeys.reverse,
            predetermine=journeys.predetermine, read=journeys.read, observe=self._observe,
        )  # fmt: skip
        audit = AuditServicer(
            callers=callers, log=log, prove=journeys.prove, read=journeys.read,
            attend=journeys.attend, regions=journeys.regions,
            take_back=journeys.take_back, read_again=journeys.read_again,
        )  # fmt: skip
        return self._edge.wrap({**handlers(CLAIMS, claims), **handlers(AUDIT, audit)})
