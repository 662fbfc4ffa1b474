"""A running RPC edge on loopback with stand-ins behind it, and clients with certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from gateway.clock import SystemClock
from gateway.domain.person import IdMode
from gateway.ids import SystemIds
from gateway.rpc import server as rpc_server
from gateway.rpc.forward_link import OwnerLink
from gateway.rpc.forward_socket import SocketFolder
from gateway.rpc.server import RpcServer
from gateway.rpc.tls import TlsFiles
from tests.integration.rpc.authority import Authority, Pair
from tests.integration.rpc.fakes import Journeys, MemoryLog, MemoryLogger
from tests.unit.rpc import samples
from yrd.audit.v1 import audit_pb2_grpc
from yrd.claim.v1 import claim_pb2_grpc

INSTITUTIONS = {i.code: i for i in (samples.QINGPU, samples.WUJIANG, samples.ENDED)}
QINGPU_URN = f"urn:yrd:institution:{samples.QINGPU.code}"
WAIT_S = 10
SOCKET = "owner-1.sock"


class TestClock(SystemClock):
    """The samples' day, and the machine's own intervals."""

    __test__ = False

    def now(self) -> datetime:
        return samples.NOW


@dataclass
class House:
    """One server and everything around it."""

    server: RpcServer
    port: int
    journeys: Journeys
    log: MemoryLog
    logger: MemoryLogger
    authority: Authority | None
    own_port: int = 0
    """Of the process that answers itself, whoever forwards to it."""

    @property
    def ca(self) -> Authority:
        if self.authority is None:
            raise LookupError("this house serves plaintext")
        return self.authority

    def channel(self, pair: Pair, port: int = 0) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(
            self.ca.root.read_bytes(), pair.key.read_bytes(), pair.certificate.read_bytes()
        )
        return grpc.aio.secure_channel(f"127.0.0.1:{port or self.port}", credentials)


@asynccontextmanager
async def running(folder: Path, *, plaintext: bool = False) -> AsyncIterator[House]:
    """Start, and stop whatever happens."""
    authority = None if plaintext else Authority(folder)
    journeys, log, logger = Journeys(), MemoryLog(), MemoryLogger()
    server = make_server(authority, logger)
    verbs = rpc_server.Journeys(
        settle=journeys.settle, reverse=journeys.reverse,
        predetermine=journeys.predetermine, read=journeys, prove=journeys,
        attend=journeys.attend, regions=journeys.regions, take_back=journeys.take_back,
        read_again=journeys.read_again,
    )  # fmt: skip
    server.answer(verbs, log)
    port = await server.start()
    house = House(server, port, journeys, log, logger, authority, own_port=port)
    try:
        yield house
    finally:
        await server.stop(1)


@asynccontextmanager
async def running_behind(owner: House, folder: Path) -> AsyncIterator[House]:
    """The same house by way of a second process that forwards to it; only the port is another."""
    sockets = SocketFolder(folder / "yrd.db")
    await owner.server.open_inside(sockets, SOCKET)
    link = OwnerLink(folder=sockets, socket=lambda: SOCKET, logger=owner.logger)
    server = make_server(owner.authority, MemoryLogger())
    server.forward(link)
    await link.look()
    try:
        yield replace(owner, port=await server.start())
    finally:
        await server.stop(1)
        await link.close()
        sockets.close()


def make_server(authority: Authority | None, logger: MemoryLogger) -> RpcServer:
    """An edge on any free port; without `authority` in plaintext."""
    tls = None
    if authority is not None:
        pair = authority.server()
        tls = TlsFiles(pair.certificate, pair.key, authority.root)
    return RpcServer(
        listen="127.0.0.1:0", tls=tls, plaintext=authority is None, institutions=INSTITUTIONS,
        id_mode=IdMode.DEMO, clock=TestClock(), make_request_id=SystemIds().request_id,
        logger=logger,
    )  # fmt: skip


def claims(channel: grpc.aio.Channel) -> Any:
    """A ClaimService client."""
    return claim_pb2_grpc.ClaimServiceStub(channel)


def audit(channel: grpc.aio.Channel) -> Any:
    """An AuditService client."""
    return audit_pb2_grpc.AuditServiceStub(channel)


@dataclass
class Told:
    """What a failed call told its caller."""

    code: grpc.StatusCode
    reason: str
    fields: list[tuple[str, str]]
    zh: str
    metadata: dict[str, str]


async def failure(call: Any) -> Told:
    """Await a call that must fail; its rich status."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return _told(error)
    raise LookupError(f"the call succeeded: {type(answer).__name__}")


def _told(error: grpc.aio.AioRpcError) -> Told:
    told = Told(error.code(), "", [], "", {})
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for packed in status_pb2.Status.FromString(value).details:
            info, bad, text = details.ErrorInfo(), details.BadRequest(), details.LocalizedMessage()
            if packed.Unpack(info):
                told.reason, told.metadata = info.reason, dict(info.metadata)
            if packed.Unpack(bad):
                told.fields = [(v.field, v.reason) for v in bad.field_violations]
            if packed.Unpack(text):
                told.zh = text.message
    return told
