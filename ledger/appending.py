"""入账检查: whether one entry may be taken, and its rows and sums if so.

Decides from what is known (ledger.tail) and changes only the tail, after everything has been
checked: an entry that is refused has left nothing behind. Refusals are ledger.outcomes.
"""

from __future__ import annotations

from typing import NoReturn

from ledger.commitment import commit
from ledger.draft import Appended, Draft
from ledger.journal import Entry, EntryKind
from ledger.leaf import Leaf, LeafError
from ledger.limits import Sums, Warned
from ledger.merkle import leaf_hash
from ledger.outcomes import (
    AlreadyReversed,
    BelowFloor,
    EntryExists,
    EntryExistsWithDifferent,
    ExpiryPast,
    LedgerDamaged,
    NotPending,
    PendingAlreadyResolved,
    PendingNotFound,
    ReversedNotFound,
    ReversedNotPosted,
    ReversesDiffers,
)
from ledger.reads import find_entry, leaf_at
from ledger.seal import LegCodes, body_of, leg_codes
from ledger.tail import Tail

_PENDING, _POSTED = 0, 2
"""First of the two columns (debit, credit) that a leg moves."""
_Move = tuple[str, int, int]
"""Account code, column, fen."""


def append_draft(tail: Tail, draft: Draft) -> Appended:
    """Take one entry. Raises a subclass of AppendRefused, LedgerNotInstalled or LedgerDamaged."""
    entry = draft.entry
    if tail.exists(entry.entry_id):
        refuse_repeat(tail, draft)
    released = _check_references(tail, entry)
    if entry.expires_us is not None and entry.expires_us <= draft.recorded_us:
        raise ExpiryPast(entry.entry_id)
    legs = leg_codes(entry)
    moves = _moves(entry, legs, released)
    warnings = _check_limits(tail, draft, legs, moves)
    return _write(tail, draft, legs, moves, warnings)


def append_bytes(tail: Tail, data: bytes) -> Appended:
    """Put a leaf at the end of the log."""
    edge = tail.edge()
    index = edge.size
    hashed = leaf_hash(data)
    edge.append(hashed)
    tail.rows.leaves.append((index, data, hashed))
    return Appended(index=index, leaf_hash=hashed, leaf=data)


def refuse_repeat(tail: Tail, draft: Draft) -> NoReturn:
    """Raises EntryExists, or EntryExistsWithDifferent."""
    entry = draft.entry
    mine = tail.appended(entry.entry_id)
    if mine is not None:
        known, known_leaf, index, hashed = mine
    else:
        known, known_leaf, index, hashed = _stored(tail, entry.entry_id)
    field = _difference(entry, draft.leaf, known, known_leaf)
    if field is not None:
        raise EntryExistsWithDifferent(entry.entry_id, field=field, index=index)
    raise EntryExists(entry.entry_id, index=index, leaf_hash=hashed)


def _stored(tail: Tail, entry_id: str) -> tuple[Entry, Leaf, int, bytes]:
    known = find_entry(tail.connection, entry_id)
    stored = leaf_at(tail.connection, known.index) if known is not None else None
    if known is None or stored is None:
        raise LedgerDamaged(f"entry {entry_id} has lost its rows: run verify")
    try:
        leaf = Leaf.parse(stored.data)
    except LeafError as error:
        raise LedgerDamaged(f"leaf {known.index} is damaged: run verify") from error
    return known.entry, leaf, known.index, stored.leaf_hash


def _difference(entry: Entry, leaf: Leaf, known: Entry, known_leaf: Leaf) -> str | None:
    for field in ("kind", "resolves", "reverses", "linked", "expires_us", "legs"):
        if getattr(entry, field) != getattr(known, field):
            return field
    for field in ("window", "funds", "commitment"):
        if getattr(leaf, field) != getattr(known_leaf, field):
            return field
    return None


def _check_references(tail: Tail, entry: Entry) -> tuple[LegCodes, ...]:
    """The legs of the pending entry that this one resolves."""
    legs: tuple[LegCodes, ...] = ()
    if entry.resolves is not None:
        legs = _check_pending(tail, entry, entry.resolves)
    if entry.reverses is not None:
        _check_reversed(tail, entry.reverses)
    return legs


