"""瓦片文件: the log as static files that any web server can serve and any tlog client can read.

    checkpoint                     the newest signed (and, where asked, cosigned) tree head
    tile/<L>/<N>[.p/<W>]           hashes, as C2SP tlog-tiles lays them out
    tile/entries/<N>[.p/<W>]       leaves; below a root of their own, since reading them is not for
                                   everyone: whoever serves that root asks who is reading

Files are replaced whole, never written in place; a full tile is never replaced at all. The
checkpoint comes last: what it promises is there. Killed at any point, the next run goes on where
the checkpoint says. The caller's connection holds a snapshot; nothing is written to the database.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection, bindparam, select

from ledger.checkpoint import Checkpoint, NoteInvalid, parse_checkpoint
from ledger.hashes import StoredHashes, hashes_below
from ledger.merkle import tree_root
from ledger.outcomes import ForkDetected, LedgerDamaged, RollbackDetected
from ledger.reads import leaves
from ledger.tables import CHECKPOINT
from ledger.tiles import WIDTH, Tile, entries_path, pack_entries

CHECKPOINT_FILE = "checkpoint"
_DRAFT = ".new"
_PUBLIC, _PRIVATE = 0o644, 0o600
_SIZES = (
    select(CHECKPOINT.c.size)
    .where(CHECKPOINT.c.size > bindparam("old"), CHECKPOINT.c.size < bindparam("new"))
    .order_by(CHECKPOINT.c.size)
)


class TileFiles:
    """The static files below `root`; entry bundles below `entries`, or nowhere."""

    def __init__(self, root: Path, *, entries: Path | None = None, durable: bool = True) -> None:
        self._root, self._entries = root, entries
        self._durable = durable
        """False leaves it to the operating system when bytes reach the disk (an export)."""
        self._touched: set[Path] = set()

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

    def publish(self, connection: Connection, note: str) -> int:
        """Write what this checkpoint needs and then the checkpoint; answers the files written.

        Raises RollbackDetected, ForkDetected or LedgerDamaged with nothing published.
        """
        new, old = parse_checkpoint(note), self.published()
        if old is not None and old.note == new.note:
            return 0
        _check(connection, new, old)
        start = old.size if old is not None else 0
        written = self._write_tiles(connection, start, new.size)
        if self._entries is not None:
            # Bundles may have been switched on later than the tiles: their own files tell.
            written += self._write_bundles(connection, start, new.size)
        self._settle()
        self._replace(self._root / CHECKPOINT_FILE, note.encode(), _PUBLIC)
        self._settle()
        self._drop_partials(start, new.size)
        return written + 1

    def _write_tiles(self, connection: Connection, start: int, end: int) -> int:
        count = 0
        for tile in self._due(connection, start, end):
            hashes = hashes_below(connection, tile.level, tile.index)[: tile.width]
            if len(hashes) != tile.width:
                raise LedgerDamaged(f"{tile.path} cannot be written: a row is missing; run verify")
            count += self._write(self._root / tile.path, b"".join(hashes), tile, _PUBLIC)
        return count

    def _write_bundles(self, connection: Connection, start: int, end: int) -> int:
        root = self._entries
        if root is None:
            return 0
        if start and not (root / "tile" / "entries").exists():
            start = 0
        count = 0
        for tile in self._due(connection, start, end):
            if tile.level:
                break  # tiles come lowest level first
            first = tile.index * WIDTH
            entries = [leaf.data for leaf in leaves(connection, first, first + tile.width)]
            if len(entries) != tile.width:
                raise LedgerDamaged(f"entries from {first} are missing: run verify")
            path = root / entries_path(tile.index, tile.width)
            count += self._write(path, pack_entries(entries), tile, _PRIVATE)
        return count

    def _due(self, connection: Connection, start: int, end: int) -> Iterator[Tile]:
        between = connection.execute(_SIZES, {"old": start, "new": end}).scalars().all()
        return tiles_due(start, end, between)

    def _write(self, path: Path, data: bytes, tile: Tile, mode: int) -> int:
        if tile.is_full and path.exists():
            _check_same(path, data)
            return 0
        self._replace(path, data, mode)
        return 1

    def _replace(self, path: Path, data: bytes, mode: int) -> None:
        missing = [parent for parent in path.parents if not parent.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        self._touched.update(parent.parent for parent in missing)
        draft = path.with_name(path.name + _DRAFT)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            if self._durable:
                os.fsync(file.fileno())
        draft.replace(path)
        self._touched.add(path.parent)

    def _settle(self) -> None:
        """Names reach the disk as well."""
        if self._durable:
            for directory in self._touched:
                handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        self._touched.clear()

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
