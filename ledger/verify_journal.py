"""查账 · 分录: entries against their leaves, and balances against the entries.

One pass in order of the log; what is kept is one sum per account. Part of ledger.verify, which
holds the snapshot and the report.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, select, true

from ledger.journal import Account, Entry, EntryKind, JournalError, trial_balance
from ledger.leaf import Leaf, LeafError
from ledger.reads import legs_from
from ledger.report import INVESTIGATE, REBUILD, RESTORE, Findings
from ledger.seal import seal_of
from ledger.tables import BALANCE, ENTRY, LEAF, LEG, raw

_STREAM = {"yield_per": 1000}
_PENDING = ENTRY.alias("pending")
_RESOLVER = ENTRY.alias("resolver")
_REVERSED = ENTRY.alias("reversed")
_ENTRIES = (
    select(
        ENTRY.c.entry_id,
        ENTRY.c.kind,
        ENTRY.c.resolves,
        ENTRY.c.reverses,
        ENTRY.c.leaf_index,
        ENTRY.c.recorded_us,
        ENTRY.c.seal_salt,
        LEAF.c.leaf,
        _PENDING.c.kind.label("pending_kind"),
        _PENDING.c.leaf_index.label("pending_index"),
        _PENDING.c.reverses.label("pending_reverses"),
        _RESOLVER.c.entry_id.label("resolver_id"),
        _REVERSED.c.kind.label("reversed_kind"),
        _REVERSED.c.leaf_index.label("reversed_index"),
        LEG.c.leg_no,
        LEG.c.debit,
        LEG.c.credit,
        LEG.c.amount_fen,
    )
    .select_from(
        ENTRY.outerjoin(LEAF, LEAF.c.leaf_index == ENTRY.c.leaf_index)
        .outerjoin(_PENDING, _PENDING.c.entry_id == ENTRY.c.resolves)
        .outerjoin(_RESOLVER, _RESOLVER.c.resolves == ENTRY.c.entry_id)
        .outerjoin(_REVERSED, _REVERSED.c.entry_id == ENTRY.c.reverses)
        .outerjoin(LEG, LEG.c.entry_id == ENTRY.c.entry_id)
    )
    .order_by(ENTRY.c.leaf_index)
)
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


def check_entries(connection: Connection, findings: Findings) -> None:
    """Every entry: its leaf, its legs, what it resolves and reverses, its seal."""
    rows: Iterator[Row[Any]] = iter(connection.execute(_ENTRIES, execution_options=_STREAM))
    for _, group in groupby(rows, key=lambda row: row.leaf_index):
        legs = list(group)
        row = legs[0]
        entry = _entry(findings, row, legs)
        leaf = _leaf(findings, row)
        _check_resolves(findings, row)
        _check_reverses(findings, row)
        if entry is not None:
            _add_up(findings, entry, resolved=row.resolver_id is not None)
            if leaf is not None:
                _check_seal(findings, row, entry, leaf)
        findings.count("entries")
        findings.step()


def check_once(connection: Connection, findings: Findings) -> None:
    """Legs that belong to no entry; entries that were resolved or reversed more than once."""
    for name, query in _TWICE.items():
        for entry_id, times in connection.execute(query):
            what = f"{times} entries {name} it"
            findings.add(f"{name.upper()}_TWICE", f"ledger_entry {entry_id}", what, INVESTIGATE)
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


def _entry(findings: Findings, row: Row[Any], rows: list[Row[Any]]) -> Entry | None:
    where = f"ledger_entry {row.entry_id}"
    numbered = sorted(
        (r.leg_no, r.debit, r.credit, r.amount_fen) for r in rows if r.leg_no is not None
    )
    if [number for number, *_ in numbered] != list(range(len(numbered))):
        findings.add("LEG_MISSING", where, "the legs are not numbered from 0 on", RESTORE)
        return None
    try:
        entry = Entry(
            entry_id=row.entry_id,
            kind=EntryKind(row.kind),
            legs=tuple(legs_from(leg[1:] for leg in numbered)),
            resolves=row.resolves,
            reverses=row.reverses,
        )
    except ValueError as error:
        findings.add("ENTRY_IMPOSSIBLE", where, str(error), INVESTIGATE)
        return None
    findings.count("legs", len(numbered))
    return entry


def _leaf(findings: Findings, row: Row[Any]) -> Leaf | None:
    where = f"ledger_entry {row.entry_id}"
    if row.leaf is None:
        findings.add("LEAF_MISSING", where, f"it has no leaf {row.leaf_index}", RESTORE)
        return None
    try:
        leaf = Leaf.parse(raw(row.leaf))
    except LeafError as error:
        findings.add("LEAF_MALFORMED", f"ledger_leaf {row.leaf_index}", str(error), INVESTIGATE)
        return None
    if leaf.type != f"entry.{row.kind}" or leaf.entry_id != row.entry_id:
        what = f"its leaf {row.leaf_index} is of {leaf.type} {leaf.entry_id}"
        findings.add("LEAF_OF_ANOTHER", where, what, INVESTIGATE)
        return None
    return leaf


def _check_resolves(findings: Findings, row: Row[Any]) -> None:
    if row.kind == EntryKind.PENDING and row.resolver_id is None:
        findings.count("pending_open")
    if row.resolves is None:
        return
    where = f"ledger_entry {row.entry_id}"
    if row.pending_kind != EntryKind.PENDING or row.pending_index >= row.leaf_index:
        what = f"it resolves {row.resolves}, which is no earlier pending entry"
        findings.add("RESOLVES_NOTHING", where, what, INVESTIGATE)
    elif row.kind == EntryKind.POSTED and row.pending_reverses != row.reverses:
        what = "it reverses another entry than its pending entry does"
        findings.add("REVERSES_DIFFERS", where, what, INVESTIGATE)


def _check_reverses(findings: Findings, row: Row[Any]) -> None:
    if row.reverses is None:
        return
    if row.reversed_kind != EntryKind.POSTED or row.reversed_index >= row.leaf_index:
        what = f"it reverses {row.reverses}, which is no earlier posted entry"
        where = f"ledger_entry {row.entry_id}"
        findings.add("REVERSES_NOTHING", where, what, INVESTIGATE)


def _check_seal(findings: Findings, row: Row[Any], entry: Entry, leaf: Leaf) -> None:
    salt = None if row.seal_salt is None else raw(row.seal_salt)
    if salt is None and leaf.seal is None:
        findings.count("unsealed")
        return
    findings.count("seals")
    sealed = (
        salt is not None
        and len(salt) == 32
        and leaf.seal == seal_of(entry, recorded_us=row.recorded_us, salt=salt)
    )
    if not sealed:
        what = f"the entry is not the one that leaf {row.leaf_index} seals"
        findings.add("SEAL_BROKEN", f"ledger_entry {row.entry_id}", what, INVESTIGATE)


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
