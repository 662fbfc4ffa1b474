"""One process owns the writes of a database: an fcntl lock on `yrd.lock` beside it.

The kernel drops the lock with the process, however it ends: no stale lock, no lease, no leader.
Works on local file systems only; a database on a network share is not supported.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.store.errors import StoreRefused

LOCK_NAME = "yrd.lock"


class WriterLock:
    """Held from construction until `release`."""

    def __init__(self, database: Path) -> None:
        """Raises StoreRefused if another process (or another store of this one) holds it."""
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = database.with_name(LOCK_NAME)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip() or "未知"
            os.close(self._file)
            raise StoreRefused(
                "DATABASE_IN_USE",
                f"数据库 {database} 正由另一个进程(进程号 {holder})写入;"
                "一个 SQLite 数据库只能由一个网关进程写入,请先停止该进程。",
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._file)
