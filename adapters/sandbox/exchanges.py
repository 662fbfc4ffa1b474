"""往来报文: the newest messages of a platform as the inspector shows them, in a file of their own.

Not the platform's state: nothing is decided by it, it may be deleted, and it is committed without
waiting for the disk (WAL, synchronous=NORMAL: a killed process loses nothing, a power cut perhaps
the last seconds). Personal numbers are masked before they come here (masking.py).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

NEWEST_KEPT = 2000
TEXT_MAX = 200_000
"""Characters kept of one message's text."""
_SWEEP_EVERY = 50


@dataclass(slots=True)
class Exchange:
    """One request with its answer. Times are local text (Asia/Shanghai)."""

    at: str
    path: str
    headers: Mapping[str, str]
    request_bytes: int
    request: str = ""
    """Decrypted and masked."""
    infno: str = ""
    msgid: str = ""
    institution: str = ""
    gate: str = ""
    """What the service gateway said of the signature."""
    admitted: bool = False
    faults: list[str] = field(default_factory=list)
    outcome: str = ""
    """ok, refused, gate, unreadable or failed"""
    err_msg: str = ""
    effect: str = ""
    status: int = 0
    """HTTP; 0 = nothing arrived."""
    answered_at: str = ""
    answer: str = ""
    """As it was signed, masked; what faults of the way did to it comes after."""
    arrived: str = ""
    """What arrived instead, when that is something else."""
    answer_bytes: int = 0
    answer_signature: str = ""
    number: int = 0
    """Given by the file; higher is newer."""


_COLUMNS = tuple(item.name for item in fields(Exchange) if item.name != "number")
_JSON = frozenset({"headers", "faults"})
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS exchanges (
  number INTEGER PRIMARY KEY AUTOINCREMENT, {", ".join(_COLUMNS)}
);
CREATE INDEX IF NOT EXISTS exchanges_by_msgid ON exchanges (msgid);
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is narrowed to; "" is everything."""

    infno: str = ""
    msgid: str = ""
    """Its beginning is enough."""
    outcome: str = ""
    """As in Exchange, or `fault`: any message that a fault has hit."""
    before: int = 0
    """Only numbers below; 0 = from the newest."""


class ExchangeLog:
    """The file; at most `newest` messages, and some tens more between two sweeps."""

    def __init__(self, path: Path, *, newest: int = NEWEST_KEPT) -> None:
        self._newest = newest
        self._since_sweep, self._closed = 0, False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._sweep()

    def close(self) -> None:
        self._closed = True
        self._db.close()

    def clear(self) -> None:
        self._db.execute("DELETE FROM exchanges")

    def add(self, exchange: Exchange) -> None:
        """Nothing is kept any more once it is closed: a message may end after the server."""
        if self._newest <= 0 or self._closed:
            return
        row = asdict(exchange)
        values = [
            json.dumps(row[name], ensure_ascii=False) if name in _JSON else row[name]
            for name in _COLUMNS
        ]
        marks = ",".join("?" * len(_COLUMNS))
        self._db.execute(f"INSERT INTO exchanges ({', '.join(_COLUMNS)}) VALUES ({marks})", values)
        self._since_sweep += 1
        if self._since_sweep >= _SWEEP_EVERY:
            self._sweep()

    def newest(self, wanted: Wanted, limit: int) -> list[Exchange]:
        """Newest first."""
        rows = self._db.execute(
            "SELECT * FROM exchanges WHERE (:infno = '' OR infno IN (:infno, :infno || 'A')) "
            "AND (:msgid = '' OR substr(msgid, 1, length(:msgid)) = :msgid) "
            "AND (:outcome = '' OR outcome = :outcome OR (:outcome = 'fault' AND faults <> '[]')) "
            "AND (:before = 0 OR number < :before) ORDER BY number DESC LIMIT :limit",
            {**asdict(wanted), "limit": limit},
        )
        return [_exchange(row) for row in rows]

    def one(self, number: int) -> Exchange | None:
        row = self._db.execute("SELECT * FROM exchanges WHERE number = ?", (number,)).fetchone()
        return _exchange(row) if row else None

    def count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM exchanges").fetchone()[0])

    def _sweep(self) -> None:
        self._since_sweep = 0
        self._db.execute(
            "DELETE FROM exchanges WHERE number <= (SELECT max(number) FROM exchanges) - ?",
            (max(self._newest, 0),),
        )


def _exchange(row: sqlite3.Row) -> Exchange:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 (a Row iterates over values)
    return Exchange(**values | {name: json.loads(values[name]) for name in _JSON})
