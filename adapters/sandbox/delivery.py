"""送达: what happens to a finished answer between the platform and the institution.

The effect is committed by now. Knows sockets and HTTP, not transactions; bodies are bytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from adapters.sandbox.faults import Fault, FaultName

Sleep = Callable[[int], Awaitable[None]]
Arriving = tuple[int, str, bytes]
"""Status, content type, body."""
_PIECES = 10
_PAGE_500 = b"Internal Server Error"
_PAGE_502 = (
    b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1>"
    b"</center><hr><center>nginx</center></body></html>"
)
_PAGE_GARBAGE = "<html>系统维护中".encode()
CUTS = frozenset({FaultName.LOSE_REPLY, FaultName.LOSE_REQUEST, FaultName.RESET})
"""After these nothing at all arrives."""


def arriving(status: int, kind: str, body: bytes, hit: Mapping[FaultName, Fault]) -> Arriving:
    """Status, content type and body as they arrive."""
    if FaultName.HTTP500 in hit:
        return 500, "text/plain", _PAGE_500
    if FaultName.HTTP502 in hit:
        return 502, "text/html", _PAGE_502
    if FaultName.GARBAGE in hit:
        return 200, "text/html", _PAGE_GARBAGE
    if FaultName.TRUNCATE in hit:
        return status, kind, body[: len(body) // 2]
    return status, kind, body


async def deliver(
    request: web.Request,
    answer: Arriving,
    hit: Mapping[FaultName, Fault],
    sleep_ms: Sleep,
) -> web.StreamResponse:
    """The answer as `arriving` says, or not at all, twice, or drop by drop."""
    if FaultName.RESET in hit:
        return reset(request)
    if FaultName.LOSE_REPLY in hit:
        return cut(request)
    status, kind, body = answer
    if FaultName.DUPLICATE in hit:
        return _twice(request, status, kind, body)
    if FaultName.TRICKLE in hit:
        return await _drop_by_drop(
            request, status, kind, body, hit[FaultName.TRICKLE].delay_ms, sleep_ms
        )
    return web.Response(status=status, body=body, content_type=kind, charset=charset_of(kind))


def charset_of(kind: str) -> str | None:
    return None if kind == "application/zip" else "utf-8"


def cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without a byte of answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def reset(request: web.Request) -> web.StreamResponse:
    """Like cut, but the other side sees a reset (RST), not an end."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()


def _twice(request: web.Request, status: int, kind: str, body: bytes) -> web.StreamResponse:
    """Two whole HTTP answers to one request, as a proxy does that sends again."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    if request.transport is not None:
        request.transport.write((head.encode() + body) * 2)
        request.transport.close()
    return web.Response()


async def _drop_by_drop(
    request: web.Request, status: int, kind: str, body: bytes, over_ms: int, sleep_ms: Sleep
) -> web.StreamResponse:
    response = web.StreamResponse(status=status)
    response.content_type = kind
    response.content_length = len(body)
    await response.prepare(request)
    size = -(-len(body) // _PIECES) or 1
    for start in range(0, len(body), size):
        await sleep_ms(over_ms // _PIECES)
        await response.write(body[start : start + size])
    await response.write_eof()
    return response
