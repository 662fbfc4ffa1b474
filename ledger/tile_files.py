"""瓦片文件: the log as static files that any web server can serve and any tlog client can read.

    checkpoint                     the newest signed (and, where asked, cosigned) tree head
    tile/<L>/<N>[.p/<W>]           hashes, as C2SP tlog-tiles lays them out
    tile/entries/<N>[.p/<W>]       leaves; below a root of their own, since reading them is not for
                                   everyone: whoever serves that root asks who is reading

Files are replaced whole, never written in place; a full tile is never replaced at all. Hashes are
folded on their way out: nothing is written that does not lead to the signed root. The checkpoint
comes last, when all else is on the disk: what it promises is there, power cut or not. Killed at any
point, the next run goes on where the checkpoint says. The caller's connection holds a snapshot;
nothing is written to the database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection, bindparam, select

from ledger.checkpoint import Checkpoint, NoteInvalid, parse_checkpoint
from ledger.hashes import StoredHashes, full_tiles, hashes_below
from ledger.merkle import HASH_SIZE, leaf_hash, tree_root
from ledger.outcomes import ForkDetected, LedgerDamaged, RollbackDetected
from ledger.reads import leaves
from ledger.report import Progress, silent
from ledger.tables import CHECKPOINT
from ledger.tile_writing import FileBatch, leave, make_durable
from ledger.tiles import WIDTH, Tile, entries_path, pack_entries, perfect_root, split_hashes

CHECKPOINT_FILE = "checkpoint"
_AHEAD = 64
"""Full tiles read at once: half a megabyte."""
_PUBLIC, _PRIVATE = 0o644, 0o600
_SIZES = (
    select(CHECKPOINT.c.size)
    .where(CHECKPOINT.c.size > bindparam("old"), CHECKPOINT.c.size < bindparam("new"))
    .order_by(CHECKPOINT.c.size)
)


class TileFiles:
    """The static files below `root`; entry bundles below `entries`, or nowhere."""

    def __init__(self, root: Path, *, entries: Path | None = None, durable: bool = True) -> None:
        """Not `durable` leaves it to the operating system when bytes reach the disk (an export)."""
        self._root, self._entries = root, entries
        self._flush = make_durable if durable else leave
        self._batch = FileBatch(self._flush)

    def published(self) -> Checkpoint | None:
        """The checkpoint file, not verified: our own. None if there is none yet."""
        try:
            return parse_checkpoint((self._root / CHECKPOINT_FILE).read_bytes())
        except FileNotFoundError:
            return None
        except NoteInvalid as error:
            raise LedgerDamaged(
                f"{self._root / CHECKPOINT_FILE} is no checkpoint ({error}): move the directory "
                "away, it is written again from the database"
            ) from error

    def publish(self, connection: Connection, note: str, *, progress: Progress = silent) -> int:
        """Write what this checkpoint needs and then the checkpoint; answers the files written.

        `progress` counts leaves, those of the bundles once more. Raises RollbackDetected,
        ForkDetected or LedgerDamaged with nothing published.
        """
        new, old = parse_checkpoint(note), self.published()
        if old is not None and old.note == new.note:
            return 0
        _check(connection, new, old)
        self._batch = FileBatch(self._flush)  # without what a failed round left behind
        start = old.size if old is not None else 0
        written = self._write_tiles(connection, start, new.size, progress)
        if self._entries is not None:
            # Bundles may have been switched on later than the tiles: their own files tell.
            written += self._write_bundles(connection, start, new.size, progress)
        self._batch.settle()
        self._batch.add(self._root / CHECKPOINT_FILE, note.encode(), _PUBLIC)
        self._batch.settle()
        self._drop_partials(start, new.size)
        return written + 1

    def _write_tiles(self, connection: Connection, start: int, end: int, progress: Progress) -> int:
        count = 0
        due = _Folded(connection)
        for tile in self._due(connection, start, end):
            count += self._write(self._root / tile.path, due.data(tile), tile, _PUBLIC)
            if tile.is_full and not tile.level:
                progress((tile.index + 1) * WIDTH - start, end - start)
        return count

    def _write_bundles(
        self, connection: Connection, start: int, end: int, progress: Progress
    ) -> int:
        root = self._entries
        if root is None:
            return 0
        if start and not (root / "tile" / "entries").exists():
            start = 0
        count = 0
        hashes = _Folded(connection)
        for tile in self._due(connection, start, end):
            if tile.level:
                break  # tiles come lowest level first
            first = tile.index * WIDTH
            entries = [leaf.data for leaf in leaves(connection, first, first + tile.width)]
            if b"".join(map(leaf_hash, entries)) != hashes.data(tile):
                raise LedgerDamaged(f"entries from {first} are not those of their tile: run verify")
            path = root / entries_path(tile.index, tile.width)
            count += self._write(path, pack_entries(entries), tile, _PRIVATE)
            progress(first + tile.width - start, end - start)
        return count

    def _due(self, connection: Connection, start: int, end: int) -> Iterator[Tile]:
        between = connection.execute(_SIZES, {"old": start, "new": end}).scalars().all()
        return tiles_due(start, end, between)

    def _write(self, path: Path, data: bytes, tile: Tile, mode: int) -> int:
        if tile.is_full and path.exists():
            _check_same(path, data)
            return 0
        self._batch.add(path, data, mode)
        return 1

    def _drop_partials(self, start: int, end: int) -> None:
        """A partial tile may go once its full tile is there; nobody needs both."""
        for tile in tiles_due(start, end):
            if tile.is_full:
                self._drop(self._root / tile.path)
                if self._entries is not None and not tile.level:
                    self._drop(self._entries / entries_path(tile.index))

    def _drop(self, full: Path) -> None:
        partial = full.with_name(full.name + ".p")
        if partial.exists():
            shutil.rmtree(partial)


class _Folded:
    """Tiles as stored, each folded to its root and found again one level up.

    Asked in the order of tiles_due. The top leads to the signed root (_check).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ahead: dict[int, tuple[bytes, bytes]] = {}
        self._level = 0
        self._roots: dict[int, bytes] = {}
        """Of the full tiles asked for on this level."""
        self._below: dict[int, bytes] = {}
        """And on the one below."""

    def data(self, tile: Tile) -> bytes:
        """The bytes of this tile. Raises LedgerDamaged if they do not fit."""
        if tile.level != self._level:
            self._level, self._below, self._roots = tile.level, self._roots, {}
            self._ahead = {}
        hashes = self._full(tile) if tile.is_full else self._partial(tile)
        first = tile.index * WIDTH
        known = (self._below.get(first + at, hashed) for at, hashed in enumerate(hashes))
        if len(hashes) != tile.width or (self._below and list(known) != hashes):
            raise _unfit(tile)
        return b"".join(hashes)

    def _full(self, tile: Tile) -> list[bytes]:
        if tile.index not in self._ahead:
            self._ahead = full_tiles(self._connection, tile.level, tile.index, _AHEAD)
        data, root = self._ahead.pop(tile.index, (b"", b""))
        hashes = split_hashes(data) if len(data) == WIDTH * HASH_SIZE else []
        if not hashes or perfect_root(hashes) != root:
            raise _unfit(tile)
        self._roots[tile.index] = root
        return hashes

    def _partial(self, tile: Tile) -> list[bytes]:
        return hashes_below(self._connection, tile.level, tile.index)[: tile.width]


