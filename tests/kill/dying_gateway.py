"""A whole gateway in a process of its own; says its port once it serves."""

from __future__ import annotations

import asyncio

from gateway.bootstrap import serve
from gateway.config import Settings
from tests.kill.processes import say


def run_gateway(settings: Settings, mouth: int) -> None:
    """Serve until a signal ends it."""
    asyncio.run(serve(settings, announce=lambda port: say(mouth, str(port))))
