"""日志能否继续: what stands against signing on under the present key, by all checkpoints at hand.

A database restored from a backup does not know what it lost; checkpoints kept elsewhere do. Reads
only. Whoever restarts the log (gateway/store/restart.py) asks here first. Source: ledger.md §3.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from gateway.store.errors import StoreRefused
from gateway.store.log import WARN_BEFORE
from ledger.checkpoint import Checkpoint, NoteInvalid, NoteVerifier, open_checkpoint
from ledger.history import LogHistory, Seen
from ledger.policy import KeyDates
from ledger.store import latest_note, root_at, size


class Trouble(StrEnum):
    """Why a log cannot go on under its key."""

    ROLLED_BACK = "LOG_ROLLED_BACK"
    FORKED = "LOG_FORKED"
    OLDER_THAN_RESTART = "LOG_OLDER_THAN_RESTART"
    """The newest checkpoint is of a log that was begun later than this database knows."""
    KEY_OUT_OF_DATE = "LOG_KEY_OUT_OF_DATE"
    KEY_ENDS_SOON = "LOG_KEY_ENDS_SOON"
    ORDERED = "ORDERED"
    """None that can be seen: a person says so, e.g. that the key was stolen."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How it stands."""

    size: int
    """Leaves that the database holds."""
    seen: Seen | None
    """The newest checkpoint known of the log in force, or of one that came after it."""
    trouble: Trouble | None


def diagnose(
    connection: Connection,
    history: LogHistory,
    *,
    notes: Iterable[str],
    own: Sequence[NoteVerifier],
    now: datetime,
) -> Diagnosis:
    """`notes` are checkpoints from outside, `own` all keys that are ours. Raises StoreRefused for a
    checkpoint that none of them signed."""
    there = size(connection)
    seen = _newest(history, [_seen(note, history, own) for note in notes])
    if seen is None:
        note = latest_note(connection)
        opened = None if note is None else _opened(note, history.present)
        if opened is not None:
            seen = Seen(history.present, opened.size, opened.note)
    trouble = None if seen is None else _against(connection, history, seen, there)
    return Diagnosis(there, seen, trouble or _of_dates(history.dates, now))


def _seen(note: str, history: LogHistory, own: Sequence[NoteVerifier]) -> Seen:
    for key in (history.present, *(log.key for log in history.closed), *own):
        opened = _opened(note, key)
        if opened is not None:
            return Seen(key, opened.size, note)
    raise StoreRefused(
        "CHECKPOINT_INVALID",
        f"检查点(第一行 {note.partition(chr(10))[0][:80]!r})不是本日志的任何密钥所签:"
        "请换一份,或把签它的密钥文件放回密钥目录。",
    )


def _newest(history: LogHistory, found: Sequence[Seen]) -> Seen | None:
    """A log that came later counts before the present one, which before those that were closed
    counts alone: they bound nothing any more."""
    closed = {log.key for log in history.closed}
    later = [seen for seen in found if seen.key not in closed | {history.present}]
    mine = [seen for seen in found if seen.key == history.present]
    return max(later or mine, key=lambda seen: seen.size, default=None)


def _against(connection: Connection, history: LogHistory, seen: Seen, there: int) -> Trouble | None:
    if seen.key != history.present:
        return Trouble.OLDER_THAN_RESTART
    if seen.size > there:
        return Trouble.ROLLED_BACK
    opened = _opened(seen.note, seen.key)
    if opened is None or root_at(connection, seen.size) != opened.root:
        return Trouble.FORKED
    return None


def _of_dates(dates: KeyDates, now: datetime) -> Trouble | None:
    if not dates.hold(int(now.timestamp())):
        return Trouble.KEY_OUT_OF_DATE
    if not dates.hold(int((now + WARN_BEFORE).timestamp())):
        return Trouble.KEY_ENDS_SOON
    return None


def _opened(note: str, key: NoteVerifier) -> Checkpoint | None:
    try:
        return open_checkpoint(note, key)
    except NoteInvalid:
        return None
