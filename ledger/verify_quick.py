"""查账 · 快路: whether an entry is sound, and nothing else, in a few microseconds.

Says yes only where ledger.verify_journal's strict examination would find nothing; whatever it
doubts goes there, to be examined by the types themselves and named. It trusts no text it has not
seen examined: pairs of accounts, lists of funds and the ends of leaves are few and repeat, so each
is parsed strictly once and then recognised. What is alike in all rows of a piece is asked of the
piece. Kept: one sum per pair of accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ledger.journal import AMOUNT_MAX, LEGS_MAX, Account, EntryKind, Leg
from ledger.report import Findings
from ledger.verify_rows import EntryRow, Piece

_IDS = re.compile(r"(?:[0-9A-Za-z][0-9A-Za-z_.-]{0,63}+\n)*+", re.ASCII)
_LEAF_HEAD = b'yrd.leaf.v1\n{"commitment":"'
_HEAD_END = len(_LEAF_HEAD) + 64
_HEX = b"0123456789abcdef"
_SEAL = b'"seal":"'
_EVIDENCE = re.compile(
    rb'yrd\.leaf\.v1\n\{"commitment":"[0-9a-f]{64}","entry_id":"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}",'
    rb'"type":"(?!entry\.)[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){0,5}"\}'
)
_SEAL_PREFIX = b"yrd.commit.v1\x00"
_KNOWN_MAX = 10_000
"""Most ends of leaves remembered."""

Doubt = tuple[EntryRow, Any]
"""An entry's row and the bytes of its leaf, if there is one."""


class _Pair:
    """Two accounts between which legs may move, and what moved."""

    __slots__ = ("credit", "debit", "pending", "posted")

    def __init__(self, accounts: str) -> None:
        """Raises ValueError for accounts between which nothing can move."""
        self.debit, self.credit = accounts[1:-1].split('","')
        Leg(Account.parse(self.debit), Account.parse(self.credit), 1)
        if accounts != f'"{self.debit}","{self.credit}"':
            raise ValueError("no two texts of JSON")
        self.pending = self.posted = 0


class _Pairs(dict[str, _Pair]):
    def __missing__(self, accounts: str) -> _Pair:
        pair = self[accounts] = _Pair(accounts)
        return pair


Moves = list[tuple[_Pair, int]]


