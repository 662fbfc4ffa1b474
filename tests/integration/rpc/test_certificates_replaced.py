"""The server's certificate and the participants' CA are replaced while it serves."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.domain.person import IdMode
from gateway.ids import SystemIds
from gateway.rpc.health import FILES
from gateway.rpc.server import RpcServer
from gateway.rpc.tls import TlsFiles
from gateway.watched_files import FileWatch
from tests.integration.rpc.authority import Authority, Pair
from tests.integration.rpc.fakes import MemoryLogger
from tests.integration.rpc.house import TestClock
from tests.unit.rpc import samples

CALLER = f"urn:yrd:institution:{samples.QINGPU.code}"


class Served:
    """A server over files that can be replaced, and a clock that has always moved on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem")
        self.logger, self.port, self._seconds = MemoryLogger(), 0, 0.0
        self.watch = FileWatch(self._later, self.logger)

    def _later(self) -> float:
        self._seconds += 1.0
        return self._seconds

    def install(self, server: Pair, root: Path) -> None:
        """Each file renamed into its place."""
        for source, target in (
            (server.certificate, self.files.certificate),
            (server.key, self.files.key),
            (root, self.files.client_ca),
        ):
            fresh = target.with_suffix(".new")
            shutil.copy(source, fresh)
            fresh.replace(target)

    def shown(self) -> bytes:
        """The certificate that a new connection sees."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""

    def channel(self, root: Path, caller: Pair) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(
            root.read_bytes(), caller.key.read_bytes(), caller.certificate.read_bytes()
        )
        # Channels of one target share connections unless they are told not to.
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.secure_channel(f"127.0.0.1:{self.port}", credentials, options)


@asynccontextmanager
async def serving(folder: Path, first: Authority) -> AsyncIterator[Served]:
    served = Served(folder)
    served.install(first.server(), first.root)
    server = RpcServer(
        listen="127.0.0.1:0", tls=served.files, institutions={samples.QINGPU.code: samples.QINGPU},
        id_mode=IdMode.DEMO, clock=TestClock(), make_request_id=SystemIds().request_id,
        logger=served.logger, files=served.watch,
    )  # fmt: skip
    served.port = await server.start()
    try:
        yield served
    finally:
        await server.stop(1)


async def health(channel: grpc.aio.Channel, service: str) -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)
    return int(answer.status)


def der(certificate: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))


async def test_a_new_connection_sees_the_new_certificate_and_an_old_one_goes_on(
    tmp_path: Path,
) -> None:
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new", "new ca")
    async with (
        serving(tmp_path / "tls", old) as served,
        served.channel(old.root, old.client(CALLER)) as before,
    ):
        await health(before, FILES)
        fresh = new.server()
        served.install(fresh, new.root)
        assert await asyncio.to_thread(served.shown) == der(fresh.certificate)
        # Participants of the new CA are let in, and the connection of before still answers.
        async with served.channel(new.root, new.client(CALLER)) as after:
            assert await health(after, FILES) == health_pb2.HealthCheckResponse.SERVING
        assert await health(before, FILES) == health_pb2.HealthCheckResponse.SERVING


async def test_a_certificate_without_its_key_changes_nothing_and_health_says_so(
    tmp_path: Path,
) -> None:
    old = Authority(tmp_path / "old")
    async with serving(tmp_path / "tls", old) as served:
        first = await asyncio.to_thread(served.shown)
        one, other = old.server(), old.server()
        served.install(Pair(one.certificate, other.key), old.root)
        assert await asyncio.to_thread(served.shown) == first
        assert "不是一对" in served.watch.troubles()[0]
        assert any(event == "new_file_not_usable" for event, _ in served.logger.lines)
        async with served.channel(old.root, old.client(CALLER)) as channel:
            async with asyncio.timeout(10):
                while await health(channel, FILES) != health_pb2.HealthCheckResponse.NOT_SERVING:
                    await asyncio.sleep(0)
        served.install(other, old.root)
        assert await asyncio.to_thread(served.shown) == der(other.certificate)
        assert served.watch.troubles() == ()
