"""The gRPC server: services, limits, health, reflection; how it starts and how it drains.

Limits are chosen on purpose: 1 MiB in (told with a rich error; at twice that gRPC itself cuts off),
4 MiB out, few streams a connection, so that a queue forms in the client and not in here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from gateway.domain.person import IdMode
from gateway.domain.visit import Institution
from gateway.journeys.laps import unobserved
from gateway.ports import Clock, Log, Observe
from gateway.rpc.audit_service import AuditServicer
from gateway.rpc.claim_service import ClaimServicer
from gateway.rpc.health import HealthProbe
from gateway.rpc.identity import Callers
from gateway.rpc.interceptors import MESSAGE_MAX, Edge
from gateway.rpc.reflection import add_reflection
from gateway.rpc.shield import Shield
from gateway.rpc.tls import TlsFiles, server_credentials
from gateway.rpc.verbs import Predetermine, Prove, Read, Reverse, Settle
from gateway.telemetry import Logger
from yrd.audit.v1 import audit_pb2, audit_pb2_grpc
from yrd.claim.v1 import claim_pb2, claim_pb2_grpc

SERVICES = (
    claim_pb2.DESCRIPTOR.services_by_name["ClaimService"].full_name,
    audit_pb2.DESCRIPTOR.services_by_name["AuditService"].full_name,
)
REPLY_MAX = 4 * 1024 * 1024
STREAMS_MAX = 1024
"""Calls at once on one connection; more wait in the client. A client that has not read our settings
yet is refused above it (RST_STREAM), so it is well above what one hospital sends at once."""
CONNECTION_AGE_MS = 30 * 60_000
"""A connection is renewed this often, and with it the look at the client's certificate."""
CONNECTION_GRACE_MS = 150_000
"""Longer than any call may take (deadline.MAX_S)."""

OPTIONS = (
    ("grpc.max_receive_message_length", 2 * MESSAGE_MAX),
    ("grpc.max_send_message_length", REPLY_MAX),
    ("grpc.max_concurrent_streams", STREAMS_MAX),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_MS),
    ("grpc.max_connection_age_grace_ms", CONNECTION_GRACE_MS),
    # A counter's client may ask every second whether the line still stands; it is not thrown out.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 500),
    # Two servers on one port would share its connections unseen.
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """What the services can do."""

    settle: Settle
    reverse: Reverse
    predetermine: Predetermine
    read: Read
    prove: Prove


class RpcServer:
    """start() → port; stop(grace_s) drains."""

    def __init__(
        self,
        *,
        listen: str,
        tls: TlsFiles | None,
        plaintext: bool = False,
        institutions: Mapping[str, Institution],
        id_mode: IdMode,
        journeys: Journeys,
        log: Log,
        clock: Clock,
        make_request_id: Callable[[], str],
        logger: Logger,
        observe: Observe = unobserved,
    ) -> None:
        """`listen` is host:port, port 0 for any free one. No `tls`: `plaintext` must be said."""
        if (tls is None) is not plaintext:
            raise ValueError("either tls files or plaintext = True, not both and not neither")
        self._listen, self._tls, self._logger = listen, tls, logger
        self._shield = Shield(logger=logger)
        self._edge = Edge(logger=logger, monotonic=clock.monotonic, make_request_id=make_request_id)
        callers = Callers(institutions=institutions, now=clock.now, plaintext=plaintext)
        self._claims = ClaimServicer(
            callers=callers, clock=clock, id_mode=id_mode, shield=self._shield,
            settle=journeys.settle, reverse=journeys.reverse,
            predetermine=journeys.predetermine, read=journeys.read, observe=observe,
        )  # fmt: skip
        self._audit = AuditServicer(callers=callers, log=log, prove=journeys.prove)
        self._health = HealthProbe(log=log, clock=clock, logger=logger, services=SERVICES)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Bind, probe health once, serve; answers the port. Raises RuntimeError or OSError."""
        server = grpc.aio.server(interceptors=(self._edge,), options=OPTIONS)
        claim_pb2_grpc.add_ClaimServiceServicer_to_server(self._claims, server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(self._audit, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, server)
        add_reflection(server, (*SERVICES, health.SERVICE_NAME))
        if self._tls is None:
            port = server.add_insecure_port(self._listen)
        else:
            port = server.add_secure_port(self._listen, server_credentials(self._tls))
        await self._health.start()
        await server.start()
        self._server = server
        self._logger.info("serving", port=port)
        return port

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls, let running ones end within `grace_s`, then wait for shielded work.

        What is still running afterwards is safe to cut: its intent is on disk and a worker goes on.
        """
        if self._server is None:
            return
        deadline = asyncio.get_running_loop().time() + grace_s
        await self._health.drain()
        self._logger.info("draining")
        await self._server.stop(grace_s)
        left = max(deadline - asyncio.get_running_loop().time(), 0.0)
        unfinished = await self._shield.drain(left)
        self._logger.info("stopped", count=unfinished)
        self._server = None
