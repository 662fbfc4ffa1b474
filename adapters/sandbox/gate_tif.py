"""TIF 验签: a gateway that signs time, token and nonce, and takes a nonce once.

x-tif-signature = hex(SHA256(ts + token + nonce + ts)), ts in seconds (10 digits), 180 s either way,
a nonce remembered for 10 minutes. The body is not covered. Formula read in several clients (solid),
the limits too (medium); which case and that Anhui uses it are OUR ASSUMPTION.
"""

from __future__ import annotations

import hashlib
import hmac as constant_time
from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.sandbox.refused import (
    MISMATCH,
    MISSING_HEADER,
    REPEATED,
    STALE,
    UNKNOWN_CALLER,
    GateRefusal,
)

WINDOW = timedelta(seconds=180)
REMEMBERED = timedelta(minutes=10)
_SECONDS_DIGITS = 10
_NAMES = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")


class TifGate:
    """One gateway with its memory of nonces; a restart forgets them."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._caller, self._token = secrets["access_key"], secrets["secret"]
        self._seen: dict[str, datetime] = {}

    def check(self, headers: Mapping[str, str], now: datetime) -> None:
        """Raises GateRefusal."""
        caller, stamp, nonce, given = (headers.get(name, "") for name in _NAMES)
        if not all((caller, stamp, nonce, given)):
            raise GateRefusal(MISSING_HEADER)
        if len(stamp) != _SECONDS_DIGITS or not (stamp.isascii() and stamp.isdigit()):
            raise GateRefusal(STALE)
        if abs(now - datetime.fromtimestamp(int(stamp), now.tzinfo)) > WINDOW:
            raise GateRefusal(STALE)
        if caller != self._caller:
            raise GateRefusal(UNKNOWN_CALLER)
        joined = f"{stamp}{self._token}{nonce}{stamp}"
        expected = hashlib.sha256(joined.encode()).hexdigest()
        if not constant_time.compare_digest(expected.encode(), given.encode()):
            raise GateRefusal(MISMATCH)
        self._take(nonce, now)

    def _take(self, nonce: str, now: datetime) -> None:
        """Only a nonce whose signature holds is remembered: a stranger cannot fill the memory."""
        # In the order they came: the oldest go first, and not all are looked at each time.
        while self._seen and now - self._seen[next(iter(self._seen))] >= REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if nonce in self._seen:
            raise GateRefusal(REPEATED)
        self._seen[nonce] = now
