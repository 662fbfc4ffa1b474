"""传输结果: what became of one HTTP request, in three words that never lie.

Pure values. Delivered: an answer was read to its end. NotDelivered: provably nothing of the request
was taken in. NoAnswer: anything else; it may have taken effect. Not here: what an answer means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Cause(StrEnum):
    """Why there is no answer, for logs and metrics."""

    BREAKER_OPEN = "breaker_open"
    TOO_BUSY = "too_busy"
    CONNECTION_REFUSED = "connection_refused"
    TLS = "tls"
    NO_TIME_LEFT = "no_time_left"
    STALE_REQUEST = "stale_request"
    """Made so long ago that the platform would turn it away."""
    CLOSED = "closed"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    OVERSIZED = "oversized"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Delivered:
    """An answer was read. Whether it means yes is not known here."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """Provably nothing took effect."""

    cause: Cause
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """It may have taken effect: the state is unknown."""

    cause: Cause
    detail: str = ""
    body: bytes = field(default=b"", repr=False)
    """What was read all the same (a gateway's 5xx page)."""


Outcome: TypeAlias = Delivered | NotDelivered | NoAnswer
