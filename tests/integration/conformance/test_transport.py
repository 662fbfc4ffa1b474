"""The transport tells what became of a request, and never more than it can prove."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web

from adapters.breaker import BreakerState
from adapters.outcome import Cause, Delivered, NoAnswer, NotDelivered
from adapters.transport import MAX_BODY_BYTES, Call, Limits, Transport

CALL = Call("/x", {"Content-Type": "application/json"}, b"{}", timeout_s=2.0)
READ = replace(CALL, repeatable=True)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/x", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def platform(
    handler: Handler,
    limits: Limits | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Transport]:
    async with (
        serving(handler) as url,
        Transport(url, limits or Limits(), monotonic) as transport,
    ):
        yield transport


class Counting:
    """Answers what it is told to, one after another, and counts; the last is repeated."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.calls = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        kind = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        if kind == "cut":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if kind == "500":
            return web.Response(status=500, text="down")
        if kind == "flood":
            return web.Response(body=b" " * (MAX_BODY_BYTES + 1))
        if kind == "redirect":
            return web.Response(status=302, headers={"Location": "/x"})
        return web.Response(text="{}", headers={"X-Ca-Key": "k"})


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_an_answer_is_delivered_with_lower_case_headers() -> None:
    async with platform(Counting("ok").answer) as transport:
        outcome = await transport.send(CALL)
        assert isinstance(outcome, Delivered)
        assert (outcome.status, outcome.body) == (200, b"{}")
        assert outcome.headers["x-ca-key"] == "k"


async def test_a_cut_connection_is_no_answer_and_is_not_repeated() -> None:
    handler = Counting("cut", "ok")
    async with platform(handler.answer) as transport:
        outcome = await transport.send(CALL)
        assert isinstance(outcome, NoAnswer)
        assert outcome.cause is Cause.CONNECTION_LOST
        assert handler.calls == 1


async def test_a_read_is_repeated_once_from_a_budget() -> None:
    handler = Counting("cut", "ok", "cut", "ok")
    async with platform(handler.answer, Limits(retry_budget=1)) as transport:
        assert isinstance(await transport.send(READ), Delivered)
        # The budget is spent, and one success has earned only a tenth of a retry.
        assert isinstance(await transport.send(READ), NoAnswer)
        assert handler.calls == 3


async def test_a_server_error_is_no_answer_with_its_body_kept() -> None:
    async with platform(Counting("500").answer) as transport:
        outcome = await transport.send(CALL)
        assert outcome == NoAnswer(Cause.SERVER_ERROR, "HTTP 500", b"down")


async def test_a_flood_is_no_answer() -> None:
    async with platform(Counting("flood").answer) as transport:
        outcome = await transport.send(CALL)
        assert isinstance(outcome, NoAnswer)
        assert outcome.cause is Cause.OVERSIZED


async def test_a_redirect_is_not_followed() -> None:
    handler = Counting("redirect")
    async with platform(handler.answer) as transport:
        outcome = await transport.send(CALL)
        assert isinstance(outcome, Delivered)
        assert outcome.status == 302
        assert handler.calls == 1


async def test_a_time_out_after_sending_is_no_answer() -> None:
    hold = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await hold.wait()
        return web.Response()

    async with platform(silent) as transport:
        outcome = await transport.send(replace(READ, timeout_s=0.1))
        hold.set()
        assert isinstance(outcome, NoAnswer)
        assert outcome.cause is Cause.TIMEOUT


async def test_a_refused_connection_is_not_delivered() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with Transport(url, Limits(), time.monotonic) as transport:
        outcome = await transport.send(CALL)
        assert isinstance(outcome, NotDelivered)
        assert outcome.cause is Cause.CONNECTION_REFUSED


async def test_a_failed_handshake_is_not_delivered() -> None:
    async with serving(Counting("ok").answer) as url:
        secure = url.replace("http://", "https://")
        async with Transport(secure, Limits(), time.monotonic) as transport:
            outcome = await transport.send(CALL)
            assert isinstance(outcome, NotDelivered)
            assert outcome.cause is Cause.TLS


