"""丢失的条目: what the published entry bundles of a closed log still say of leaves that are lost.

The database that held them is gone; the files beside it may not be. They name type and entry id of
each, so that people know which receipts to ask hospitals for. Not verified here, and no amounts: a
bundle holds none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ledger.leaf import Leaf, LeafError
from ledger.tiles import WIDTH, entries_path, unpack_entries


@dataclass(frozen=True, slots=True)
class LostLeaf:
    """One of them, by its number in the closed log."""

    index: int
    leaf: Leaf


def lost_leaves(directory: Path, lost: range) -> tuple[LostLeaf, ...]:
    """Those of them that the bundles below `directory` still hold. Raises OSError."""
    found = []
    for tile in range(lost.start // WIDTH, -(-lost.stop // WIDTH)):
        for offset, data in enumerate(_bundle(directory / entries_path(tile))):
            index = tile * WIDTH + offset
            try:
                leaf = Leaf.parse(data)
            except LeafError:
                continue  # damaged as well; the receipts remain
            if index in lost:
                found.append(LostLeaf(index, leaf))
    return tuple(found)


def _bundle(full: Path) -> list[bytes]:
    """The full bundle, or the widest partial one that is there."""
    path: Path | None = full
    if not full.exists():
        partial = full.with_name(full.name + ".p")
        widths = [p for p in partial.glob("*") if p.name.isdecimal()]
        path = max(widths, key=lambda p: int(p.name), default=None)
    if path is None:
        return []
    try:
        return unpack_entries(path.read_bytes())
    except ValueError:
        return []
