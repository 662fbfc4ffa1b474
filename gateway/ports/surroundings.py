"""What else a journey is handed: time, ids, msgids, hashing, and whom to tell."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from gateway.domain.claim_record import ClaimRecord


class Clock(Protocol):
    """The only reader of time."""

    def now(self) -> datetime:
        """Aware UTC."""

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    """The only maker of ids and randomness."""

    def claim_id(self) -> str: ...

    def entry_id(self) -> str: ...

    def outbox_id(self) -> str: ...

    def salt(self) -> bytes:
        """32 random bytes."""


class ClaimEncoder(Protocol):
    """Turns a claim into the bytes a caller gets, once, at each change."""

    def __call__(self, claim: ClaimRecord, /) -> bytes: ...


class MsgidSource(Protocol):
    """Msgids for calls without effect (1101, 5206, 2206): reserved in blocks from durable
    storage."""

    async def take(self, institution: str, count: int) -> tuple[str, ...]: ...


class Hasher(Protocol):
    """Keyed hash of a canonical request, so that a stored hash tells nothing about a person."""

    def request_hash(self, canonical: bytes) -> str: ...


class Observe(Protocol):
    """Told how long a stage of a journey took (docs/performance.md); must be cheap."""

    def __call__(self, stage: str, seconds: float) -> None: ...


class Trouble(Protocol):
    """Told of a defect that a journey survived; must not raise."""

    def __call__(self, where: str, claim_id: str, error: Exception) -> None: ...
