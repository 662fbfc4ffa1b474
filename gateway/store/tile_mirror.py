"""静态日志: writes the log as files (ledger/tile_files.py) whenever a checkpoint may be shown.

One process at a time for one directory: whoever holds `.lock` beside it; the others leave it to
that one. With a quorum, what too few witnesses have cosigned is not shown.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine

from gateway.domain.errors import InvariantViolated
from ledger.checkpoint import parse_checkpoint
from ledger.cosigned import checkpoint_note, last_witnessed
from ledger.history import begins_at
from ledger.outcomes import LedgerDamaged
from ledger.reads import latest_note
from ledger.report import Progress, silent
from ledger.tile_files import TileFiles

_log = structlog.get_logger("yrd.store")


class TileMirror:
    """One round, as a worker calls it. Answers how many files were written."""

    def __init__(
        self,
        engine: Engine,
        root: Path,
        *,
        entries: Path | None,
        witnesses: Sequence[str] = (),
        quorum: int = 0,
        durable: bool = True,
        progress: Progress = silent,
    ) -> None:
        """`engine` reads snapshots; `witnesses` are vkeys."""
        self._engine, self._root = engine, root
        self._files = TileFiles(root, entries=entries, durable=durable)
        self._witnesses, self._quorum = tuple(witnesses), quorum
        self._progress = progress

    async def __call__(self) -> int:
        return await asyncio.to_thread(self.write)

    def write(self) -> int:
        """Raises InvariantViolated if database and files contradict each other."""
        self._root.mkdir(parents=True, exist_ok=True)
        path = self._root.with_name(self._root.name + ".lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            return self._write() if _taken(lock) else 0
        except LedgerDamaged as error:
            _log.error("log_cannot_be_published", cause=str(error))
            raise InvariantViolated(str(error)) from error
        finally:
            os.close(lock)

    def _write(self) -> int:
        # The snapshot begins after the lock is ours: it is never older than what is published.
        with self._engine.connect() as connection, connection.begin():
            newest = latest_note(connection)
            if newest is None:
                return 0
            size, begins = parse_checkpoint(newest).size, begins_at(connection)
            if size <= begins:
                return 0  # a log that was closed has its own directory
            if self._quorum:
                shown = last_witnessed(connection, self._witnesses, self._quorum, above=begins) or 0
                published = self._files.published()
                if shown < (published.size if published else 1) <= size:
                    return 0
                size = shown or size
            note = checkpoint_note(connection, size)
            return self._publish(connection, note) if note is not None else 0

    def _publish(self, connection: Connection, note: str) -> int:
        return self._files.publish(connection, note, progress=self._progress)


def _taken(lock: int) -> bool:
    """Whether the lock is ours now; False while another process is at it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
