"""失效: pending entries whose time is over, found so that their end can be logged.

Expiry is an event of the log, never a reader's opinion: an entry that is due stays pending until
its expired entry is appended, and whatever resolves it first wins. Reads only; times are integer
microseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, select

from ledger.tables import ENTRY, LEG

SLACK_US = 3_600_000_000
"""An hour: how far the clocks of those who append may be apart."""

_RESOLVER = ENTRY.alias("resolver")
_DUE = (
    select(ENTRY.c.entry_id, ENTRY.c.expires_us)
    .where(
        ENTRY.c.expires_us > bindparam("after_us"),
        ENTRY.c.expires_us <= bindparam("now_us"),
        ~exists().where(_RESOLVER.c.resolves == ENTRY.c.entry_id),
    )
    .order_by(ENTRY.c.expires_us)
    .limit(bindparam("most"))
)
_FUNDS = select(LEG.c.debit).where(LEG.c.entry_id == bindparam("entry_id"))


@dataclass(frozen=True, slots=True)
class Due:
    """A pending entry that nothing has resolved in time."""

    entry_id: str
    expires_us: int
    funds: tuple[str, ...]
    """For its expired entry's leaf."""


def due(connection: Connection, *, after_us: int, now_us: int, most: int) -> list[Due]:
    """The oldest of those due since `after_us`. When it answers fewer than `most`, nothing before
    `now_us` is left, and the next question may begin at `now_us - SLACK_US`."""
    values = {"after_us": after_us, "now_us": now_us, "most": most}
    return [
        Due(entry_id, expires_us, _funds(connection, entry_id))
        for entry_id, expires_us in connection.execute(_DUE, values).all()
    ]


def _funds(connection: Connection, entry_id: str) -> tuple[str, ...]:
    debits = connection.execute(_FUNDS, {"entry_id": entry_id}).scalars()
    return tuple(sorted({debit.rsplit("/", 1)[-1] for debit in debits}))
