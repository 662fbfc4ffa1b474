"""A platform that costs next to nothing: plain HTTP/1.1, one answer for everybody, or none for now.

Told over standard input what to answer, whether to hold answers back, and how many of the held ones
to let go each second, the oldest first. No signature is looked at: the answers were recorded.
Run: python -m bench.platform_process
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections import deque
from typing import Any

from bench.child import announce, answer_lines
from bench.open_files import many_open_files

BACKLOG = 4096
TURN_S = 0.01
"""Pause between two looks whether a held answer may go."""


class Platform:
    """What all connections answer."""

    def __init__(self) -> None:
        self.reply = b""
        self.holding = False
        self.per_s = 0.0
        self.seen = 0
        self._held: deque[asyncio.Transport] = deque()

    def asked(self, transport: asyncio.Transport) -> None:
        self.seen += 1
        if self.holding:
            self._held.append(transport)
        else:
            transport.write(self.reply)

    @property
    def held(self) -> int:
        return len(self._held)

    def let_go(self, number: int) -> None:
        for _ in range(min(number, len(self._held))):
            self._held.popleft().write(self.reply)

    async def trickle(self) -> None:
        """Let go of `per_s` held answers a second, evenly."""
        owed, at = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(TURN_S)
            now = time.monotonic()
            owed, at = owed + (now - at) * self.per_s, now
            self.let_go(int(owed))
            owed -= int(owed)


class Connection(asyncio.Protocol):
    """One connection: counts its requests' bytes and asks for an answer to each whole one."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._bytes = platform, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        head, found, rest = self._bytes.partition(b"\r\n\r\n")
        if not found or self._transport is None:
            return
        fields = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        lengths = [int(value) for name, _, value in fields if name.lower() == b"content-length"]
        # One at a time: an HTTP client of ours sends the next request after the answer.
        if len(rest) >= (lengths or [0])[0]:
            self._bytes = b""
            self._platform.asked(self._transport)


def response(body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a 200."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode("ascii") + body


async def run() -> None:
    """Serve until standard input ends."""
    many_open_files()
    platform = Platform()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(platform), "127.0.0.1", 0, backlog=BACKLOG)
    trickling = asyncio.create_task(platform.trickle())

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        if "body" in question:
            platform.reply = response(b64decode(question["body"]), question["headers"])
        platform.holding = question.get("hold", platform.holding)
        platform.per_s = question.get("per_s", platform.per_s)
        if not platform.holding:
            platform.let_go(platform.held)
        return {"held": platform.held, "seen": platform.seen, "cpu_s": time.process_time()}

    try:
        announce(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await answer_lines(answer)
    finally:
        trickling.cancel()
        server.close()


if __name__ == "__main__":
    asyncio.run(run())
