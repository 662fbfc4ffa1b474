"""见证记录: the cosignatures of checkpoints as the table holds them.

Reads and writes rows through the caller's connection, who commits. Each witness's first cosignature
of a size is kept for ever. Whoever adds one has verified it (ledger.cosignature); what is read here
is checked again by its receivers and by ledger.verify.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select

from ledger.cosignature import Cosignature, with_cosignatures
from ledger.reads import to_us
from ledger.tables import CHECKPOINT, COSIGNATURE

_INSERT = insert(COSIGNATURE)
_LINES = (
    select(COSIGNATURE.c.line)
    .where(COSIGNATURE.c.size == bindparam("size"))
    .order_by(COSIGNATURE.c.witness)
)
_KNOWN = select(COSIGNATURE.c.witness).where(COSIGNATURE.c.size == bindparam("size"))
# Both walk the primary key from one end and stop at once, however long the table has grown.
_LAST = (
    select(COSIGNATURE.c.size)
    .where(COSIGNATURE.c.witness == bindparam("witness"))
    .order_by(COSIGNATURE.c.size.desc())
    .limit(1)
)
_BY_THESE = (
    select(COSIGNATURE.c.size)
    .where(
        COSIGNATURE.c.witness.in_(bindparam("witnesses", expanding=True)),
        COSIGNATURE.c.size > bindparam("above"),
    )
    .limit(bindparam("rows"))
)
_UPWARDS = _BY_THESE.order_by(COSIGNATURE.c.size)
_DOWNWARDS = _BY_THESE.order_by(COSIGNATURE.c.size.desc())
_LOOKS = (64, 10_000)
"""Rows looked at: a few, and if that was not enough many. Beyond that the quorum counts as absent:
witnesses that have been away for thousands of checkpoints must not slow down those that follow."""
_HOW_MANY = select(func.count()).where(
    COSIGNATURE.c.size == bindparam("size"),
    COSIGNATURE.c.witness.in_(bindparam("witnesses", expanding=True)),
)
_CHECKPOINT = select(CHECKPOINT.c.note).where(CHECKPOINT.c.size == bindparam("size"))


def add_cosignatures(
    connection: Connection, size: int, given: Iterable[Cosignature], *, at: datetime
) -> int:
    """Keep those that are new; answers how many. The checkpoint of this size is in the database."""
    known = set(connection.execute(_KNOWN, {"size": size}).scalars())
    rows = [
        {"size": size, "witness": c.witness.vkey, "line": c.line, "received_us": to_us(at)}
        for c in given
        if c.witness.vkey not in known
    ]
    if rows:
        connection.execute(_INSERT, rows)
    return len(rows)


def cosigned_note(connection: Connection, note: str, size: int) -> str:
    """The checkpoint's note with the lines of all who have cosigned it."""
    return with_cosignatures(note, connection.execute(_LINES, {"size": size}).scalars())


def last_cosigned(connection: Connection, witness: str) -> int:
    """The largest size that this witness, by its vkey, has cosigned; 0 if none is known."""
    found: int | None = connection.execute(_LAST, {"witness": witness}).scalar()
    return found or 0


def is_witnessed(connection: Connection, size: int, witnesses: Sequence[str], quorum: int) -> bool:
    """Whether `quorum` of these witnesses have cosigned the checkpoint of this size."""
    values = {"size": size, "witnesses": list(witnesses)}
    return int(connection.execute(_HOW_MANY, values).scalar_one()) >= quorum


def first_witnessed(
    connection: Connection, witnesses: Sequence[str], quorum: int, *, above: int = 0
) -> int | None:
    """The smallest size above `above` that `quorum` of these witnesses have cosigned."""
    return _size(connection, _UPWARDS, witnesses, quorum, above)


def last_witnessed(
    connection: Connection, witnesses: Sequence[str], quorum: int, *, above: int = 0
) -> int | None:
    """The largest size above `above` that `quorum` of these witnesses have cosigned."""
    return _size(connection, _DOWNWARDS, witnesses, quorum, above)


def checkpoint_note(connection: Connection, size: int) -> str | None:
    """The signed checkpoint of exactly this size with its cosignatures; not verified."""
    note: str | None = connection.execute(_CHECKPOINT, {"size": size}).scalar()
    return None if note is None else cosigned_note(connection, note, size)


def _size(
    connection: Connection, query: Select[Any], witnesses: Sequence[str], quorum: int, above: int
) -> int | None:
    """The first size in the query's order that comes `quorum` times: once for each witness."""
    for rows in _LOOKS:
        values = {"witnesses": list(witnesses), "above": above, "rows": rows}
        sizes = connection.execute(query, values).scalars().all()
        for size, group in groupby(sizes):
            if len(list(group)) >= quorum:
                return int(size)
        if len(sizes) < rows:
            return None
    return None
