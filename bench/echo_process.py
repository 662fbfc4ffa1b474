"""The baseline: a bare grpc.aio server over the same mTLS that answers bytes without a thought.

What it costs is what any unary call of this size costs in this Python on this machine.
Run: python -m bench.echo_process DATA_DIR
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import grpc

from bench.child import announce, answer_lines
from gateway.demo.layout import DataDir
from gateway.rpc.tls import TlsFiles, server_credentials

SERVICE, METHOD = "bench.Echo", "Call"
PATH = f"/{SERVICE}/{METHOD}"


class Echo:
    """Takes any bytes; answers as many bytes as it was told to."""

    def __init__(self) -> None:
        self.reply = b""

    async def call(self, _request: bytes, _context: object) -> bytes:
        return self.reply


async def run(place: DataDir) -> None:
    """Serve until standard input ends."""
    echo = Echo()
    server = grpc.aio.server()
    method: Any = grpc.unary_unary_rpc_method_handler(echo.call)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: method}),)
    )
    tls = TlsFiles(place.tls / "server.pem", place.tls / "server.key", place.tls / "ca.pem")
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        echo.reply = bytes(question.get("reply_bytes", len(echo.reply)))
        return {"cpu_s": time.process_time()}

    await server.start()
    try:
        announce(f"127.0.0.1:{port}")
        await answer_lines(answer)
    finally:
        await server.stop(1)


if __name__ == "__main__":
    asyncio.run(run(DataDir(Path(sys.argv[1]))))
