"""查账: derive everything again from the rows, and trust nothing but the log's public key.

One pass in the order of the log, a thousand leaves at a time, with flat memory; reads only, in one
snapshot, and does not block writers. Derived again: leaf hashes, full tiles, root, head,
every checkpoint's signature and root, cosignatures, entries against leaves and seals, legs, links,
resolutions, reversals, limits, balances, trial balance per (book, fund), closed logs and the dates
of keys. Pending entries without resolution are counted, not held against anyone.

Not covered, because no money and no evidence hangs on it: ledger_checkpoint.signed_us (but for the
dates of a key that no witness dates), ledger_cosignature.received_us, and recorded_us of an entry
whose leaf has no seal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ledger.note import NoteVerifier
from ledger.outcomes import LedgerError
from ledger.policy import ALWAYS, KeyDates
from ledger.report import RESTORE, Findings, Problem, Progress, Report, silent
from ledger.sm2_note import Sm2NoteVerifier
from ledger.tables import ENTRY, LEAF
from ledger.verify_cosignatures import check_cosignatures
from ledger.verify_dates import check_dates
from ledger.verify_history import HistoryCheck
from ledger.verify_journal import JournalCheck, check_balances
from ledger.verify_limits import LimitCheck
from ledger.verify_log import LogCheck
from ledger.verify_rows import pieces

__all__ = ["Problem", "Progress", "Report", "verify"]


_UNDATED: Mapping[str, KeyDates] = MappingProxyType({})


def verify(
    connection: Connection,
    vkey: str,
    *,
    progress: Progress | None = None,
    dates: KeyDates = ALWAYS,
    witness_dates: Mapping[str, KeyDates] = _UNDATED,
    sm2: Sequence[Sm2NoteVerifier] = (),
) -> Report:
    """Check the whole ledger with the public key `vkey`, on a connection that has read nothing yet.

    `dates` are those of this key, `witness_dates` those of witnesses by vkey; `sm2` are
    further keys, whose lines must fit where they are. Raises KeyMalformed for a bad key; whatever
    is wrong with the ledger itself is in the report.
    """
    log = NoteVerifier.from_vkey(vkey)
    _hold_snapshot(connection)
    findings = Findings(progress or silent)
    history = HistoryCheck(connection, findings, log, dates)
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("ledger_leaf", lambda: _count_rows(connection, findings)),
        ("ledger_leaf", lambda: _check_pieces(connection, findings, history, sm2)),
        (
            "ledger_checkpoint",
            lambda: check_dates(connection, findings, history.history, witness_dates),
        ),
        ("ledger_cosignature", lambda: check_cosignatures(connection, findings)),
        ("ledger_balance", lambda: check_balances(connection, findings)),
    )
    for table, step in steps:
        try:
            step()
        except (DBAPIError, LedgerError, TypeError, ValueError, OverflowError) as error:
            # A row so damaged that it cannot be read ends this step; the others still run.
            what = f"rows cannot be read ({type(error).__name__})"
            findings.add("UNREADABLE", table, what, RESTORE)
    findings.finish()
    return findings.report()


def _check_pieces(
    connection: Connection,
    findings: Findings,
    history: HistoryCheck,
    sm2: Sequence[Sm2NoteVerifier],
) -> None:
    leaves = LogCheck(connection, findings, history.history, sm2)
    journal, limits = JournalCheck(connection, findings), LimitCheck(connection, findings)
    for piece in pieces(connection):
        leaves.take(piece.leaves)
        findings.step(len(piece.leaves))
        journal.take(piece)
        limits.take(piece.leaves)
        history.take(piece.leaves)
    for check in (leaves, journal, limits, history):
        check.finish()


def _count_rows(connection: Connection, findings: Findings) -> None:
    last = connection.execute(select(func.max(LEAF.c.leaf_index))).scalar()
    count = connection.execute(select(func.count()).select_from(ENTRY)).scalar_one()
    findings.expected = count + (0 if last is None else last + 1)


def _hold_snapshot(connection: Connection) -> None:
    """All statements see one state of the database, however many writers go on."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    elif not getattr(connection.connection.dbapi_connection, "in_transaction", True):
        # Python's SQLite drivers begin a transaction for a write only; ours is to read.
        connection.exec_driver_sql("BEGIN")
