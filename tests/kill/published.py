"""What the world has seen of a log: every checkpoint that lay on disk at a death, and the files.

None may ever be taken back: each is in the database word for word (whose `verify` shows that they
extend one another), and every file, half-published ones too, is what the database's leaves make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from gateway.demo.stranger import Mirror
from ledger.merkle import leaf_hash
from ledger.tables import CHECKPOINT, LEAF, raw
from ledger.tile_files import CHECKPOINT_FILE
from ledger.tiles import WIDTH, pack_entries, parse_path, perfect_root

DRAFT = ".new"


@dataclass
class Published:
    """The places of one log where a stranger may look."""

    files: Path
    entries: Path
    outside: Path
    vkey: str
    notes: dict[str, int] = field(default_factory=dict)
    """Every checkpoint ever seen, with its size."""

    def look(self) -> int:
        """Remember what lies there now; answers the greatest size ever seen."""
        for file in (self.outside, self.files / CHECKPOINT_FILE):
            if file.exists():
                note = file.read_text(encoding="utf-8")
                self.notes[note] = int(note.splitlines()[1])
        return max(self.notes.values(), default=0)

    def check(self, connection: Connection, where: str) -> int:
        """Nobody may be publishing meanwhile; answers how many files there are."""
        self.look()
        kept = set(connection.execute(select(CHECKPOINT.c.note)).scalars())
        assert self.notes.keys() <= kept, f"{where}: a published checkpoint is not on record"
        rows = connection.execute(select(LEAF.c.leaf).order_by(LEAF.c.leaf_index))
        leaves = [raw(row.leaf) for row in rows]
        levels = levels_of(leaves)
        count = check_files(self.files, leaves, levels, where)
        count += check_files(self.entries, leaves, levels, where)
        if (self.files / CHECKPOINT_FILE).exists():
            Mirror(self.files, self.entries, self.vkey).check()
        return count


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The hashes that tiles of each level hold, from the leaves alone."""
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) >= WIDTH:
        row = levels[-1]
        starts = range(0, len(row) // WIDTH * WIDTH, WIDTH)
        levels.append([perfect_root(row[at : at + WIDTH]) for at in starts])
    return levels


def check_files(
    root: Path, leaves: Sequence[bytes], levels: Sequence[Sequence[bytes]], where: str
) -> int:
    """Every file below `root` is what these leaves make; answers how many there are."""
    count = 0
    for path in root.rglob("*"):
        if path.is_dir() or path.name == CHECKPOINT_FILE or path.name.endswith(DRAFT):
            continue
        name = path.relative_to(root).as_posix()
        kind, tile = parse_path(name)
        piece = slice(tile.index * WIDTH, tile.index * WIDTH + tile.width)
        if kind == "entries":
            expected = pack_entries(leaves[piece])
        else:
            expected = b"".join(levels[tile.level][piece])
        assert path.read_bytes() == expected, f"{where}: {name} is not what the database holds"
        count += 1
    return count
