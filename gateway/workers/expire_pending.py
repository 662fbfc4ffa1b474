"""失效: look for pending entries whose time is over, and have their end recorded.

Remembers how far it has looked, in memory: after a start and once a day it looks from the
beginning, which an index makes cheap, for entries that were appended long after they were recorded.
Times are integer microseconds since 1970 UTC.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.domain.errors import DomainError
from gateway.ports import Clock
from gateway.telemetry import Logger
from ledger.expiry import SLACK_US, Due
from ledger.reads import to_us

DAY_US = 86_400_000_000
BATCH = 100
"""Entries ended in one round."""


class Expiring(Protocol):
    """Our store's part (gateway/store/expiries.py)."""

    async def due(self, *, after_us: int, now_us: int, most: int) -> list[Due]: ...

    async def expire(self, item: Due) -> bool:
        """False where somebody else has resolved it."""


class ExpirePending:
    """One round. Answers how many entries it ended."""

    def __init__(self, *, expiries: Expiring, clock: Clock, logger: Logger) -> None:
        self._expiries, self._clock, self._log = expiries, clock, logger
        self._after_us = 0
        self._whole_us = 0
        """When it last looked from the beginning."""
        self._stuck = 0
        """Entries of the last round that could not be ended: they are due first again, and must
        not take the places of the others."""

    async def __call__(self) -> int:
        now_us, most = to_us(self._clock.now()), BATCH + self._stuck
        if now_us - self._whole_us >= DAY_US:
            self._after_us, self._whole_us = 0, now_us
        # A clock that was set back: what becomes due by it may lie before where we have looked.
        self._after_us = min(self._after_us, max(0, now_us - SLACK_US))
        items = await self._expiries.due(after_us=self._after_us, now_us=now_us, most=most)
        went = await asyncio.gather(*(self._one(item) for item in items))
        self._stuck = went.count(None)
        if len(items) < most and not self._stuck:
            self._after_us = max(0, now_us - SLACK_US)
        return went.count(True)

    async def _one(self, item: Due) -> bool | None:
        """Whether we ended it; None where that could not be done."""
        try:
            ended = await self._expiries.expire(item)
        except DomainError as error:
            self._log.warning("expiry_postponed", entry_id=item.entry_id, error_code=error.code)
            return None
        except Exception as error:  # one that cannot be ended must not hold up the others
            self._log.error(
                "expiry_failed",
                entry_id=item.entry_id,
                error_code=type(error).__name__,
                exc_info=error,
            )
            return None
        if ended:
            self._log.info("entry_expired", entry_id=item.entry_id)
        return ended
