"""已发布的文件: what lies in a directory of them, before anyone asks whether it is right.

Taken before the database's snapshot: a log in service only grows, so that whatever was seen here is
in what is read later. Names only, and the checkpoint's and the key's bytes; kept are the names that
are odd or lie beyond the checkpoint, which are few. Layout: ledger.tile_files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint import NoteInvalid, parse_checkpoint
from ledger.tile_files import CHECKPOINT_FILE
from ledger.tile_writing import DRAFT
from ledger.tiles import WIDTH, Tile, parse_path

VKEY_FILE = "vkey"
_BESIDE = frozenset({CHECKPOINT_FILE, VKEY_FILE, "policy"})
"""What may lie beside the tiles (an export has all three)."""
ODD_MAX = 1000
"""Most odd names kept."""


@dataclass(frozen=True, slots=True)
class Published:
    """A directory of tiles, and that of the entry bundles, which may be the same."""

    root: Path
    entries: Path | None
    checkpoint: bytes | None
    vkey: bytes | None
    beyond: tuple[tuple[Path, int], ...]
    """Files that belong to a larger tree than the checkpoint's, and how many leaves that has."""
    odd: tuple[Path, ...]
    """Names that nothing published has."""
    unread: tuple[str, ...]
    """What could not be read, and why."""


def survey(root: Path, entries: Path | None) -> Published:
    """Look at both directories. Never raises for what lies in them."""
    unread: list[str] = []
    checkpoint, vkey = (_read(root / name, unread) for name in (CHECKPOINT_FILE, VKEY_FILE))
    size = _size(checkpoint)
    beyond: list[tuple[Path, int]] = []
    odd: list[Path] = []
    # Bundles lie with the tiles (an export), below a root of their own, or nowhere.
    apart = entries is not None and entries != root
    for base, kinds in ((root, {"tile"} if apart else {"tile", "entries"}), (entries, {"entries"})):
        if base is None or (base == root and kinds == {"entries"}):
            continue
        for path in _files(base, unread):
            name = path.relative_to(base).as_posix()
            if name.endswith(DRAFT) or (base == root and name in _BESIDE):
                continue
            tile = _tile(name, kinds)
            if tile is None:
                odd.append(path)
            elif (needs := leaves_below(tile)) > size:
                beyond.append((path, needs))
    return Published(
        root, entries, checkpoint, vkey, tuple(beyond), tuple(odd[:ODD_MAX]), tuple(unread)
    )


def leaves_below(tile: Tile) -> int:
    """How many leaves a tree has at least that has this tile."""
    return int((tile.index * WIDTH + tile.width) * WIDTH**tile.level)


def _tile(name: str, kinds: set[str]) -> Tile | None:
    try:
        kind, tile = parse_path(name)
    except ValueError:
        return None
    return tile if kind in kinds else None


def _size(checkpoint: bytes | None) -> int:
    try:
        return parse_checkpoint(checkpoint).size if checkpoint is not None else 0
    except NoteInvalid:
        return 0


def _files(base: Path, unread: list[str]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        unread.append(f"{error.filename}: {error.strerror}")

    for directory, _, names in os.walk(base, onerror=note):
        for name in names:
            yield Path(directory, name)


def _read(path: Path, unread: list[str]) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        unread.append(f"{path}: {error.strerror}")
        return None
