"""查账 · 沿革: closed logs against the leaves that commit to them, and such leaves against rows.

Whoever trusts the present key finds the old ones here, each proven by a leaf of the tree that the
present key has signed. Part of ledger.verify, which holds the snapshot and the report. Restarts are
few.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger.checkpoint import NoteInvalid, open_checkpoint
from ledger.driver import Row
from ledger.history import RESTARTED, ClosedLog, LogHistory, closed_rows, commitment_of
from ledger.leaf import Leaf, LeafError
from ledger.note import NoteVerifier
from ledger.outcomes import LedgerDamaged
from ledger.policy import KeyDates
from ledger.report import INVESTIGATE, RESTORE, Findings
from ledger.tables import raw
from ledger.verify_rows import mentions

OTHER_KEY = "Verify with the vkey of the log in force (DIR/vkey, or the last ledger_log row's)."
_TYPE = f'"type":"{RESTARTED}"'.encode()


class HistoryCheck:
    """In the order of the log."""

    def __init__(
        self, connection: Connection, findings: Findings, log: NoteVerifier, dates: KeyDates
    ) -> None:
        self._findings = findings
        try:
            rows = closed_rows(connection)
        except (LedgerDamaged, DBAPIError) as error:
            what = str(error) if isinstance(error, LedgerDamaged) else "rows cannot be read"
            findings.add("LOG_HISTORY_DAMAGED", "ledger_log", what, INVESTIGATE)
            rows = []
        self._left = {closed.leaf_index: (closed, salt) for closed, salt in rows}
        self.history = LogHistory(tuple(closed for closed, _ in rows), log, dates)
        self._check_chain()

    def take(self, leaves: list[Row]) -> None:
        """The next leaves: index, bytes, hash."""
        if not self._left and not mentions(leaves, _TYPE):
            return
        for index, data, _ in leaves:
            if _TYPE in raw(data) or index in self._left:
                self._check(index, data)

    def finish(self) -> None:
        """After the last leaf."""
        for index in self._left:
            self._findings.add("LEAF_MISSING", f"ledger_log {index}", "it has no leaf", RESTORE)

    def _check_chain(self) -> None:
        closed = self.history.closed
        keys = [log.key for log in closed] + [self.history.present]
        for log, follows in zip(closed, keys[1:], strict=True):
            if log.successor != follows:
                where = f"ledger_log {log.leaf_index}"
                what = f"{log.successor.vkey} goes on after it, and not {follows.vkey}"
                last = log is closed[-1]
                code = "LOG_KEY_DIFFERS" if last else "LOG_HISTORY_BROKEN"
                self._findings.add(code, where, what, OTHER_KEY if last else INVESTIGATE)

    def _check(self, index: int, data: Any) -> None:
        closed, salt = self._left.pop(index, (None, b""))
        if closed is None:
            what = "the leaf says that a log was closed; there is no such row"
            self._findings.add("LOG_MISSING", f"ledger_leaf {index}", what, RESTORE)
            return
        self._findings.count("logs_closed")
        where = f"ledger_log {index}"
        try:
            leaf = Leaf.parse(raw(data))
            commitment = commitment_of(closed, salt)
        except (LedgerDamaged, LeafError, ValueError) as error:
            self._findings.add("LOG_HISTORY_DAMAGED", where, str(error), INVESTIGATE)
            return
        if (leaf.type, leaf.commitment) != (RESTARTED, commitment):
            what = f"the row is not the one that leaf {index} commits to"
            self._findings.add("SEAL_BROKEN", where, what, INVESTIGATE)
        self._check_seen(closed, where)

    def _check_seen(self, closed: ClosedLog, where: str) -> None:
        if closed.seen is None:
            return
        try:
            size: int | None = open_checkpoint(closed.seen.note, closed.seen.key).size
        except NoteInvalid:
            size = None
        if size != closed.seen.size:
            what = "the checkpoint that was seen of it does not open, or is of another size"
            self._findings.add("CHECKPOINT_INVALID", where, what, INVESTIGATE)
