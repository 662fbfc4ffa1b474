"""平台控制: telling a stand-in platform to fail, and asking what it holds. Loopback only.

This is the demonstrator's hand on the other side of the wire; the gateway knows nothing of it.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

TIMEOUT_S = 10


def arm(base_url: str, fault: str) -> None:
    """Arm one fault, e.g. `lose-reply=1@2207`."""
    _ask(f"{base_url}/sandbox/control", json.dumps({"arm": [fault]}).encode())


def state(base_url: str) -> dict[str, Any]:
    """Its settlements and what it was told as a visited region."""
    return _ask(f"{base_url}/sandbox/state", None)


def _ask(url: str, body: bytes | None) -> dict[str, Any]:
    request = urllib.request.Request(url, data=body)
    # A proxy named in the environment has no business with this machine's own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
