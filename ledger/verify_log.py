"""查账 · 日志: the log derived again from the bytes of its leaves.

Leaf hashes, full tiles, the head and every checkpoint against one compact range that grows leaf by
leaf. Part of ledger.verify, which holds the snapshot and the report.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, bindparam, func, select

from ledger.checkpoint import Checkpoint, NoteInvalid, open_checkpoint
from ledger.leaf import Leaf, LeafError
from ledger.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from ledger.note import NoteVerifier
from ledger.outcomes import LedgerError
from ledger.reads import compact_range
from ledger.report import INVESTIGATE, REBUILD, RESTORE, Findings
from ledger.tables import CHECKPOINT, ENTRY, LEAF, TILE, raw
from ledger.tiles import WIDTH, perfect_root

_STREAM = {"yield_per": 1000}
_LEAVES = select(LEAF.c.leaf_index, LEAF.c.leaf, LEAF.c.leaf_hash).order_by(LEAF.c.leaf_index)
_CHECKPOINTS = select(CHECKPOINT.c.size, CHECKPOINT.c.note).order_by(CHECKPOINT.c.size)
_TILE = select(TILE.c.hashes, TILE.c.root).where(
    TILE.c.level == bindparam("level"), TILE.c.tile_index == bindparam("tile_index")
)
_EVIDENCE = (
    select(LEAF.c.leaf_index, LEAF.c.leaf)
    .select_from(LEAF.outerjoin(ENTRY, ENTRY.c.leaf_index == LEAF.c.leaf_index))
    .where(ENTRY.c.entry_id.is_(None))
    .order_by(LEAF.c.leaf_index)
)


def check_log(connection: Connection, findings: Findings, log: NoteVerifier) -> None:
    """Leaves, tiles, checkpoints and head, in one pass."""
    derived = CompactRange()
    tiles = _Tiles(connection, findings)
    checkpoints = _Checkpoints(connection, findings, log)
    for index, data, stored_hash in connection.execute(_LEAVES, execution_options=_STREAM):
        if index != derived.size:
            what = f"leaf {derived.size} is missing; nothing after it is proven"
            findings.add("LEAF_MISSING", f"ledger_leaf {derived.size}", what, RESTORE)
            return
        hashed = leaf_hash(raw(data))
        if hashed != raw(stored_hash):
            what = "the bytes of the leaf do not fit its hash"
            findings.add("LEAF_HASH_DIFFERS", f"ledger_leaf {index}", what, INVESTIGATE)
        derived.append(hashed)
        tiles.append(hashed)
        checkpoints.check(derived)
        findings.count("leaves")
        findings.step()
    checkpoints.finish(derived)
    tiles.finish()
    _check_head(connection, findings, derived)


def check_evidence(connection: Connection, findings: Findings) -> None:
    """Leaves that no entry claims: they must be evidence, not the trace of a lost entry."""
    for index, data in connection.execute(_EVIDENCE, execution_options=_STREAM):
        where = f"ledger_leaf {index}"
        try:
            leaf = Leaf.parse(raw(data))
        except LeafError as error:
            findings.add("LEAF_MALFORMED", where, str(error), INVESTIGATE)
            continue
        if leaf.type.startswith("entry."):
            what = f"the leaf is of entry {leaf.entry_id}, which is not in the journal at this leaf"
            findings.add("ENTRY_MISSING", where, what, RESTORE)
        findings.count("evidence")


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

    def append(self, hashed: bytes) -> None:
        level = 0
        while True:
            if level == len(self._open):
                self._open.append([])
                self._filled.append(0)
            self._open[level].append(hashed)
            if len(self._open[level]) < WIDTH:
                return
            hashed = self._full(level)
            level += 1

    def finish(self) -> None:
        there = self._connection.execute(select(func.count()).select_from(TILE)).scalar_one()
        expected = sum(self._filled)
        if there != expected:
            what = f"there are {there} tiles, {expected} are full"
            self._findings.add("TILE_COUNT_DIFFERS", "ledger_tile", what, REBUILD)

    def _full(self, level: int) -> bytes:
        hashes, index = self._open[level], self._filled[level]
        self._open[level] = []
        self._filled[level] += 1
        root = perfect_root(hashes)
        self._findings.count("tiles")
        where = f"ledger_tile {level}/{index}"
        row = self._connection.execute(_TILE, {"level": level, "tile_index": index}).one_or_none()
        if row is None:
            what = "the tile is full and not stored"
            self._findings.add("TILE_MISSING", where, what, REBUILD)
        elif raw(row[0]) != b"".join(hashes) or raw(row[1]) != root:
            what = "the stored tile does not fit the leaves below it"
            self._findings.add("TILE_DIFFERS", where, what, REBUILD)
        return root


class _Checkpoints:
    """Checkpoints in order of size, each compared when the tree has reached it."""

    def __init__(self, connection: Connection, findings: Findings, log: NoteVerifier) -> None:
        self._findings = findings
        self._log = log
        self._opened = self._open_all(connection)
        self._next = next(self._opened, None)
        self._forked = False

    def check(self, derived: CompactRange) -> None:
        while self._next is not None and self._next.size <= derived.size:
            self._compare(self._next, derived)
            self._next = next(self._opened, None)

    def finish(self, derived: CompactRange) -> None:
        self.check(derived)
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
        for row in connection.execute(_CHECKPOINTS, execution_options=_STREAM):
            checkpoint = self._open(*row)
            if checkpoint is not None:
                yield checkpoint

    def _open(self, size: int, note: str) -> Checkpoint | None:
        where = f"ledger_checkpoint {size}"
        try:
            checkpoint = open_checkpoint(note, self._log)
        except NoteInvalid as error:
            self._findings.add("CHECKPOINT_INVALID", where, str(error), INVESTIGATE)
            return None
        if checkpoint.size != size:
            what = f"the note is of size {checkpoint.size}"
            self._findings.add("CHECKPOINT_MISPLACED", where, what, INVESTIGATE)
            return None
        return checkpoint
