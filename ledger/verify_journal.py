"""查账 · 分录: entries against their leaves, and balances against the entries.

In order of the log; what is kept is one sum per account. ledger.verify_quick passes over what is
sound; here every entry it doubts is built from its rows by the types themselves, so that what is
wrong has a name. Part of ledger.verify, which holds the snapshot and the report.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, func, select, true

from ledger.journal import Account, Entry, EntryKind, JournalError, trial_balance
from ledger.leaf import Leaf, LeafError
from ledger.outcomes import LedgerError
from ledger.reads import legs_from
from ledger.report import INVESTIGATE, REBUILD, RESTORE, Findings
from ledger.seal import seal_of
from ledger.tables import BALANCE, ENTRY, LEG, raw
from ledger.verify_quick import Quick, is_evidence
from ledger.verify_rows import EntryRow, LegRow, Piece, legs_of

_STREAM = {"yield_per": 1000}
_PENDING = select(ENTRY.c.kind, ENTRY.c.leaf_index).where(ENTRY.c.entry_id == bindparam("entry_id"))
_ORPHANS = (
    select(LEG.c.entry_id, LEG.c.leg_no)
    .select_from(LEG.outerjoin(ENTRY, ENTRY.c.entry_id == LEG.c.entry_id))
    .where(ENTRY.c.entry_id.is_(None))
)
_TWICE = {
    name: select(column, func.count())
    .where(column.is_not(None), condition)
    .group_by(column)
    .having(func.count() > 1)
    for name, column, condition in (
        ("resolve", ENTRY.c.resolves, true()),
        ("reverse", ENTRY.c.reverses, ENTRY.c.kind == "posted"),
    )
}
_COLUMNS = ("pending debits", "pending credits", "posted debits", "posted credits")


class JournalCheck:
    """The entries in order of the log, and the leaves that belong to none."""

    def __init__(
        self, connection: Connection, findings: Findings, *, quick: Quick | None = None
    ) -> None:
        self._connection = connection
        self._findings = findings
        self._quick = quick or Quick(findings)
        self._examined = 0
        """Legs of the entries that were doubted."""
        self._link: tuple[int, str] | None = None
        """Leaf index and chain of the last linked entry."""

    def take(self, piece: Piece) -> None:
        """The next piece of the log."""
        findings = self._findings
        if piece.unreadable:
            findings.add("UNREADABLE", "ledger_entry", piece.unreadable, RESTORE)
            return
        for row, leaf in self._quick.doubts(piece):
            try:
                self._examine(row, legs_of(self._connection, row[0]), leaf)
            except (LedgerError, TypeError, ValueError, OverflowError) as error:
                what = f"rows cannot be read ({type(error).__name__})"
                findings.add("UNREADABLE", f"ledger_entry {row[0]}", what, RESTORE)
        if len(piece.entries) != len(piece.leaves):
            of_entries = {row[4] for row in piece.entries}
            for index, data, _ in piece.leaves:
                if index not in of_entries:
                    _check_evidence(findings, index, data)
        findings.step(len(piece.entries))

    def finish(self) -> None:
        """After the last piece."""
        self._quick.add_up()
        legs = self._examined + self._quick.legs
        check_once(self._connection, self._findings, legs=legs)

    def _examine(self, row: EntryRow, legs: list[LegRow], data: Any) -> None:
        findings, seen = self._findings, self._findings.total
        self._examined += len(legs)
        findings.count("entries")
        entry = _entry(findings, row, legs)
        leaf = _leaf(findings, row, data)
        self._check_references(row)
        if entry is not None:
            _add_up(findings, entry, resolved=bool(row[7]))
            if leaf is not None:
                _check_seal(findings, row, entry, leaf)
        if leaf is not None and leaf.seal is not None and findings.total == seen:
            self._quick.learn(leaf.entry_id, row[1], raw(data))

    def _check_references(self, row: EntryRow) -> None:
        entry_id, kind, resolves, reverses, index, _, _, resolution, reversal, linked, *_ = row
        where = f"ledger_entry {entry_id}"
        if kind == EntryKind.PENDING:
            if not resolution:
                self._findings.count("pending_open")
            if resolves is not None:
                what = "it is pending and resolves another"
                self._findings.add("RESOLVES_NOTHING", where, what, INVESTIGATE)
        elif not resolution:
            place = {"entry_id": resolves}
            pending = self._connection.execute(_PENDING, place).one_or_none()
            if pending is None or pending.kind != EntryKind.PENDING or pending.leaf_index >= index:
                what = f"it resolves {resolves}, which is no earlier pending entry"
                self._findings.add("RESOLVES_NOTHING", where, what, INVESTIGATE)
            else:
                what = "it reverses another entry than its pending entry does"
                self._findings.add("REVERSES_DIFFERS", where, what, INVESTIGATE)
        if linked is not None:
            if linked != entry_id and self._link != (index - 1, linked):
                what = f"it is of the chain {linked}, which does not stand right before it"
                self._findings.add("LINK_BROKEN", where, what, INVESTIGATE)
            self._link = (index, linked)
        if not reversal:
            what = f"it reverses {reverses}, which is no earlier posted entry"
            self._findings.add("REVERSES_NOTHING", where, what, INVESTIGATE)


def check_once(connection: Connection, findings: Findings, *, legs: int) -> None:
    """Entries that were resolved or reversed more than once; legs, if there are more than `legs`,
    that belong to no entry."""
    for name, query in _TWICE.items():
        for entry_id, times in connection.execute(query):
            what = f"{times} entries {name} it"
            findings.add(f"{name.upper()}_TWICE", f"ledger_entry {entry_id}", what, INVESTIGATE)
    if connection.execute(select(func.count()).select_from(LEG)).scalar_one() == legs:
        return
    for entry_id, leg_no in connection.execute(_ORPHANS, execution_options=_STREAM):
        what = "the leg belongs to no entry"
        findings.add("LEG_ORPHANED", f"ledger_leg {entry_id}/{leg_no}", what, INVESTIGATE)


def check_balances(connection: Connection, findings: Findings) -> None:
    """Every balance against the sum of its entries, and every trial balance."""
    left = dict(findings.sums)
    pending: list[tuple[Account, int, int]] = []
    posted: list[tuple[Account, int, int]] = []
    query = select(BALANCE).order_by(BALANCE.c.account)
    for code, *stored in connection.execute(query, execution_options=_STREAM):
        findings.count("balances")
        _compare_balance(findings, code, stored, left.pop(code, [0, 0, 0, 0]))
        try:
            account = Account.parse(code)
        except JournalError as error:
            findings.add("ACCOUNT_MALFORMED", f"ledger_balance {code}", str(error), REBUILD)
            continue
        pending.append((account, stored[0], stored[1]))
        posted.append((account, stored[2], stored[3]))
    for code, derived in left.items():
        _compare_balance(findings, code, [0, 0, 0, 0], derived)
    for name, sides in (("pending", pending), ("posted", posted)):
        for line in trial_balance(sides):
            findings.count("trial_balances")
            if line.difference_fen:
                what = f"{name} debits and credits differ by {line.difference_fen} fen"
                where = f"book {line.book}, fund {line.fund}"
                findings.add("TRIAL_BALANCE_DIFFERS", where, what, INVESTIGATE)


def _entry(findings: Findings, row: EntryRow, numbered: list[LegRow]) -> Entry | None:
    entry_id, kind, resolves, reverses, *_, linked, expires_us, _ = row
    where = f"ledger_entry {entry_id}"
    if [number for number, *_ in numbered] != list(range(len(numbered))):
        findings.add("LEG_MISSING", where, "the legs are not numbered from 0 on", RESTORE)
        return None
    try:
        entry = Entry(
            entry_id=entry_id,
            kind=EntryKind(kind),
            legs=tuple(legs_from(leg[1:] for leg in numbered)),
            resolves=resolves,
            reverses=reverses,
            linked=linked,
            expires_us=expires_us,
        )
    except ValueError as error:
        findings.add("ENTRY_IMPOSSIBLE", where, str(error), INVESTIGATE)
        return None
    findings.count("legs", len(numbered))
    return entry


def _leaf(findings: Findings, row: EntryRow, data: Any) -> Leaf | None:
    entry_id, kind, _, _, index, *_ = row
    where = f"ledger_entry {entry_id}"
    if data is None:
        findings.add("LEAF_MISSING", where, f"it has no leaf {index}", RESTORE)
        return None
    try:
        leaf = Leaf.parse(raw(data))
    except LeafError as error:
        findings.add("LEAF_MALFORMED", f"ledger_leaf {index}", str(error), INVESTIGATE)
        return None
    if leaf.type != f"entry.{kind}" or leaf.entry_id != entry_id:
        what = f"its leaf {index} is of {leaf.type} {leaf.entry_id}"
        findings.add("LEAF_OF_ANOTHER", where, what, INVESTIGATE)
        return None
    return leaf


def _check_evidence(findings: Findings, index: int, data: Any) -> None:
    """A leaf that no entry claims must be evidence, not the trace of a lost entry."""
    if not is_evidence(data):
        where = f"ledger_leaf {index}"
        try:
            leaf = Leaf.parse(raw(data))
        except LeafError as error:
            findings.add("LEAF_MALFORMED", where, str(error), INVESTIGATE)
            return
        if leaf.type.startswith("entry."):
            what = f"the leaf is of entry {leaf.entry_id}, which is not in the journal at this leaf"
            findings.add("ENTRY_MISSING", where, what, RESTORE)
    findings.count("evidence")


def _check_seal(findings: Findings, row: EntryRow, entry: Entry, leaf: Leaf) -> None:
    index, recorded_us, seal_salt = row[4:7]
    salt = None if seal_salt is None else raw(seal_salt)
    if salt is None and leaf.seal is None:
        findings.count("unsealed")
        return
    findings.count("seals")
    sealed = (
        salt is not None
        and len(salt) == 32
        and leaf.seal == seal_of(entry, recorded_us=recorded_us, salt=salt)
    )
    if not sealed:
        what = f"the entry is not the one that leaf {index} seals"
        findings.add("SEAL_BROKEN", f"ledger_entry {entry.entry_id}", what, INVESTIGATE)


def _add_up(findings: Findings, entry: Entry, *, resolved: bool) -> None:
    if entry.kind is EntryKind.POSTED:
        column = 2
    elif entry.kind is EntryKind.PENDING and not resolved:
        column = 0
    else:
        return
    for leg in entry.legs:
        findings.sums.setdefault(leg.debit.code, [0, 0, 0, 0])[column] += leg.amount_fen
        findings.sums.setdefault(leg.credit.code, [0, 0, 0, 0])[column + 1] += leg.amount_fen


def _compare_balance(findings: Findings, code: str, stored: list[int], derived: list[int]) -> None:
    for name, there, right in zip(_COLUMNS, stored, derived, strict=True):
        if there != right:
            what = f"{name} are {there} fen, the entries give {right}"
            findings.add("BALANCE_DIFFERS", f"ledger_balance {code}", what, REBUILD)
