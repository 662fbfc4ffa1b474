"""落盘: files that appear whole and stay, many made durable together.

Bytes go to drafts beside their names; when a batch is on the disk its drafts take their names, so
that no name ever stands for bytes that a power cut can take away. Directories follow in `settle`.
Knows nothing of tiles. A draft that was left behind is written over by the next one of its name.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from pathlib import Path

DRAFT = ".new"
"""Ends the name of what is not there yet."""
BATCH = 1024
"""Most drafts that wait: ten megabytes of tiles."""
_FEW = 8
"""So many files are made durable one by one; beyond, syncfs(2) takes the whole file system, which
is one wait for the disk instead of one each."""


def make_durable(paths: Sequence[Path]) -> None:
    """What these files and directories hold is on the disk. Raises OSError."""
    if len(paths) <= _FEW or not _sync_whole(paths[0].parent):
        for path in paths:
            _sync(path)


def leave(paths: Sequence[Path]) -> None:
    """The operating system chooses when bytes reach the disk."""


class FileBatch:
    """New files below any directory."""

    def __init__(self, flush: Callable[[Sequence[Path]], None] = make_durable) -> None:
        self._flush = flush
        self._waiting: list[tuple[Path, Path]] = []
        """Draft and name."""
        self._known: set[Path] = set()
        """Directories that are there."""
        self._touched: set[Path] = set()
        """Directories with names that may not be on the disk yet."""

    def add(self, path: Path, data: bytes, mode: int) -> None:
        """This file, in place of any that has its name; it appears with its batch."""
        if path.parent not in self._known:
            self._make(path.parent)
        draft = path.with_name(path.name + DRAFT)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, mode), "wb", buffering=0) as file:
            if file.write(data) != len(data):
                raise OSError(f"{draft} could not be written whole")
        self._waiting.append((draft, path))
        self._touched.add(path.parent)
        if len(self._waiting) == BATCH:
            self._appear()

    def settle(self) -> None:
        """All files are there, flushed with their names."""
        self._appear()
        self._flush(sorted(self._touched))
        self._touched.clear()
        # Somebody else may remove directories between two rounds.
        self._known.clear()

    def _make(self, directory: Path) -> None:
        missing = [parent for parent in (directory, *directory.parents) if not parent.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        self._touched.update(parent.parent for parent in missing)
        self._known.add(directory)

    def _appear(self) -> None:
        self._flush([draft for draft, _ in self._waiting])
        for draft, path in self._waiting:
            draft.replace(path)
        self._waiting.clear()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_whole(directory: Path) -> bool:
    """The file system of this directory; False where the C library has no syncfs (not Linux)."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(handle)
    return True
