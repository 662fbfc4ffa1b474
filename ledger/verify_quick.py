"""查账 · 快路: whether an entry is sound, and nothing else, in a few microseconds.

Says yes only where ledger.verify_journal's strict examination would find nothing; whatever it
doubts goes there, to be examined by the types themselves and named. It trusts no text it has not
seen examined: pairs of accounts, lists of funds and the ends of leaves are few and repeat, so each
is parsed strictly once and then recognised. Kept: one sum per pair of accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ledger.journal import AMOUNT_MAX, LEGS_MAX, Account, EntryKind, Leg
from ledger.report import Findings
from ledger.verify_rows import BETWEEN, EntryRow, Piece

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}", re.ASCII)
_LEAF_HEAD = b'yrd.leaf.v1\n{"commitment":"'
_HEAD_END = len(_LEAF_HEAD) + 64
_HEX = b"0123456789abcdef"
_TYPES = {kind.value: f'","type":"entry.{kind.value}"'.encode() for kind in EntryKind}
_EVIDENCE = re.compile(
    rb'yrd\.leaf\.v1\n\{"commitment":"[0-9a-f]{64}","entry_id":"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}",'
    rb'"type":"(?!entry\.)[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){0,5}"\}'
)
_SEAL_PREFIX = b"yrd.commit.v1\x00"
_RARE = [None, None]
"""Link and expiry of most entries; the others are examined."""
_KNOWN_MAX = 10_000
"""Most ends of leaves remembered."""

Legs = list[tuple[Any, ...]]
Doubt = tuple[EntryRow, Legs, Any]
"""An entry's row, its legs' rows and the bytes of its leaf, if there is one."""


class _Pair:
    """Two accounts between which legs may move, and what moved."""

    __slots__ = ("credit", "debit", "pending", "posted", "text")

    def __init__(self, accounts: str) -> None:
        """Raises ValueError for accounts between which nothing can move."""
        self.debit, self.credit = accounts.split(BETWEEN)
        Leg(Account.parse(self.debit), Account.parse(self.credit), 1)
        self.text = f'["{accounts}",'
        self.pending = self.posted = 0


class _Pairs(dict[str, _Pair]):
    def __missing__(self, accounts: str) -> _Pair:
        pair = self[accounts] = _Pair(accounts)
        return pair


class Quick:
    """The entries found sound so far."""

    __slots__ = ("_ends", "_findings", "_funds", "_pairs")

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._pairs = _Pairs()
        # Of leaves that were parsed: what lies between id and seal, and what follows the seal.
        self._funds: set[bytes] = set()
        self._ends: set[bytes] = set()

    def doubts(self, piece: Piece) -> Iterator[Doubt]:
        """The entries of a piece that must be examined; the others are counted and added up."""
        leaves = {index: data for index, data, _ in piece.leaves}
        sound = legs_sound = still_open = 0
        rows, at, end = piece.legs, 0, len(piece.legs)
        for row in piece.entries:
            # Both come in the same order: an entry takes the legs that follow and are its own.
            start, index = at, row[4]
            while at < end and rows[at][0] == index:
                at += 1
            legs = rows[start:at]
            leaf = leaves.get(index)
            try:
                entry_sound = self.is_sound(row, legs, leaf)
            except (ValueError, KeyError, TypeError, AttributeError):
                entry_sound = False
            if not entry_sound:
                yield row, legs, leaf
                continue
            sound += 1
            legs_sound += len(legs)
            if row[1] == "pending" and not row[7]:
                still_open += 1
        for name, number in (
            ("entries", sound), ("seals", sound), ("legs", legs_sound), ("pending_open", still_open)
        ):  # fmt: skip
            if number:
                self._findings.count(name, number)

    def learn(self, entry_id: str, leaf: bytes) -> None:
        """Recognise from now on what surrounds id and seal in this leaf, which was parsed."""
        head, _, tail = leaf.partition(b'"seal":"')
        if len(self._funds) + len(self._ends) < _KNOWN_MAX:
            self._funds.add(head[_HEAD_END + len(f'","entry_id":"{entry_id}",') :])
            self._ends.add(tail[64:])

    def add_up(self) -> None:
        """Put what moved into the findings' sums."""
        sums = self._findings.sums
        for pair in self._pairs.values():
            debit = sums.setdefault(pair.debit, [0, 0, 0, 0])
            credit = sums.setdefault(pair.credit, [0, 0, 0, 0])
            debit[0] += pair.pending
            credit[1] += pair.pending
            debit[2] += pair.posted
            credit[3] += pair.posted

    def is_sound(self, row: EntryRow, legs: Legs, leaf: Any) -> bool:
        """Nothing is wrong with this entry; then its legs have been added up."""
        entry_id, kind, resolves, reverses, _, recorded_us, salt, resolution, reversal, *rare = row
        if rare != _RARE:
            return False
        if kind == "pending":
            fits = resolves is None
        elif kind == "posted":
            fits = resolution
        else:
            fits = resolution and resolves is not None and reverses is None and not legs
        if not fits or not reversal or type(leaf) is not bytes or type(salt) is not bytes:
            return False
        if type(recorded_us) is not int or len(salt) != 32 or len(legs) > LEGS_MAX:
            return False
        pairs, texts = self._pairs, []
        moved: list[_Pair] = []
        for _, leg_no, accounts, amount in legs:
            if leg_no != len(moved) or not 0 < amount <= AMOUNT_MAX:
                return False
            pair = pairs[accounts]
            moved.append(pair)
            texts.append(f"{pair.text}{amount}]")
        # An id has nothing to escape: ours is matched below, one referred to in its own place.
        ended = "null" if resolves is None else f'"{resolves}"'
        reversed_ = "null" if reverses is None else f'"{reverses}"'
        body = (
            f'{{"entry_id":"{entry_id}","kind":"{kind}","legs":[{",".join(texts)}],'
            f'"recorded_us":{recorded_us},"resolves":{ended},"reverses":{reversed_}}}'
        )
        seal = sha256(_SEAL_PREFIX + salt + body.encode()).hexdigest()
        if not self._fits_leaf(leaf, entry_id, kind, seal):
            return False
        if kind == "posted":
            for pair, leg in zip(moved, legs, strict=True):
                pair.posted += leg[3]
        elif not resolution:
            for pair, leg in zip(moved, legs, strict=True):
                pair.pending += leg[3]
        return True

    def _fits_leaf(self, leaf: bytes, entry_id: str, kind: str, seal: str) -> bool:
        """The leaf is, byte for byte, the one of this id, kind and seal."""
        head, _, tail = leaf.partition(b'"seal":"')
        named = f'","entry_id":"{entry_id}",'.encode()
        end = tail[64:]
        return (
            tail.startswith(seal.encode())
            and end in self._ends
            and end.startswith(_TYPES[kind])
            and head.startswith(named, _HEAD_END)
            and head[_HEAD_END + len(named) :] in self._funds
            and head.startswith(_LEAF_HEAD)
            and not head[len(_LEAF_HEAD) : _HEAD_END].translate(None, _HEX)
            and _is_id(entry_id)
        )


def _is_id(text: str) -> bool:
    if text.isascii() and text.isidentifier() and len(text) <= 64 and text[0] != "_":
        return True  # most are; asked of the type itself
    return _ID.fullmatch(text) is not None


def is_evidence(leaf: Any) -> bool:
    """These bytes are a leaf without entry. No is no answer: parse it."""
    return type(leaf) is bytes and _EVIDENCE.fullmatch(leaf) is not None
