"""日志沿革: which key has signed checkpoints of which size, and what was lost in between.

One tree for ever, but not one key: where a log cannot go on under its key (an older database was
restored, the key came into strange hands, its date has passed) it is closed, and a log of another
origin and key goes on over the same leaves. A leaf `log.restarted` commits to all that, so that
whoever trusts the new key need not trust our table of old ones. A closed log speaks for the sizes
up to that leaf, its successor for all that are larger; so witnesses begin with the successor at 0.

Reads and writes rows through the caller's connection, who commits. Sources: C2SP tlog-checkpoint
(one key for one log; a new log has a new origin), ledger.md §2, §3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger.checkpoint import NoteVerifier
from ledger.commitment import canonical_json, commit
from ledger.note import KeyMalformed
from ledger.outcomes import LedgerDamaged, LedgerError
from ledger.policy import ALWAYS, KeyDates
from ledger.tables import LOG, raw

RESTARTED = "log.restarted"
"""Type of the leaf."""

_ROWS = select(LOG).order_by(LOG.c.leaf_index)
_LAST = select(func.max(LOG.c.leaf_index))
_INSERT = insert(LOG)


class LogClosed(LedgerError):
    """Another key has taken over: this one signs nothing any more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that was known of a log when it was closed, wherever it was kept."""

    key: NoteVerifier
    """Who signed it: the closed log, or a log of which the restored database knew nothing."""
    size: int
    note: str
    """Verbatim."""


@dataclass(frozen=True, slots=True)
class ClosedLog:
    """One log that was closed, and who goes on."""

    leaf_index: int
    """Of the leaf that says so; the closed log speaks for the sizes up to this."""
    key: NoteVerifier
    dates: KeyDates
    successor: NoteVerifier
    closed_us: int
    reason: str
    seen: Seen | None

    @property
    def lost(self) -> range:
        """Leaves, by their old numbers, of which a signature proves that they existed, and which
        the restored database did not hold."""
        return range(self.leaf_index, max(self.leaf_index, self.seen.size if self.seen else 0))

    def body(self) -> bytes:
        """What the leaf commits to, as canonical JSON."""
        seen = self.seen
        return canonical_json({
            "v": 1,
            "leaf_index": self.leaf_index,
            "vkey": self.key.vkey,
            "valid_from": self.dates.first,
            "valid_until": self.dates.last,
            "next_vkey": self.successor.vkey,
            "closed_us": self.closed_us,
            "reason": self.reason,
            "seen": seen and {"vkey": seen.key.vkey, "size": seen.size, "note": seen.note},
            "lost": [self.lost.start, self.lost.stop] if self.lost else None,
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogHistory:
    """The logs that have signed this tree: the closed ones in order, and the present key."""

    closed: tuple[ClosedLog, ...]
    present: NoteVerifier
    dates: KeyDates = ALWAYS
    """Of the present key."""

    @property
    def begins(self) -> int:
        """The present log speaks for sizes above this."""
        return self.closed[-1].leaf_index if self.closed else 0

    def key_of(self, size: int) -> NoteVerifier:
        """Whose checkpoint one of this size is."""
        for log in self.closed:
            if size <= log.leaf_index:
                return log.key
        return self.present

    def dates_of(self, size: int) -> KeyDates:
        """Of that key."""
        for log in self.closed:
            if size <= log.leaf_index:
                return log.dates
        return self.dates

    def refuse_closed(self) -> None:
        """Raises LogClosed if the present key is not the one that the rows say goes on."""
        if self.closed and self.closed[-1].successor != self.present:
            successor = self.closed[-1].successor
            raise LogClosed(
                f"the log {self.present.name} was closed at {self.begins} leaves, and "
                f"{successor.name} goes on: sign with that key"
            )


def read_history(
    connection: Connection, present: NoteVerifier, dates: KeyDates = ALWAYS
) -> LogHistory:
    """The logs of this database, of which `present` is the last. Raises LedgerDamaged."""
    return LogHistory(closed_logs(connection), present, dates)


def closed_logs(connection: Connection) -> tuple[ClosedLog, ...]:
    """In order. Raises LedgerDamaged for a row that cannot be read."""
    return tuple(log for log, _ in closed_rows(connection))


def closed_rows(connection: Connection) -> list[tuple[ClosedLog, bytes]]:
    """Each with its salt."""
    return [_from_row(row) for row in connection.execute(_ROWS).all()]


def begins_at(connection: Connection) -> int:
    """The present log speaks for sizes above this."""
    found: int | None = connection.execute(_LAST).scalar()
    return found or 0


def record_closed(connection: Connection, log: ClosedLog, *, salt: bytes) -> None:
    """The row; its leaf, with commit(salt, log.body()), goes into the same transaction."""
    first, last = log.dates.first, log.dates.last
    seen = log.seen
    values = {
        "leaf_index": log.leaf_index,
        "vkey": log.key.vkey,
        "valid_from_s": first,
        "valid_until_s": last,
        "next_vkey": log.successor.vkey,
        "closed_us": log.closed_us,
        "reason": log.reason,
        "seen_vkey": seen and seen.key.vkey,
        "seen_size": seen and seen.size,
        "seen_note": seen and seen.note,
        "salt": salt,
    }
    connection.execute(_INSERT, values)


def commitment_of(log: ClosedLog, salt: bytes) -> str:
    """As the leaf holds it."""
    return commit(salt, log.body()).hex()


def _from_row(row: Any) -> tuple[ClosedLog, bytes]:
    try:
        seen, known = None, (row.seen_vkey, row.seen_size, row.seen_note)
        if known != (None, None, None):
            if type(row.seen_size) is not int or type(row.seen_note) is not str:
                raise ValueError("half of what was seen")
            seen = Seen(NoteVerifier.from_vkey(row.seen_vkey), row.seen_size, row.seen_note)
        log = ClosedLog(
            leaf_index=row.leaf_index,
            key=NoteVerifier.from_vkey(row.vkey),
            dates=KeyDates(row.valid_from_s, row.valid_until_s),
            successor=NoteVerifier.from_vkey(row.next_vkey),
            closed_us=row.closed_us,
            reason=row.reason,
            seen=seen,
        )
        log.body()  # raises for a value of a wrong type
        return log, raw(row.salt)
    except (KeyMalformed, ValueError, TypeError, AttributeError) as error:
        raise LedgerDamaged(f"ledger_log {row.leaf_index} is damaged: run verify") from error
