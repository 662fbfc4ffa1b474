"""瓦片: the coordinates, paths and bytes by which any tlog client can mirror the log.

Pure: knows where a hash lies and how a tile is named, not where tiles are kept. Height 8: a full
tile is 256 hashes, 8192 bytes. Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger.merkle import HASH_SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""
TILE_BYTES = WIDTH * HASH_SIZE
LEVEL_MAX = 63
ENTRY_MAX = 0xFFFF
"""Most bytes of one entry in a bundle (uint16 length)."""

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile: hashes index·256 … index·256+width-1 of height 8·level."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (0 <= self.level <= LEVEL_MAX and self.index >= 0 and 0 < self.width <= WIDTH):
            raise ValueError("no such tile")

    @property
    def is_full(self) -> bool:
        return self.width == WIDTH

    @property
    def path(self) -> str:
        """tile/0/x001/x234/067, with .p/W when partial."""
        return f"tile/{self.level}/{_number(self.index)}{_partial(self.width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """Path of the bundle that holds the entries of tile (0, index)."""
    return f"tile/entries/{_number(index)}{_partial(width)}"


def parse_path(path: str) -> tuple[str, Tile]:
    """("entries" or "tile", coordinates). Raises ValueError for every other spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError("not the path of a tile")
    level, number, width = match.groups()
    index = int(number.replace("x", "").replace("/", ""))
    tile = Tile(0 if level == "entries" else int(level), index, int(width or WIDTH))
    # Leading zero groups (x000/001) and .p/256 would be second names for one tile.
    if _number(index) != number or (width is not None and tile.is_full):
        raise ValueError("not the path of a tile")
    return ("entries" if level == "entries" else "tile"), tile


def locate(level: int, index: int) -> tuple[Tile, int, int]:
    """Where the hash (level, index) is found: its tile and the hashes [low, high) to fold."""
    tile_level, height = divmod(level, HEIGHT)
    low = index << height
    return Tile(tile_level, low // WIDTH), low % WIDTH, low % WIDTH + (1 << height)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of this size, full ones and the partial one of each level."""
    level = 0
    while size:
        full, rest = divmod(size, WIDTH)
        for index in range(full):
            yield Tile(level, index)
        if rest:
            yield Tile(level, full, rest)
        size = full
        level += 1


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Root over a power of two of hashes, e.g. of a full tile."""
    if len(hashes) & (len(hashes) - 1) or not hashes:
        raise ValueError("a perfect subtree has a power of two of hashes")
    row = list(hashes)
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=True)
        row = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return row[0]


def split_hashes(data: bytes) -> list[bytes]:
    """A tile's bytes as its hashes."""
    if not data or len(data) % HASH_SIZE or len(data) > TILE_BYTES:
        raise ValueError("a tile is 1 to 256 hashes of 32 bytes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry after its big-endian uint16 length."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_MAX:
            raise ValueError(f"an entry has at most {ENTRY_MAX} bytes")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def unpack_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError when it is cut off."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise ValueError("the entry bundle is cut off")
        entries.append(data[start:at])
    return entries


def _number(index: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
