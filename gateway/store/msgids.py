"""报文序号: msgids that never repeat, from durable counters.

Each institution counts in two lanes, so that two ways of reserving never meet: lane 0 inside the
transaction that records a message with effect, lane 1 in blocks for calls without effect. A lane
owns 5000 of the 10000 sequence numbers. The stamp of a lane never steps back, whatever the clock
does, and moves on by a second when 5000 numbers of one are used: so (second, number) is unique.
Both lanes are stamped inside a transaction, one after another however many processes there are; a
process keeps a block for as long as its stamp is fresh, and throws the rest away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.domain.msgid import SEQUENCE_MODULUS, compose
from gateway.ports import Clock
from gateway.store.prepared import Prepared
from gateway.store.tables import MSGID_SEQUENCE

EFFECT, PROBE = 0, 1
"""Lanes: messages with an effect, and calls that only ask."""
LANE_SIZE = SEQUENCE_MODULUS // 2
BLOCK = 100
"""Msgids that the probe lane makes at once; what is left at a stop is never used."""
FRESH = timedelta(seconds=1)
"""How long a block may be used: a msgid says when its message was sent."""

_HERE = (
    MSGID_SEQUENCE.c.institution_code == bindparam("institution"),
    MSGID_SEQUENCE.c.lane == bindparam("lane_"),
)
_READ = Prepared(
    select(
        MSGID_SEQUENCE.c.next_number, MSGID_SEQUENCE.c.second, MSGID_SEQUENCE.c.second_start
    ).where(*_HERE)
)
_INSERT = Prepared(insert(MSGID_SEQUENCE))
_UPDATE = Prepared(
    update(MSGID_SEQUENCE)
    .where(*_HERE)
    .values(
        next_number=bindparam("next_number_"),
        second=bindparam("second_"),
        second_start=bindparam("second_start_"),
    )
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one lane of one institution has come."""

    next_number: int = 0
    second: int = 0
    """Newest second stamped, since 1970 UTC."""
    second_start: int = 0
    """First number of that second."""

    def take(
        self, institution: str, lane: int, count: int, at: datetime
    ) -> tuple[Cursor, tuple[str, ...]]:
        """The cursor after `count` msgids, and the msgids."""
        now = int(at.timestamp())
        number, second, start = self.next_number, self.second, self.second_start
        made: list[str] = []
        for _ in range(count):
            if now > second:
                second, start = now, number
            elif number - start >= LANE_SIZE:
                second, start = second + 1, number
            stamp = datetime.fromtimestamp(second, UTC)
            made.append(compose(institution, stamp, lane * LANE_SIZE + number % LANE_SIZE))
            number += 1
        return Cursor(number, second, start), tuple(made)


class MsgidCounters:
    """The counters as one transaction sees them; a work's fork of them is joined if it succeeds."""

    def __init__(self, connection: Connection, parent: MsgidCounters | None = None) -> None:
        self._connection = connection
        self._parent = parent
        self._cursors: dict[tuple[str, int], Cursor] = {}
        self._stored: set[tuple[str, int]] = set()

    def next_msgids(self, institution: str, count: int, at: datetime) -> tuple[str, ...]:
        """Fresh msgids of the effect lane, durable with this transaction."""
        return self._take(institution, EFFECT, count, at)

    def reserve(self, institution: str, count: int, at: datetime) -> tuple[str, ...]:
        """Fresh msgids of the probe lane, durable with this transaction."""
        return self._take(institution, PROBE, count, at)

    def fork(self) -> MsgidCounters:
        """For one work; nobody else counts until it is joined or dropped."""
        return MsgidCounters(self._connection, self)

    def join(self, fork: MsgidCounters) -> None:
        """What the fork has counted is counted."""
        self._cursors |= fork._cursors

    def write(self) -> None:
        """Once, before the commit."""
        for (institution, lane), cursor in self._cursors.items():
            stored = (institution, lane) in self._stored
            self._write(institution, lane, cursor, new=not stored)

    def _take(self, institution: str, lane: int, count: int, at: datetime) -> tuple[str, ...]:
        cursor, made = self._cursor(institution, lane).take(institution, lane, count, at)
        self._cursors[institution, lane] = cursor
        return made

    def _cursor(self, institution: str, lane: int) -> Cursor:
        known = self._cursors.get((institution, lane))
        if known is not None:
            return known
        if self._parent is not None:
            return self._parent._cursor(institution, lane)
        row = _READ.rows(
            self._connection, {"institution": institution, "lane_": lane}
        ).one_or_none()
        if row is None:
            return Cursor()
        self._stored.add((institution, lane))
        return Cursor(*row)

    def _write(self, institution: str, lane: int, cursor: Cursor, *, new: bool) -> None:
        if new:
            _INSERT.write(
                self._connection,
                {
                    "institution_code": institution,
                    "lane": lane,
                    "next_number": cursor.next_number,
                    "second": cursor.second,
                    "second_start": cursor.second_start,
                },
            )
        else:
            _UPDATE.write(
                self._connection,
                {
                    "institution": institution,
                    "lane_": lane,
                    "next_number_": cursor.next_number,
                    "second_": cursor.second,
                    "second_start_": cursor.second_start,
                },
            )


@dataclass(slots=True)
class _Block:
    left: list[str]
    until: datetime


class MsgidBlocks:
    """Implements ports.MsgidSource: probe msgids from blocks made in durable storage."""

    def __init__(
        self, reserve: Callable[[str, int], Awaitable[tuple[str, ...]]], clock: Clock
    ) -> None:
        """`reserve(institution, count)` runs MsgidCounters.reserve in a committed write."""
        self._reserve = reserve
        self._clock = clock
        self._blocks: dict[str, _Block] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def take(self, institution: str, count: int) -> tuple[str, ...]:
        """`count` fresh msgids stamped with the present second or the one before."""
        async with self._locks.setdefault(institution, asyncio.Lock()):
            at = self._clock.now()
            block = self._blocks.get(institution)
            if block is None or len(block.left) < count or not at < block.until <= at + FRESH:
                made = await self._reserve(institution, max(count, BLOCK))
                block = self._blocks[institution] = _Block(list(made), at + FRESH)
            taken, block.left = block.left[:count], block.left[count:]
            return tuple(taken)
