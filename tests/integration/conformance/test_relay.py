"""The relay passes every byte as it is, and spoils exactly the message it was armed for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from gateway.conformance.relay import Back, Fault, Onward, Relay

LIMIT = aiohttp.ClientTimeout(total=10)


@asynccontextmanager
async def relayed() -> AsyncIterator[tuple[Relay, str, list[bytes], aiohttp.ClientSession]]:
    """A relay in front of a platform that answers each request with its number and its path."""
    heard: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(await request.read())
        text = f"{len(heard)} {request.raw_path} {request.headers.get('x-ca-key', '')}"
        return web.Response(status=201, text=text, headers={"X-Theirs": "t"})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    relay = Relay(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with aiohttp.ClientSession(timeout=LIMIT) as session:
            yield relay, await relay.start(), heard, session
    finally:
        await relay.stop()
        await runner.cleanup()


async def send(session: aiohttp.ClientSession, url: str, body: bytes = b"b") -> str:
    async with session.post(f"{url}/a%2Fb?c=d", data=body, headers={"x-ca-key": "k"}) as answer:
        assert answer.status == 201
        assert answer.headers["X-Theirs"] == "t"
        return await answer.text()


async def test_bytes_paths_headers_and_status_pass_as_they_are() -> None:
    body = bytes(range(256))
    async with relayed() as (relay, url, heard, session):
        assert await send(session, url, body) == "1 /a%2Fb?c=d k"
        assert heard == [body]
        assert relay.asked[0].body == body
        assert relay.answered[0].body == b"1 /a%2Fb?c=d k"


@pytest.mark.parametrize(
    ("fault", "reaches"),
    [
        (Fault(onward=Onward.LOSE), 0),
        (Fault(onward=Onward.KEEP), 0),
        (Fault(back=Back.LOSE), 1),
        (Fault(onward=Onward.TWICE, back=Back.LOSE), 2),
    ],
)
async def test_one_message_is_spoiled_and_the_next_is_not(fault: Fault, reaches: int) -> None:
    async with relayed() as (relay, url, heard, session):
        relay.arm(fault)
        with pytest.raises(aiohttp.ClientError):
            await send(session, url)
        await relay.quiet()
        assert len(heard) == reaches
        assert (await send(session, url)).startswith(f"{reaches + 1} ")
        assert len(relay.kept) == (fault.onward is Onward.KEEP)


async def test_a_kept_request_is_delivered_when_it_is_told_to() -> None:
    async with relayed() as (relay, url, heard, session):
        relay.arm(Fault(onward=Onward.KEEP))
        with pytest.raises(aiohttp.ClientError):
            await send(session, url, b"late")
        assert (await relay.deliver(relay.kept[0])).status == 201
        assert heard == [b"late"]


async def test_a_held_answer_comes_to_nobody_and_holds_up_nobody() -> None:
    async with relayed() as (relay, url, _heard, session):
        relay.arm(Fault(back=Back.HOLD))
        waiting = asyncio.create_task(send(session, url))
        while not relay.answered:
            await asyncio.sleep(0)
        assert (await send(session, url)).startswith("2 ")
        await relay.reset()
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_an_answer_twice_on_the_wire_is_not_the_next_one_s() -> None:
    async with relayed() as (relay, url, _heard, session):
        relay.arm(Fault(back=Back.TWICE))
        assert (await send(session, url)).startswith("1 ")
        assert (await send(session, url)).startswith("2 ")


async def test_a_platform_that_is_away_is_told_and_the_connection_is_cut() -> None:
    relay = Relay("http://127.0.0.1:9")
    url = await relay.start()
    try:
        async with aiohttp.ClientSession(timeout=LIMIT) as session:
            with pytest.raises(aiohttp.ClientError):
                await send(session, url)
        assert relay.trouble == "ClientConnectorError"
    finally:
        await relay.stop()
