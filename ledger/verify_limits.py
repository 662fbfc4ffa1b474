"""查账 · 限制: every limit against the leaf that commits to it, and such leaves against the limits.

Part of ledger.verify, which holds the snapshot and the report. Limits are few.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ledger.commitment import commit
from ledger.driver import Row, fetch
from ledger.known import LIMITS, limit_from
from ledger.leaf import Leaf, LeafError
from ledger.limit_store import LIMIT_SET, limit_body
from ledger.outcomes import LedgerError
from ledger.report import INVESTIGATE, RESTORE, Findings
from ledger.tables import raw
from ledger.verify_rows import mentions

_TYPE = f'"type":"{LIMIT_SET}"'.encode()
_SALTS = "SELECT leaf_index, salt FROM ledger_limit"


class LimitCheck:
    """In the order of the log."""

    def __init__(self, connection: Connection, findings: Findings) -> None:
        self._findings = findings
        self._left = {row[0]: row for row in fetch(connection, LIMITS)}
        self._salts: dict[int, bytes] = {row[0]: row[1] for row in fetch(connection, _SALTS)}

    def take(self, leaves: list[Row]) -> None:
        """The next leaves: index, bytes, hash."""
        if not self._left and not mentions(leaves, _TYPE):
            return
        for index, data, _ in leaves:
            if _TYPE in raw(data) or index in self._left:
                self._check(index, data)

    def finish(self) -> None:
        """After the last leaf."""
        for _, limit_id, *_ in self._left.values():
            what = "it has no leaf"
            self._findings.add("LEAF_MISSING", f"ledger_limit {limit_id}", what, RESTORE)

    def _check(self, index: int, data: Any) -> None:
        row = self._left.pop(index, None)
        if row is None:
            what = "the leaf is of a limit that is not there"
            self._findings.add("LIMIT_MISSING", f"ledger_leaf {index}", what, RESTORE)
            return
        self._findings.count("limits")
        where = f"ledger_limit {row[1]}"
        try:
            limit = limit_from(row[1:])
            leaf = Leaf.parse(raw(data))
            commitment = commit(raw(self._salts[index]), limit_body(limit)).hex()
        except (LedgerError, LeafError, ValueError) as error:
            self._findings.add("LIMIT_DAMAGED", where, str(error), INVESTIGATE)
            return
        if (leaf.type, leaf.entry_id, leaf.commitment) != (LIMIT_SET, limit.limit_id, commitment):
            what = f"the limit is not the one that leaf {index} commits to"
            self._findings.add("SEAL_BROKEN", where, what, INVESTIGATE)
