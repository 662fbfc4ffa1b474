"""哈希存取: the tree's hashes as the tables hold them.

Reads and writes rows through the caller's connection. A hash inside a full tile is folded from it;
one at the right edge comes from leaf hashes, or from the roots of the full tiles below. What is
read here is not trusted: proofs made of it are checked by their receivers, and by ledger.verify.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select

from ledger.merkle import HASH_SIZE
from ledger.outcomes import LedgerDamaged
from ledger.tables import LEAF, TILE, raw
from ledger.tiles import WIDTH, locate, perfect_root, split_hashes

_TILE = select(TILE.c.hashes).where(
    TILE.c.level == bindparam("level"), TILE.c.tile_index == bindparam("tile_index")
)
_FULL_TILES = (
    select(TILE.c.tile_index, TILE.c.hashes, TILE.c.root)
    .where(TILE.c.level == bindparam("level"), TILE.c.tile_index >= bindparam("first"))
    .order_by(TILE.c.tile_index)
    .limit(bindparam("most"))
)
_LEAF_HASHES = (
    select(LEAF.c.leaf_hash)
    .where(LEAF.c.leaf_index >= bindparam("low"), LEAF.c.leaf_index < bindparam("high"))
    .order_by(LEAF.c.leaf_index)
)
_TILE_ROOTS = (
    select(TILE.c.root)
    .where(
        TILE.c.level == bindparam("level"),
        TILE.c.tile_index >= bindparam("low"),
        TILE.c.tile_index < bindparam("high"),
    )
    .order_by(TILE.c.tile_index)
)
_INSERT_TILE = insert(TILE)


class StoredHashes:
    """A HashSource over the tables, for one proof or one root: each tile is read once."""

    __slots__ = ("_connection", "_tiles")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        tile, low, high = locate(level, index)
        hashes = self._tile(tile.level, tile.index)
        if len(hashes) < high:
            raise LedgerDamaged(f"hash {index} of level {level} is missing: run verify")
        return perfect_root(hashes[low:high])

    def _tile(self, level: int, index: int) -> list[bytes]:
        known = self._tiles.get((level, index))
        if known is None:
            known = self._tiles[level, index] = self._read(level, index)
        return known

    def _read(self, level: int, index: int) -> list[bytes]:
        full = self._connection.execute(_TILE, {"level": level, "tile_index": index}).scalar()
        if full is None:
            return hashes_below(self._connection, level, index)
        data = raw(full)
        if len(data) != WIDTH * HASH_SIZE:
            raise LedgerDamaged(f"tile {level}/{index} has {len(data)} bytes: run verify")
        return split_hashes(data)


def full_tiles(
    connection: Connection, level: int, first: int, most: int
) -> dict[int, tuple[bytes, bytes]]:
    """Index → hashes and root of the full tiles of this level from `first` on, at most so many."""
    rows = connection.execute(_FULL_TILES, {"level": level, "first": first, "most": most})
    return {index: (raw(hashes), raw(root)) for index, hashes, root in rows}


def hashes_below(connection: Connection, level: int, index: int) -> list[bytes]:
    """The hashes that tile (level, index) has or will have, from the rows below it."""
    low, high = index * WIDTH, (index + 1) * WIDTH
    if level == 0:
        rows = connection.execute(_LEAF_HASHES, {"low": low, "high": high})
    else:
        rows = connection.execute(_TILE_ROOTS, {"level": level - 1, "low": low, "high": high})
    # All at once: row by row they cost more than all the hashing of a proof.
    return [raw(value) for (value,) in rows.all()]


def write_tiles(connection: Connection, old_size: int, size: int) -> None:
    """Write the tiles that were filled while the log grew from `old_size` to `size`."""
    for count in range((old_size // WIDTH + 1) * WIDTH, size + 1, WIDTH):
        _write_filled(connection, count)


def _write_filled(connection: Connection, size: int) -> None:
    """The tiles that the leaf before `size` has filled, lowest level first."""
    level = 0
    count = size
    while count and count % WIDTH == 0:
        count //= WIDTH
        hashes = hashes_below(connection, level, count - 1)
        if len(hashes) != WIDTH:
            raise LedgerDamaged(f"tile {level}/{count - 1} cannot be built: a row below is missing")
        values = {
            "level": level,
            "tile_index": count - 1,
            "hashes": b"".join(hashes),
            "root": perfect_root(hashes),
        }
        connection.execute(_INSERT_TILE, values)
        level += 1
