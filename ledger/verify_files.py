"""查账 · 文件: published files against what the leaves of the database give, byte for byte.

Every full and partial tile and entry bundle that is there, whether all of the checkpoint's are, the
checkpoint with each signature line, and the vkey. Reads the leaves once more, and trusts nothing
else of the database but its closed logs and cosignatures, which ledger.verify checks. Not compared:
`policy`, which says whom an exporter trusted. Flat memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ledger.checkpoint import Checkpoint, NoteInvalid, open_checkpoint, parse_checkpoint
from ledger.cosigned import checkpoint_note
from ledger.history import LogHistory, read_history
from ledger.merkle import EMPTY_ROOT, HASH_SIZE, CompactRange, leaf_hash
from ledger.note import NoteVerifier
from ledger.outcomes import LedgerError
from ledger.published import VKEY_FILE, Published
from ledger.report import INVESTIGATE, RESTORE, Findings, Progress, Report, silent
from ledger.tables import LEAF, raw
from ledger.tile_files import CHECKPOINT_FILE
from ledger.tiles import WIDTH, Tile, entries_path, pack_entries, perfect_root
from ledger.verify_rows import leaf_pieces

REPUBLISH = (
    "If verify finds nothing wrong with the ledger itself, move the directory away: it is written "
    "again from the database."
)
REMOVE = "Nothing published has this name: find out who put it there, and remove it."
OTHER_DIRECTORY = "Name the directory of this log (--tiles), or verify with that log's database."
READABLE = "Let whoever runs verify read it."


def verify_files(
    connection: Connection, vkey: str, published: Published, *, progress: Progress = silent
) -> Report:
    """Check what was surveyed before this connection's snapshot began.

    Raises KeyMalformed for a bad key; whatever is wrong with the files is in the report.
    """
    findings = Findings(progress)
    log = NoteVerifier.from_vkey(vkey)
    for text in published.unread:
        findings.add("FILE_UNREADABLE", text, "it cannot be read", READABLE)
    for path in published.odd:
        findings.add("FILE_SURPLUS", str(path), "no published file has such a name", REMOVE)
    _check_vkey(findings, published, log)
    try:
        checkpoint = _checkpoint(connection, findings, published, log)
        check = _FilesCheck(findings, published, checkpoint)
        last = connection.execute(select(func.max(LEAF.c.leaf_index))).scalar()
        findings.expected = 0 if last is None else last + 1
        for leaves in leaf_pieces(connection):
            if not check.take(leaves):
                break
            findings.step(len(leaves))
        check.finish()
    except (DBAPIError, LedgerError, TypeError, ValueError) as error:
        what = f"rows cannot be read ({type(error).__name__}): no further file was compared"
        findings.add("UNREADABLE", "ledger_leaf", what, RESTORE)
    findings.finish()
    return findings.report()


def _check_vkey(findings: Findings, published: Published, log: NoteVerifier) -> None:
    if published.vkey is None:
        return
    findings.count("vkeys")
    if published.vkey not in (log.vkey.encode(), f"{log.vkey}\n".encode()):
        where = str(published.root / VKEY_FILE)
        findings.add("FILE_VKEY_DIFFERS", where, "it is not the key of this log", OTHER_DIRECTORY)


def _checkpoint(
    connection: Connection, findings: Findings, published: Published, log: NoteVerifier
) -> Checkpoint | None:
    """The published checkpoint, if this log has signed it."""
    where, note = str(published.root / CHECKPOINT_FILE), published.checkpoint
    if note is None:
        what = "there is no checkpoint: nobody can check these files"
        findings.add("FILE_CHECKPOINT_MISSING", where, what, REPUBLISH)
        return None
    findings.count("checkpoints")
    try:
        claimed = parse_checkpoint(note)
        key = _history(connection, log).key_of(claimed.size)
        if claimed.origin != key.name:
            what = f"it is of the log {claimed.origin!r}, not of {key.name!r}"
            findings.add("FILE_OTHER_LOG", where, what, OTHER_DIRECTORY)
            return None
        checkpoint = open_checkpoint(note, key)
    except NoteInvalid as error:
        findings.add("FILE_CHECKPOINT_INVALID", where, str(error), REPUBLISH)
        return None
    kept = checkpoint_note(connection, checkpoint.size)
    if kept is None:
        what = f"the database has signed no checkpoint of {checkpoint.size} leaves"
        findings.add("FILE_CHECKPOINT_UNKNOWN", where, what, INVESTIGATE)
        return checkpoint
    known = kept.encode().splitlines(keepends=True)
    strange = [line for line in note.splitlines(keepends=True) if line not in known]
    if strange:
        what = f"{len(strange)} of its lines are not those that log and witnesses have signed"
        findings.add("FILE_CHECKPOINT_INVALID", where, what, REPUBLISH)
    return checkpoint


def _history(connection: Connection, log: NoteVerifier) -> LogHistory:
    try:
        return read_history(connection, log)
    except LedgerError:
        return LogHistory((), log)  # ledger.verify names the damage


class _FilesCheck:
    """The leaves in order, and the files that they should have become."""

    def __init__(
        self, findings: Findings, published: Published, checkpoint: Checkpoint | None
    ) -> None:
        self._findings = findings
        self._published = published
        self._checkpoint = checkpoint
        self._shown = checkpoint.size if checkpoint else 0
        self._full = CompactRange()
        """Of the roots of full tiles."""
        self._levels: list[list[bytes]] = []
        """The open tile of each level above the first."""
        self._filled: list[int] = []
        self._size = 0
        entries = published.entries
        self._bundles = entries if entries and (entries / "tile" / "entries").exists() else None

    def take(self, leaves: Sequence[tuple[Any, ...]]) -> bool:
        """The next leaves (index, bytes, hash), full tiles but for the last; False after a gap,
        behind which nothing can be compared."""
        for at in range(0, len(leaves), WIDTH):
            piece = leaves[at : at + WIDTH]
            if piece[0][0] != self._size or piece[-1][0] != self._size + len(piece) - 1:
                where, what = f"ledger_leaf {self._size}", "no file of leaves after it was compared"
                self._findings.add("LEAF_MISSING", where, what, RESTORE)
                return False
            self._take(self._size // WIDTH, [raw(data) for _, data, _ in piece])
        return True

    def finish(self) -> None:
        """After the last leaf: the open tiles, and what lies beyond them."""
        for level, hashes in enumerate(self._levels, start=1):
            if hashes:
                self._compare_tile(level, self._filled[level - 1], hashes)
        if self._shown == self._size and not self._size % WIDTH:
            self._compare_root([])
        if self._shown > self._size:
            what = f"{self._shown} leaves are published, the database has {self._size}"
            where = str(self._published.root / CHECKPOINT_FILE)
            self._findings.add("LOG_ROLLED_BACK", where, what, INVESTIGATE)
        for path, needs in self._published.beyond:
            if needs > self._size:
                what = f"it is of a tree of {needs} leaves or more, there are {self._size}"
                self._findings.add("FILE_SURPLUS", str(path), what, INVESTIGATE)

    def _take(self, index: int, leaves: list[bytes]) -> None:
        hashes = list(map(leaf_hash, leaves))
        if self._shown // WIDTH == index and self._shown % WIDTH <= len(hashes):
            self._compare_root(hashes[: self._shown % WIDTH])
        self._size += len(leaves)
        self._compare_tile(0, index, hashes)
        if self._bundles is not None:
            self._compare(
                self._bundles / entries_path(index), Tile(0, index, len(leaves)), "bundles",
                lambda width: pack_entries(leaves[:width]),
            )  # fmt: skip
        if len(hashes) == WIDTH:
            root = perfect_root(hashes)
            self._full.append(root)
            self._rise(1, root)

    def _rise(self, level: int, root: bytes) -> None:
        if level > len(self._levels):
            self._levels.append([])
            self._filled.append(0)
        above = self._levels[level - 1]
        above.append(root)
        if len(above) == WIDTH:
            self._compare_tile(level, self._filled[level - 1], above)
            self._filled[level - 1] += 1
            self._levels[level - 1] = []
            self._rise(level + 1, perfect_root(above))

    def _compare_root(self, hashes: list[bytes]) -> None:
        """The published root; the full tiles so far and these hashes are its tree."""
        if self._checkpoint is None:
            return
        last = CompactRange()
        for hashed in hashes:
            last.append(hashed)
        edge = CompactRange(self._shown, [*self._full.hashes, *last.hashes])
        if self._checkpoint.root != (edge.root() if self._shown else EMPTY_ROOT):
            what = "the published root is not the root of the leaves"
            where = str(self._published.root / CHECKPOINT_FILE)
            self._findings.add("LOG_FORKED", where, what, INVESTIGATE)

    def _compare_tile(self, level: int, index: int, hashes: list[bytes]) -> None:
        data = b"".join(hashes)
        path = self._published.root / Tile(level, index).path
        tile = Tile(level, index, len(hashes))
        self._compare(path, tile, "tiles", lambda width: data[: width * HASH_SIZE])

    def _compare(self, full: Path, tile: Tile, name: str, expected: Callable[[int], bytes]) -> None:
        """The files of one tile: `full` and partial ones, as far as the leaves go."""
        needed = (self._shown >> 8 * tile.level) - tile.index * WIDTH
        whole = tile.is_full and self._same(full, name, partial(expected, WIDTH))
        if tile.is_full and not whole and needed >= WIDTH:
            self._missing(full)
        directory = full.with_name(full.name + ".p")
        widths = self._widths(directory, tile.width)
        for width in widths:
            self._same(directory / str(width), name, partial(expected, width))
        # A partial tile goes when its full one is there.
        if 0 < needed < WIDTH and needed not in widths and not whole:
            self._missing(directory / str(needed))

    def _widths(self, directory: Path, most: int) -> list[int]:
        """Of the partial files that the leaves reach; the survey has named all others."""
        try:
            names = {path.name for path in directory.iterdir()}
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._unreadable(directory, error)
            return []
        return [width for width in range(1, min(most, WIDTH - 1) + 1) if str(width) in names]

    def _same(self, path: Path, name: str, expected: Callable[[], bytes]) -> bool:
        """Whether the file is there; what is wrong with it has been said then."""
        try:
            found = path.read_bytes()
        except FileNotFoundError:
            return False
        except OSError as error:
            self._unreadable(path, error)
            return True
        self._findings.count(name)
        right = expected()
        if found == right:
            return True
        if len(found) < len(right):
            what = f"it has {len(found)} of {len(right)} bytes"
            self._findings.add("FILE_TRUNCATED", str(path), what, REPUBLISH)
        else:
            what = "its bytes are not those that the leaves of the database give"
            self._findings.add("FILE_DIFFERS", str(path), what, REPUBLISH)
        return True

    def _missing(self, path: Path) -> None:
        what = f"the checkpoint of {self._shown} leaves needs it"
        self._findings.add("FILE_MISSING", str(path), what, REPUBLISH)

    def _unreadable(self, path: Path, error: OSError) -> None:
        what = f"it cannot be read ({error.strerror})"
        self._findings.add("FILE_UNREADABLE", str(path), what, READABLE)
