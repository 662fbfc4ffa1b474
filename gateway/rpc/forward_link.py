"""The line to the owner of the database: which process it is now, and whether it answers.

A new owner is believed once it has answered a health check, so that a call is never spent on a
socket whose process is gone. `look` is called in turns; nothing in here waits by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.domain.errors import StorageUnavailable
from gateway.ports import Signing
from gateway.rpc.deadline import MAX_S
from gateway.rpc.forward_socket import SocketFolder, UnsafeSocket
from gateway.rpc.health import SIGNING
from gateway.telemetry import Logger

CHECK_S = 0.7
"""An owner that has not answered by then is not there. Less than a health probe may take."""
REPLY_MAX = 4 * 1024 * 1024
OPTIONS = (
    ("grpc.max_receive_message_length", REPLY_MAX),
    # Whether a call is sent again is decided in forward.py, not in the library.
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    # Each line is a connection of its own; a broken one is not found again in a pool.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A connection to one owner process."""

    socket: str
    channel: grpc.aio.Channel


class OwnerLink:
    """Implements health.Probed: an owner that answers and is well itself."""

    def __init__(self, *, folder: SocketFolder, socket: Callable[[], str], logger: Logger) -> None:
        """`socket` reads the name that the owner has announced, "" for none."""
        self._folder, self._socket, self._logger = folder, socket, logger
        self._line: Line | None = None
        self._there = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._complaint = ""
        self._signing = Signing()

    def signing(self) -> Signing:
        """As the owner said at the last look at its health."""
        return self._signing

    async def look(self) -> bool:
        """Find the present owner; True if it is another one than at the last look."""
        name = self._socket()
        if self._line is not None and self._line.socket == name:
            return False
        if self._line is not None:
            self.lost(self._line)
        line = self._open(name) if name else None
        if line is None:
            return False
        try:
            await self._check(line)
        except grpc.aio.AioRpcError:
            self._close(line)
            return False
        self._line = line
        self._there.set()
        return True

    def lost(self, line: Line) -> None:
        """A call found nobody at the other end: look again before the next one is sent."""
        if self._line is line:
            self._line = None
            self._there.clear()
            self._close(line)

    async def line(self, within_s: float) -> Line | None:
        """The owner's line; None if no owner answers in time."""
        if self._line is None:
            try:
                async with asyncio.timeout(within_s):
                    await self._there.wait()
            except TimeoutError:
                return None
        return self._line

    async def health(self) -> None:
        """Raises StorageUnavailable unless the owner answers, and says that it serves."""
        line = self._line
        if line is None:
            raise StorageUnavailable("no process owns the database at present")
        try:
            serving = await self._check(line)
            if serving and not await self._check(line, SIGNING):
                self._signing = Signing("OWNER_DOES_NOT_SIGN")
            else:
                self._signing = Signing()
        except grpc.aio.AioRpcError as error:
            self.lost(line)
            raise StorageUnavailable("the owner of the database does not answer") from error
        if not serving:
            raise StorageUnavailable("the owner of the database does not serve")

    async def close(self) -> None:
        """Give the line up; calls under way on it are cancelled."""
        if self._line is not None:
            await self._line.channel.close()
            self._line = None
        for task in self._closing:
            task.cancel()
        if self._closing:
            await asyncio.wait(self._closing)

    def _open(self, name: str) -> Line | None:
        try:
            self._folder.check(name)
            return Line(name, grpc.aio.insecure_channel(self._folder.target(name), OPTIONS))
        except FileNotFoundError:
            return None  # its owner is gone, and the next one has not announced itself yet
        except UnsafeSocket as error:
            if self._complaint != str(error):
                self._complaint = str(error)
                self._logger.error("owner_socket_refused", reason=str(error))
            return None

    def _close(self, line: Line) -> None:
        """Calls that are still under way on it may end."""
        task = asyncio.get_running_loop().create_task(line.channel.close(MAX_S))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @staticmethod
    async def _check(line: Line, service: str = "") -> bool:
        answer = await health_pb2_grpc.HealthStub(line.channel).Check(
            health_pb2.HealthCheckRequest(service=service), timeout=CHECK_S
        )
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
