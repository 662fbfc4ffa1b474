"""故障中继: a small HTTP server between our adapter and the platform, which spoils one message.

Passes everything through unchanged, except for the message a Fault was armed for: that one is lost,
kept back, sent twice, held or altered. So the same fault meets any platform, ours or a real one.
Loopback only; plain HTTP towards the adapter, the platform's own TLS towards the platform. Not
here: signatures, what a message says. Headers and bodies pass as they are.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import aiohttp
from aiohttp import web
from yarl import URL

_HOP = frozenset({
    "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade",
    "host", "content-length", "content-encoding", "accept-encoding", "date", "server",
})  # fmt: skip
"""Headers of one connection, not of the message."""
PATIENCE_S = 60.0
"""Longest wait for the platform itself. Seconds, as every time here."""
_SHUTDOWN_S = 1.0
_BODY_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came from our adapter."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as it came from the platform."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Onward(StrEnum):
    """What becomes of the request."""

    PASS = "pass"
    LOSE = "lose"
    """The connection is cut and the platform never sees it."""
    KEEP = "keep"
    """Likewise, but it lies in `Relay.kept` and may be delivered later."""
    TWICE = "twice"
    """The platform gets the same bytes twice; the second answer goes back."""


class Back(StrEnum):
    """What becomes of the answer."""

    PASS = "pass"
    LOSE = "lose"
    """The connection is cut without a byte."""
    HOLD = "hold"
    """Kept until the relay is reset: past every deadline."""
    TWICE = "twice"
    """The whole answer stands twice on the connection."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one message."""

    onward: Onward = Onward.PASS
    back: Back = Back.PASS
    alter_request: Callable[[Asked], Asked] | None = None
    alter_answer: Callable[[Answered], Answered] | None = None


PASS = Fault()


class Relay:
    """Start, arm, look, reset, stop. One rule at a time."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self._upstream = upstream.rstrip("/")
        self._tls = tls
        self._armed: deque[Fault] = deque()
        self._released = asyncio.Event()
        self._under_way: set[asyncio.Task[Answered]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.asked: list[Asked] = []
        """Requests since the last reset, in the order they came."""
        self.answered: list[Answered] = []
        """Answers of the platform since the last reset, before anything was done to them."""
        self.kept: list[Asked] = []
        self.trouble = ""
        """Why the platform could not be reached, if it could not."""

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1; answers the base URL."""
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
        )
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._released.set()
        for task in self._under_way:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def arm(self, *faults: Fault) -> None:
        """For the next requests, one each."""
        self._armed.extend(faults)

    async def reset(self) -> None:
        """Nothing armed, nothing held, nothing remembered."""
        await self.quiet()
        self._released.set()
        self._released = asyncio.Event()
        self._armed.clear()
        self.asked, self.answered, self.kept, self.trouble = [], [], [], ""

    async def quiet(self) -> None:
        """Wait until the platform has answered whatever is under way."""
        while self._under_way:
            await asyncio.wait(set(self._under_way), timeout=PATIENCE_S)

    async def deliver(self, asked: Asked) -> Answered:
        """Send a request to the platform now, whoever made it. Raises aiohttp.ClientError."""
        # A task of its own: the platform is to be heard out though the adapter has left.
        task = asyncio.create_task(self._ask(asked))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    # -- one message --------------------------------------------------------------------------

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        fault = self._armed.popleft() if self._armed else PASS
        released = self._released
        asked = Asked(request.raw_path, _passed(request.headers), await request.read())
        self.asked.append(asked)
        if fault.onward is Onward.KEEP:
            self.kept.append(asked)
        if fault.onward in (Onward.KEEP, Onward.LOSE):
            return _cut(request)
        if fault.alter_request is not None:
            asked = fault.alter_request(asked)
        try:
            answered = await self.deliver(asked)
            if fault.onward is Onward.TWICE:
                answered = await self.deliver(asked)
        except (aiohttp.ClientError, TimeoutError) as error:
            self.trouble = type(error).__name__
            return _cut(request)
        if fault.back is Back.HOLD:
            await released.wait()
        if fault.back in (Back.HOLD, Back.LOSE):
            return _cut(request)
        if fault.alter_answer is not None:
            answered = fault.alter_answer(answered)
        return await _respond(request, answered, again=fault.back is Back.TWICE)

    async def _ask(self, asked: Asked) -> Answered:
        if self._session is None:
            raise RuntimeError("the relay is not started")
        async with self._session.post(
            URL(self._upstream + asked.path, encoded=True),
            data=asked.body,
            headers=dict(asked.headers),
            ssl=self._tls if self._tls is not None else True,
            allow_redirects=False,
        ) as response:
            answered = Answered(response.status, _passed(response.headers), await response.read())
        self.answered.append(answered)
        return answered


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP}


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without a byte of answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _respond(request: web.Request, answered: Answered, *, again: bool) -> web.StreamResponse:
    response = web.Response(
        status=answered.status, headers=dict(answered.headers), body=answered.body
    )
    if again and request.transport is not None:
        await response.prepare(request)
        await response.write_eof()
        request.transport.write(_raw(answered))
    return response


def _raw(answered: Answered) -> bytes:
    """The answer as bytes on a connection."""
    head = [f"HTTP/1.1 {answered.status} Again"]
    head += [f"{name}: {value}" for name, value in answered.headers.items()]
    head += [f"Content-Length: {len(answered.body)}", "", ""]
    return "\r\n".join(head).encode() + answered.body