async def test_no_time_left_sends_nothing() -> None:
    handler = Counting("ok")
    async with platform(handler.answer) as transport:
        outcome = await transport.send(replace(CALL, timeout_s=0))
        assert outcome == NotDelivered(Cause.NO_TIME_LEFT)
        assert handler.calls == 0


async def test_a_full_house_turns_calls_away_before_they_are_sent() -> None:
    hold, arrived = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await hold.wait()
        return web.Response(text="{}")

    limits = Limits(concurrency=1, queue_timeout_s=0.05)
    async with platform(slow, limits) as transport:
        first = asyncio.create_task(transport.send(CALL))
        await arrived.wait()
        assert transport.health().in_flight == 1
        assert await transport.send(CALL) == NotDelivered(Cause.TOO_BUSY)
        hold.set()
        assert isinstance(await first, Delivered)
        assert transport.health().in_flight == 0


async def test_a_cancelled_call_gives_its_place_back() -> None:
    hold, arrived = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await hold.wait()
        return web.Response(text="{}")

    async with platform(slow, Limits(concurrency=1)) as transport:
        first = asyncio.create_task(transport.send(CALL))
        await arrived.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        hold.set()
        assert isinstance(await transport.send(CALL), Delivered)


async def test_failures_open_the_breaker_and_a_probe_closes_it() -> None:
    now = [0.0]
    handler = Counting("500", "500", "ok")
    limits = Limits(failures_to_open=2, open_s=30)
    async with platform(handler.answer, limits, lambda: now[0]) as transport:
        for _ in range(2):
            await transport.send(CALL)
        assert await transport.send(CALL) == NotDelivered(Cause.BREAKER_OPEN)
        assert transport.health().breaker is BreakerState.OPEN
        now[0] = 30.0
        assert isinstance(await transport.send(CALL), Delivered)
        assert transport.health().breaker.value == "closed"


async def test_after_an_outage_calls_come_back_a_few_at_a_time() -> None:
    now, hold = [0.0], asyncio.Event()
    handler = Counting("500", "500", "ok")

    async def slow(request: web.Request) -> web.StreamResponse:
        if handler.calls > 2:
            await hold.wait()
        return await handler.answer(request)

    limits = Limits(failures_to_open=2, open_s=30, concurrency=16)
    async with platform(slow, limits, lambda: now[0]) as transport:
        for _ in range(2):
            await transport.send(CALL)
        now[0] = 30.0
        assert isinstance(await transport.send(CALL), Delivered)
        calls = [asyncio.create_task(transport.send(CALL)) for _ in range(16)]
        await asyncio.sleep(0)
        assert (transport.health().in_flight, transport.health().places) == (2, 2)
        hold.set()
        assert all(isinstance(outcome, Delivered) for outcome in await asyncio.gather(*calls))
        assert transport.health().places == 16


async def test_an_open_breaker_answers_at_once_though_every_place_is_held() -> None:
    hold = asyncio.Event()

    async def dead(request: web.Request) -> web.StreamResponse:
        await request.read()
        if request.headers.get("x-lost"):
            return web.Response(status=500)
        await hold.wait()
        return web.Response(text="{}")

    limits = Limits(concurrency=3, failures_to_open=1, queue_timeout_s=30.0)
    async with platform(dead, limits) as transport:
        held = [asyncio.create_task(transport.send(CALL)) for _ in range(2)]
        await transport.send(replace(CALL, headers={"x-lost": "1"}))
        held.append(asyncio.create_task(transport.send(CALL)))
        async with asyncio.timeout(1.0):
            assert await transport.send(CALL) == NotDelivered(Cause.BREAKER_OPEN)
        hold.set()
        await asyncio.gather(*held)


async def test_a_closed_transport_sends_nothing() -> None:
    async with platform(Counting("ok").answer) as transport:
        await transport.close()
        assert await transport.send(CALL) == NotDelivered(Cause.CLOSED)