def _check_pending(tail: Tail, entry: Entry, pending_id: str) -> tuple[LegCodes, ...]:
    known = tail.fact(pending_id)
    if known is None:
        raise PendingNotFound(pending_id)
    if known.kind != EntryKind.PENDING:
        raise NotPending(pending_id, kind=known.kind)
    if known.resolved_by is not None:
        raise PendingAlreadyResolved(
            pending_id, resolved_by=known.resolved_by, kind=str(known.resolved_as)
        )
    if entry.kind is EntryKind.POSTED and known.reverses != entry.reverses:
        raise ReversesDiffers(entry.entry_id, pending_reverses=known.reverses)
    return known.legs


def _check_reversed(tail: Tail, reversed_id: str) -> None:
    known = tail.fact(reversed_id)
    if known is None:
        raise ReversedNotFound(reversed_id)
    if known.kind != EntryKind.POSTED:
        raise ReversedNotPosted(reversed_id, kind=known.kind)
    if known.reversed_by is not None:
        raise AlreadyReversed(reversed_id, reversed_by=known.reversed_by)


def _moves(entry: Entry, legs: list[LegCodes], released: tuple[LegCodes, ...]) -> list[_Move]:
    moves: list[_Move] = []
    for debit, credit, fen in released:
        moves.append((debit, _PENDING, -fen))
        moves.append((credit, _PENDING + 1, -fen))
    column = _PENDING if entry.kind is EntryKind.PENDING else _POSTED
    for debit, credit, fen in legs:
        moves.append((debit, column, fen))
        moves.append((credit, column + 1, fen))
    return moves


def _check_limits(
    tail: Tail, draft: Draft, legs: list[LegCodes], moves: list[_Move]
) -> tuple[Warned, ...]:
    """Only what an entry credits can fall below a floor. Raises BelowFloor."""
    warnings: list[Warned] = []
    touched = {lim.limit_id: lim for _, credit, _ in legs for lim in tail.limits_on(credit)}
    for limit in touched.values():
        if not limit.in_force(draft.recorded_us):
            continue
        before = {code: tail.sums(code) for code in limit.accounts}
        after = {code: _moved(code, sums, moves) for code, sums in before.items()}
        left, had = limit.available(after), limit.available(before)
        if left >= limit.floor_fen or left >= had:
            continue
        account = limit.account.code
        if limit.blocks(draft.entry) and not _gives_back(tail, draft.entry, legs):
            raise BelowFloor(
                limit.limit_id, account=account, available_fen=left, floor_fen=limit.floor_fen
            )
        warnings.append(Warned(limit.limit_id, account, left, limit.floor_fen, had))
    return tuple(warnings)


def _gives_back(tail: Tail, entry: Entry, legs: list[LegCodes]) -> bool:
    """It takes back what it reverses and nothing more: a correction waits for no balance."""
    reversed_ = tail.fact(entry.reverses) if entry.reverses is not None else None
    if reversed_ is None:
        return False
    # As many fen at most, between the same two accounts the other way round.
    left: dict[tuple[str, str], int] = {}
    for debit, credit, fen in reversed_.legs:
        left[credit, debit] = left.get((credit, debit), 0) + fen
    for debit, credit, fen in legs:
        left[debit, credit] = left.get((debit, credit), 0) - fen
    return all(fen >= 0 for fen in left.values())


def _moved(code: str, sums: Sums, moves: list[_Move]) -> Sums:
    new = list(sums)
    for account, column, fen in moves:
        if account == code:
            new[column] += fen
    return new[0], new[1], new[2], new[3]


def _write(
    tail: Tail,
    draft: Draft,
    legs: list[LegCodes],
    moves: list[_Move],
    warnings: tuple[Warned, ...],
) -> Appended:
    entry, seal = draft.entry, None
    if draft.salt is not None:
        body = body_of(entry, legs, recorded_us=draft.recorded_us)
        seal = commit(draft.salt, body).hex()
    data = draft.leaf.to_bytes(seal=seal)
    edge = tail.edge()
    index, hashed = edge.size, leaf_hash(data)
    edge.append(hashed)
    rows, entry_id = tail.rows, entry.entry_id
    rows.leaves.append((index, data, hashed))
    rows.entries.append(
        (
            entry_id,
            entry.kind.value,
            entry.resolves,
            entry.reverses,
            index,
            draft.recorded_us,
            draft.salt,
            entry.linked,
            entry.expires_us,
        )
    )
    for number, (debit, credit, fen) in enumerate(legs):
        rows.legs.append((entry_id, number, debit, credit, fen))
    tail.take(entry, draft.leaf, index, hashed)
    for account, column, fen in moves:
        tail.move(account, column, fen)
    return Appended(index, hashed, data, warnings)