class Quick:
    """The entries found sound so far."""

    __slots__ = ("_ends", "_findings", "_funds", "_moves", "_pairs", "legs")

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._pairs = _Pairs()
        self.legs = 0
        """Legs of sound entries."""
        self._moves: dict[str, Moves] = {}
        """Of pending entries of this piece: most are posted as they were pended, and soon."""
        # Of leaves that were parsed: what lies between id and seal, and what follows the seal.
        self._funds: set[bytes] = set()
        self._ends: dict[str, set[bytes]] = {kind.value: set() for kind in EntryKind}

    def doubts(self, piece: Piece) -> Iterator[Doubt]:
        """The entries of a piece that must be examined; the others are counted and added up."""
        leaves = {index: data for index, data, _ in piece.leaves}
        plain = _is_plain(piece)
        self._moves.clear()
        sound = legs = still_open = 0
        for row in piece.entries:
            leaf = leaves.get(row[4])
            try:
                moves = self.sound_moves(row, leaf) if plain else None
            except (ValueError, KeyError, TypeError, AttributeError):
                moves = None
            if moves is None:
                yield row, leaf
                continue
            sound += 1
            legs += len(moves)
            if row[1] == "posted":
                for pair, fen in moves:
                    pair.posted += fen
            elif not row[7]:
                still_open += 1
                for pair, fen in moves:
                    pair.pending += fen
        self.legs += legs
        for name, number in (
            ("entries", sound), ("seals", sound), ("legs", legs), ("pending_open", still_open)
        ):  # fmt: skip
            if number:
                self._findings.count(name, number)

    def learn(self, entry_id: str, kind: str, leaf: bytes) -> None:
        """Recognise from now on what surrounds id and seal in this leaf, which was parsed."""
        head, _, tail = leaf.partition(_SEAL)
        if len(self._funds) + sum(map(len, self._ends.values())) < _KNOWN_MAX:
            self._funds.add(head[_HEAD_END + len(f'","entry_id":"{entry_id}",') :] + _SEAL)
            self._ends[kind].add(tail[64:])

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

    def sound_moves(self, row: EntryRow, leaf: Any) -> Moves | None:
        """What this entry of a plain piece moves; None, or ValueError and its like, for doubt."""
        (
            entry_id, kind, resolves, reverses, _, recorded_us, salt, resolution, reversal,
            linked, expires_us, text,
        ) = row  # fmt: skip
        if linked is not None or expires_us is not None or not reversal:
            return None
        if kind == "pending":
            fits = resolves is None
        elif kind == "posted":
            fits = resolution
        else:
            fits = resolution and resolves is not None and reverses is None and text is None
        if not fits or type(leaf) is not bytes or type(salt) is not bytes or len(salt) != 32:
            return None
        if type(recorded_us) is not int:
            return None
        legs, moves = "[]", []
        if text is not None:
            end = text.rindex("]") + 1
            legs, known = text[:end], self._moves.pop(text, None)
            moves = self._parsed(legs, text[end:]) if known is None else known
            if kind == "pending":
                self._moves[text] = moves
        # An id has nothing to escape: ours is in a plain piece, one referred to in its own place.
        ended = "null" if resolves is None else f'"{resolves}"'
        reversed_ = "null" if reverses is None else f'"{reverses}"'
        body = (
            f'{{"entry_id":"{entry_id}","kind":"{kind}","legs":{legs},'
            f'"recorded_us":{recorded_us},"resolves":{ended},"reverses":{reversed_}}}'
        )
        seal = sha256(_SEAL_PREFIX + salt + body.encode()).hexdigest().encode()
        # The leaf is, byte for byte, the one of this id, kind and seal.
        head, _, end_of_leaf = leaf.partition(seal)
        named = f'","entry_id":"{entry_id}",'.encode()
        if (
            end_of_leaf in self._ends[kind]
            and head.startswith(named, _HEAD_END)
            and head[_HEAD_END + len(named) :] in self._funds
        ):
            return moves
        return None

    def _parsed(self, legs: str, numbers: str) -> Moves:
        """Raises ValueError for what is no list of legs, numbered from 0 on."""
        pairs, moves = self._pairs, []
        for leg in legs[2:-2].split("],["):
            accounts, _, fen = leg.rpartition(",")
            amount = int(fen)
            if not 0 < amount <= AMOUNT_MAX:
                raise ValueError("no amount")
            moves.append((pairs[accounts], amount))
        if numbers != f"0..{len(moves) - 1}" or len(moves) > LEGS_MAX:
            raise ValueError("no list of legs")
        return moves


def _is_plain(piece: Piece) -> bool:
    """Every leaf begins as leaves do, up to its commitment, and every id is one."""
    leaves = piece.leaves
    try:
        heads = {leaf[: len(_LEAF_HEAD)] for _, leaf, _ in leaves}
        commitments = b"".join([leaf[len(_LEAF_HEAD) : _HEAD_END] for _, leaf, _ in leaves])
        ids = "".join([f"{row[0]}\n" for row in piece.entries])
    except TypeError:
        return False
    return (
        heads <= {_LEAF_HEAD}
        and len(commitments) == 64 * len(leaves)
        and not commitments.translate(None, _HEX)
        and _IDS.fullmatch(ids) is not None
    )


def is_evidence(leaf: Any) -> bool:
    """These bytes are a leaf without entry. No is no answer: parse it."""
    return type(leaf) is bytes and _EVIDENCE.fullmatch(leaf) is not None
