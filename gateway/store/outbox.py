"""待发箱: what others have to be told, kept until it is done. At least once, in no order."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from gateway.domain.claim_record import OutboxItem
from gateway.domain.errors import InvariantViolated
from gateway.ports import OutboxCount
from gateway.store.tables import OUTBOX
from ledger.reads import from_us, to_us

ERROR_MAX = 200
"""Characters of the last error kept."""
_LONG_NUMBER = re.compile(r"\d{8,}[\dXx]?")

_INSERT = insert(OUTBOX)
_DUE = (
    select(OUTBOX)
    .where(
        OUTBOX.c.done_us.is_(None),
        OUTBOX.c.due_us <= bindparam("at"),
        OUTBOX.c.region.between(bindparam("first"), bindparam("last")),
    )
    .order_by(OUTBOX.c.due_us)
    .limit(bindparam("limit"))
)
_COUNTS = (
    select(
        func.substr(OUTBOX.c.region, 1, 2).label("province"),
        OUTBOX.c.kind,
        func.count(),
        func.min(OUTBOX.c.item_id),
    )
    .where(OUTBOX.c.done_us.is_(None))
    # By the label: two expressions with parameters are never the same to PostgreSQL.
    .group_by(text("province"), OUTBOX.c.kind)
    .order_by(text("province"), OUTBOX.c.kind)
)
_OPEN = update(OUTBOX).where(OUTBOX.c.item_id == bindparam("id_"), OUTBOX.c.done_us.is_(None))
_FINISH = _OPEN.values(done_us=bindparam("at"))
_LEASE = _OPEN.values(due_us=bindparam("due"))
_POSTPONE = _OPEN.values(
    attempts=bindparam("tried"), due_us=bindparam("due"), last_error=bindparam("error")
)


class Outbox:
    """The outbox as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enqueue(self, item: OutboxItem) -> None:
        self._connection.execute(
            _INSERT,
            {
                "item_id": item.item_id,
                "kind": item.kind,
                "claim_id": item.claim_id,
                "region": item.region,
                "due_us": to_us(item.due_at),
                "attempts": item.attempts,
                "last_error": "",
                "done_us": None,
            },
        )

    def due(self, at: datetime, limit: int, *, region: str = "") -> tuple[OutboxItem, ...]:
        """`region`: only what goes to area codes that begin so."""
        values = {"at": to_us(at), "limit": limit, **codes_within(region)}
        rows = self._connection.execute(_DUE, values)
        return tuple(
            OutboxItem(
                item_id=row.item_id,
                kind=row.kind,
                claim_id=row.claim_id,
                region=row.region,
                due_at=from_us(row.due_us),
                attempts=row.attempts,
            )
            for row in rows
        )

    def take(
        self, at: datetime, limit: int, until: datetime, *, region: str = ""
    ) -> tuple[OutboxItem, ...]:
        """What is due, for one worker alone until then; whoever finds it due again may be told
        twice. Write transactions follow each other, so nobody else takes the same."""
        items = self.due(at, limit, region=region)
        for item in items:
            self._connection.execute(_LEASE, {"id_": item.item_id, "due": to_us(until)})
        return items

    def counts(self) -> tuple[OutboxCount, ...]:
        """What is not delivered yet, by province and kind."""
        return tuple(OutboxCount(*row) for row in self._connection.execute(_COUNTS).all())

    def finish(self, item_id: str, at: datetime) -> None:
        """Done. Doing so twice is harmless: the telling itself is idempotent."""
        self._connection.execute(_FINISH, {"id_": item_id, "at": to_us(at)})

    def postpone(self, item_id: str, attempts: int, due_at: datetime, error: str) -> None:
        """Try again later. The error is kept short, without numbers that may be a person's."""
        values = {
            "id_": item_id,
            "tried": attempts,
            "due": to_us(due_at),
            "error": _LONG_NUMBER.sub("…", error)[:ERROR_MAX],
        }
        done = self._connection.execute(_POSTPONE, values)
        if done.rowcount != 1:
            raise InvariantViolated("no such outbox item is open")


def codes_within(region: str) -> dict[str, str]:
    """The first and the last area code of six digits that begins so."""
    return {"first": region.ljust(6, "0"), "last": region.ljust(6, "9")}
