"""A test platform behind mTLS is tried like any other, and turns away who shows nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config import RegionTls
from gateway.conformance.on_sandbox import on_sandbox
from gateway.conformance.on_url import on_url
from gateway.conformance.rule import Outcome
from gateway.conformance.rules import ALL
from gateway.conformance.suite import chosen, try_rules
from tests.integration.conformance.test_suite import elsewhere
from tests.integration.conformance.trials import CLOCKS, random
from tests.integration.rpc.authority import Authority


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


@asynccontextmanager
async def behind_mtls(url: str, theirs: Authority, callers: Authority) -> AsyncIterator[str]:
    """The same platform at an https address that wants a certificate of `callers`."""
    pair = theirs.server()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=callers.root)
    context.load_cert_chain(pair.certificate, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED
    port = urlsplit(url).port or 0

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plain_reader, plain_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pour(reader, plain_writer), pour(plain_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_a_platform_behind_mtls_is_tried_with_our_certificate_and_not_without(
    tmp_path: Path,
) -> None:
    theirs, ours = Authority(tmp_path / "theirs"), Authority(tmp_path / "ours", "callers")
    shown = ours.client("urn:hospital")
    tls = {"ca": theirs.root, "certificate": shown.certificate, "key": shown.key}
    async with (
        on_sandbox("jiangsu", tmp_path, CLOCKS, random) as sandbox,
        behind_mtls(sandbox.url, theirs, ours) as url,
    ):
        given = replace(
            elsewhere(replace(sandbox, url=url), tmp_path, url), tls=RegionTls.model_validate(tls)
        )
        rules = chosen(ALL, only=["C01"])
        report = await try_rules(on_url("jiangsu", given, CLOCKS, 100), rules, lambda _: None)
        assert [found.outcome for found in report.findings] == [Outcome.PASSED]
        stranger = replace(given, tls=RegionTls.model_validate({"ca": theirs.root}))
        report = await try_rules(on_url("jiangsu", stranger, CLOCKS, 200), rules, lambda _: None)
        assert [found.outcome for found in report.findings] == [Outcome.BROKEN]
