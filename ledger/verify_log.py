"""查账 · 日志: the log derived again from the bytes of its leaves.

Leaf hashes, full tiles, the head and every checkpoint against one tree that grows tile by tile.
Part of ledger.verify, which holds the snapshot and the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ledger.checkpoint import Checkpoint, NoteInvalid, open_checkpoint
from ledger.history import LogHistory
from ledger.merkle import EMPTY_ROOT, CompactRange
from ledger.outcomes import LedgerError
from ledger.reads import compact_range
from ledger.report import INVESTIGATE, REBUILD, RESTORE, Findings
from ledger.sm2_note import Sm2NoteVerifier, sm2_signed
from ledger.tables import CHECKPOINT, TILE, raw
from ledger.tiles import WIDTH, perfect_root

_CHECKPOINTS = select(CHECKPOINT.c.size, CHECKPOINT.c.note).order_by(CHECKPOINT.c.size)
_AHEAD = 64
"""Tiles of one level read at once: half a megabyte."""
_TILES = (
    select(TILE.c.tile_index, TILE.c.hashes, TILE.c.root)
    .where(TILE.c.level == bindparam("level"), TILE.c.tile_index >= bindparam("first"))
    .order_by(TILE.c.tile_index)
    .limit(_AHEAD)
)


class LogCheck:
    """The leaves in order, the tiles they fill, and the checkpoints they reach."""

    def __init__(
        self,
        connection: Connection,
        findings: Findings,
        log: LogHistory,
        sm2: Sequence[Sm2NoteVerifier] = (),
    ) -> None:
        self._connection = connection
        self._findings = findings
        self._tiles = _Tiles(connection, findings)
        self._checkpoints = _Checkpoints(connection, findings, log, sm2)
        self._tree = _Tree()
        self._broken = False

    def take(self, leaves: Sequence[tuple[Any, ...]]) -> None:
        """The next leaves as (index, bytes, hash). After a missing one nothing is proven."""
        if self._broken or not leaves:
            return
        start = self._tree.size
        if (leaves[0][0], leaves[-1][0]) != (start, start + len(leaves) - 1):
            at = next(n for n, row in enumerate(leaves) if row[0] != start + n)
            what = f"leaf {start + at} is missing; nothing after it is proven"
            self._findings.add("LEAF_MISSING", f"ledger_leaf {start + at}", what, RESTORE)
            self._broken = True
            leaves = leaves[:at]
        hashes = [sha256(b"\x00" + raw(data)).digest() for _, data, _ in leaves]
        if hashes != [stored for _, _, stored in leaves]:
            for hashed, (index, _, stored) in zip(hashes, leaves, strict=True):
                if hashed != raw(stored):
                    what = "the bytes of the leaf do not fit its hash"
                    where = f"ledger_leaf {index}"
                    self._findings.add("LEAF_HASH_DIFFERS", where, what, INVESTIGATE)
        self._grow(hashes)
        self._findings.count("leaves", len(leaves))

    def finish(self) -> None:
        """After the last leaf."""
        if self._broken:
            return
        self._checkpoints.finish(self._tree)
        self._tiles.finish()
        _check_head(self._connection, self._findings, self._tree.edge(self._tree.size))

    def _grow(self, hashes: list[bytes]) -> None:
        tree, at = self._tree, 0
        while at < len(hashes):
            room = WIDTH - len(tree.open)
            tree.open += hashes[at : at + room]
            at += room
            full = len(tree.open) == WIDTH
            self._checkpoints.check(tree, below=tree.size if full else tree.size + 1)
            if full:
                tree.close(self._tiles.full(0, tree.open))


class _Tree:
    """The tree of the leaves so far: the roots of its full tiles, and the hashes of the open one.

    Its edge can be asked for at every size within the open tile, in rising order.
    """

    __slots__ = ("_full", "_partial", "open")

    def __init__(self) -> None:
        self._full = CompactRange()
        self._partial = CompactRange()
        self.open: list[bytes] = []

    @property
    def size(self) -> int:
        return self._full.size * WIDTH + len(self.open)

    def close(self, root: bytes) -> None:
        """The open tile is full and has this root."""
        self._full.append(root)
        self._partial = CompactRange()
        self.open = []

    def edge(self, size: int) -> CompactRange:
        """The compact range of the first `size` leaves."""
        for hashed in self.open[self._partial.size : size - self._full.size * WIDTH]:
            self._partial.append(hashed)
        return CompactRange(size, [*self._full.hashes, *self._partial.hashes])


def _check_head(connection: Connection, findings: Findings, derived: CompactRange) -> None:
    try:
        edge = compact_range(connection)
    except LedgerError as error:
        findings.add("HEAD_UNREADABLE", "ledger_head", str(error), REBUILD)
        return
    if edge.size != derived.size:
        what = f"the head says {edge.size} leaves, there are {derived.size}"
        findings.add("HEAD_SIZE_DIFFERS", "ledger_head", what, INVESTIGATE)
    elif edge.hashes != derived.hashes:
        what = "the compact range of the head does not fit the leaves"
        findings.add("HEAD_RANGE_DIFFERS", "ledger_head", what, INVESTIGATE)


class _Tiles:
    """Full tiles, each compared when its last hash is derived."""

    def __init__(self, connection: Connection, findings: Findings) -> None:
        self._connection = connection
        self._findings = findings
        self._open: list[list[bytes]] = []
        self._filled: list[int] = []
        self._ahead: list[dict[int, tuple[Any, ...]]] = []

    def full(self, level: int, hashes: list[bytes]) -> bytes:
        """The next tile of this level is full; answers its root."""
        if level == len(self._filled):
            self._open.append([])
            self._filled.append(0)
            self._ahead.append({})
        index = self._filled[level]
        self._filled[level] += 1
        root = perfect_root(hashes)
        self._findings.count("tiles")
        self._compare(level, index, hashes, root)
        above = self._open[level]
        above.append(root)
        if len(above) == WIDTH:
            self._open[level] = []
            self.full(level + 1, above)
        return root

    def finish(self) -> None:
        there = self._connection.execute(select(func.count()).select_from(TILE)).scalar_one()
        expected = sum(self._filled)
        if there != expected:
            what = f"there are {there} tiles, {expected} are full"
            self._findings.add("TILE_COUNT_DIFFERS", "ledger_tile", what, REBUILD)

    def _compare(self, level: int, index: int, hashes: list[bytes], root: bytes) -> None:
        where = f"ledger_tile {level}/{index}"
        row = self._stored(level, index)
        if row is None:
            what = "the tile is full and not stored"
            self._findings.add("TILE_MISSING", where, what, REBUILD)
        elif raw(row[1]) != b"".join(hashes) or raw(row[2]) != root:
            what = "the stored tile does not fit the leaves below it"
            self._findings.add("TILE_DIFFERS", where, what, REBUILD)

    def _stored(self, level: int, index: int) -> tuple[Any, ...] | None:
        ahead = self._ahead[level]
        if index not in ahead and (not ahead or index > max(ahead)):
            place = {"level": level, "first": index}
            rows = self._connection.execute(_TILES, place).all()
            ahead = self._ahead[level] = {row[0]: tuple(row) for row in rows}
        return ahead.pop(index, None)


class _Checkpoints:
    """Checkpoints in order of size, each compared when the tree has reached it."""

    def __init__(
        self,
        connection: Connection,
        findings: Findings,
        log: LogHistory,
        sm2: Sequence[Sm2NoteVerifier],
    ) -> None:
        self._findings = findings
        self._log = log
        self._sm2 = sm2
        self._opened = self._open_all(connection)
        self._next = next(self._opened, None)
        self._forked = False

    def check(self, tree: _Tree, *, below: int) -> None:
        """Those whose size the tree has reached; a tile must be closed before its own size."""
        while self._next is not None and self._next.size < below:
            self._compare(self._next, tree.edge(self._next.size))
            self._next = next(self._opened, None)

    def finish(self, tree: _Tree) -> None:
        derived = tree.edge(tree.size)
        self.check(tree, below=tree.size + 1)
        while self._next is not None:
            what = f"{self._next.size} leaves were signed, there are {derived.size}"
            where = f"ledger_checkpoint {self._next.size}"
            self._findings.add("LOG_ROLLED_BACK", where, what, INVESTIGATE)
            self._next = next(self._opened, None)

    def _compare(self, checkpoint: Checkpoint, derived: CompactRange) -> None:
        self._findings.count("checkpoints")
        root = derived.root() if derived.size else EMPTY_ROOT
        if self._forked or (checkpoint.size == derived.size and checkpoint.root == root):
            return
        # Every later root differs too; one report says it.
        self._forked = True
        what = "the signed root is not the root of the leaves; nor is any later one examined"
        where = f"ledger_checkpoint {checkpoint.size}"
        self._findings.add("ROOT_DIFFERS", where, what, INVESTIGATE)

    def _open_all(self, connection: Connection) -> Iterator[Checkpoint]:
        for row in connection.execute(_CHECKPOINTS, execution_options={"yield_per": 1000}):
            checkpoint = self._open(*row)
            if checkpoint is not None:
                yield checkpoint

    def _open(self, size: int, note: str) -> Checkpoint | None:
        where = f"ledger_checkpoint {size}"
        try:
            checkpoint = open_checkpoint(note, self._log.key_of(size))
        except NoteInvalid as error:
            self._findings.add("CHECKPOINT_INVALID", where, str(error), INVESTIGATE)
            return None
        if checkpoint.size != size:
            what = f"the note is of size {checkpoint.size}"
            self._findings.add("CHECKPOINT_MISPLACED", where, what, INVESTIGATE)
            return None
        self._check_sm2(where, note)
        return checkpoint

    def _check_sm2(self, where: str, note: str) -> None:
        # Ed25519 decides; a checkpoint from before there was an SM2 key has no line of it.
        for key in self._sm2:
            try:
                self._findings.count("sm2_signatures", int(sm2_signed(note, key)))
            except NoteInvalid as error:
                self._findings.add("SM2_SIGNATURE_INVALID", where, str(error), INVESTIGATE)
