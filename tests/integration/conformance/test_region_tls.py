"""The line to a platform over mTLS: our certificate and its CA are replaced while calls go on."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from adapters.outcome import Cause, Delivered, NotDelivered
from adapters.transport import Call, Limits, Transport
from gateway.config import ConfigError, RegionTls
from gateway.region_tls import tls_context
from gateway.watched_files import FileWatch
from tests.integration.rpc.authority import Authority, Pair
from tests.integration.rpc.fakes import MemoryLogger

CALL = Call("/x", {"Content-Type": "application/json"}, b"{}", timeout_s=5.0)


def install(source: Path, target: Path) -> None:
    fresh = target.with_suffix(".new")
    shutil.copy(source, fresh)
    fresh.replace(target)


class Files:
    """What the settings name, on disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.tls = RegionTls(
            ca=folder / "ca.pem", certificate=folder / "our.pem", key=folder / "our.key"
        )

    def show(self, pair: Pair) -> None:
        assert self.tls.certificate and self.tls.key
        install(pair.certificate, self.tls.certificate)
        install(pair.key, self.tls.key)

    def believe(self, root: Path) -> None:
        assert self.tls.ca
        install(root, self.tls.ca)

    def context(self) -> ssl.SSLContext:
        return tls_context(self.tls, "regions.33.tls")


@asynccontextmanager
async def platform(
    authority: Authority, callers: Authority
) -> AsyncIterator[tuple[str, list[str]]]:
    """A platform that wants a certificate of `callers`; whom it saw on each call."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        assert request.transport
        shown = request.transport.get_extra_info("peercert")
        seen.append(shown["subjectAltName"][0][1])
        return web.Response(text="{}")

    pair = authority.server()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=callers.root)
    context.load_cert_chain(pair.certificate, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    app.router.add_post("/x", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


class EverLater:
    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        self._seconds += 1.0
        return self._seconds


async def test_our_certificate_is_replaced_under_way_and_no_call_fails(tmp_path: Path) -> None:
    theirs, ours = Authority(tmp_path / "theirs"), Authority(tmp_path / "ours", "callers")
    files = Files(tmp_path / "tls")
    files.believe(theirs.root)
    files.show(ours.client("urn:first"))
    watch = FileWatch(EverLater(), MemoryLogger())
    tls = watch.watch("tls", files.tls.files(), files.context)
    async with (
        platform(theirs, ours) as (url, seen),
        Transport(url, Limits(), time.monotonic, tls) as transport,
    ):
        first = await asyncio.gather(*(transport.send(CALL) for _ in range(8)))
        under_way = [asyncio.create_task(transport.send(CALL)) for _ in range(8)]
        await asyncio.sleep(0)
        files.show(ours.client("urn:second"))
        later = await asyncio.gather(*(transport.send(CALL) for _ in range(8)))
        ended = await asyncio.gather(*under_way)
        assert all(isinstance(outcome, Delivered) for outcome in (*first, *ended, *later))
        assert set(seen[:8]) == {"urn:first"}
        assert isinstance(await transport.send(CALL), Delivered)
        assert seen[-1] == "urn:second"


async def test_a_certificate_that_cannot_be_used_keeps_the_old_one(tmp_path: Path) -> None:
    theirs, ours = Authority(tmp_path / "theirs"), Authority(tmp_path / "ours", "callers")
    files, logger = Files(tmp_path / "tls"), MemoryLogger()
    files.believe(theirs.root)
    files.show(ours.client("urn:first"))
    watch = FileWatch(EverLater(), logger)
    tls = watch.watch("tls", files.tls.files(), files.context)
    async with (
        platform(theirs, ours) as (url, seen),
        Transport(url, Limits(), time.monotonic, tls) as transport,
    ):
        files.show(Pair(ours.client("urn:second").certificate, ours.client("urn:third").key))
        assert isinstance(await transport.send(CALL), Delivered)
        assert seen == ["urn:first"]
        assert watch.troubles()[0].startswith("regions.33.tls")
    assert [event for event, _ in logger.lines] == ["new_file_not_usable"]


async def test_a_platform_of_another_ca_is_not_spoken_to(tmp_path: Path) -> None:
    theirs, ours = Authority(tmp_path / "theirs"), Authority(tmp_path / "ours", "callers")
    files = Files(tmp_path / "tls")
    files.believe(ours.root)
    files.show(ours.client("urn:first"))
    async with (
        platform(theirs, ours) as (url, seen),
        Transport(url, Limits(), time.monotonic, files.context) as transport,
    ):
        outcome = await transport.send(CALL)
        assert isinstance(outcome, NotDelivered)
        assert outcome.cause is Cause.TLS
        assert seen == []


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    files = Files(tmp_path / "tls")
    with pytest.raises(ConfigError, match=r"regions\.33\.tls\.ca .*ca\.pem 不是可读的 PEM 证书"):
        files.context()
    files.believe(Authority(tmp_path / "a").root)
    with pytest.raises(ConfigError, match=r"our\.pem 与 .*our\.key 不是可读的一对"):
        files.context()


def test_a_certificate_is_given_with_its_key() -> None:
    with pytest.raises(ValueError, match="certificate 与 key 须一并写明"):
        RegionTls.model_validate({"certificate": Path("a")})