def _unfit(tile: Tile) -> LedgerDamaged:
    return LedgerDamaged(
        f"{tile.path} cannot be written: its rows are missing or do not fit; run verify"
    )


def tiles_due(start: int, end: int, between: Iterable[int] = ()) -> Iterator[Tile]:
    """Tiles of a tree of `end` that one of `start` lacks, lowest level first.

    `between` are sizes signed in between: their partial tiles are due as well, unless the tile has
    become full by now. Full tiles that `start` has already are not repeated.
    """
    sizes = [*between, end]
    level = 0
    while end:
        for index in range(start // WIDTH, end // WIDTH):
            yield Tile(level, index)
        last = end // WIDTH
        widths = {size % WIDTH for size in sizes if size // WIDTH == last and size > start}
        for width in sorted(widths - {0}):
            yield Tile(level, last, width)
        start, end = start // WIDTH, end // WIDTH
        sizes = [size // WIDTH for size in sizes]
        level += 1


def _check_same(path: Path, data: bytes) -> None:
    there = path.read_bytes()
    if len(there) != len(data):
        raise LedgerDamaged(
            f"{path} has {len(there)} bytes instead of {len(data)}: delete it, it is written again "
            "from the database"
        )
    if there != data:
        raise ForkDetected(
            f"{path} was published with other bytes: publish nothing, compare the database with a "
            "mirror and run verify"
        )


def _check(connection: Connection, new: Checkpoint, old: Checkpoint | None) -> None:
    """What is published is what was signed, and extends what was published."""
    hashes = StoredHashes(connection)
    if old is not None:
        if old.origin != new.origin:
            raise LedgerDamaged(
                f"the directory holds the log {old.origin}, not {new.origin}: use another one"
            )
        if old.size > new.size:
            raise RollbackDetected(
                f"{old.size} leaves are published, the database has signed {new.size}: an older "
                "database was restored; find the newer one before anything is appended"
            )
        if tree_root(old.size, hashes) != old.root:
            raise ForkDetected(
                f"the first {old.size} leaves differ from what is published: publish nothing and "
                "compare the databases"
            )
    if tree_root(new.size, hashes) != new.root:
        raise LedgerDamaged("the stored hashes do not lead to the signed root: run verify")
