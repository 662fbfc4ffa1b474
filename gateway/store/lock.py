"""写入锁: one process owns the writes of a database: a lock on `yrd.lock` beside it.

The kernel drops the lock with the process, however it ends: no stale lock, no lease, no leader. The
directory is locked as well, so that whoever deletes `yrd.lock` does not let a second writer in.
In the file stands who holds it and, once it can be asked, the name of the socket on which it
answers other processes of this machine (gateway/rpc/forward.py). What stands there is a hint: only
the lock decides. Works on local file systems only; a database on a network share is not supported.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from gateway.store.errors import StoreRefused

LOCK_NAME = "yrd.lock"
_HINT_MAX = 128
"""Bytes of the file that are read: a process number and a short name."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What the process that holds the lock, or held it last, has written."""

    pid: str
    """"" where nothing could be read."""
    socket: str
    """"" while it cannot be asked: it is starting, ending, or no gateway."""


class WriterLock:
    """Held from construction until `release`."""

    def __init__(self, database: Path) -> None:
        """Raises StoreRefused if another process (or another store of this one) holds it."""
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = database.with_name(LOCK_NAME)
        self._files = [
            os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600),
            os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC),
        ]
        try:
            for file in self._files:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise StoreRefused(
                "DATABASE_IN_USE",
                f"数据库 {database} 正由另一个进程(进程号 {holder(database).pid or '未知'})写入;"
                "一个 SQLite 数据库只能由一个进程写入,请先停止使用它的所有网关进程。",
            ) from error
        os.ftruncate(self._files[0], 0)
        self.announce("")

    @classmethod
    def attempt(cls, database: Path) -> WriterLock | None:
        """The lock, or None while another process holds it."""
        try:
            return cls(database)
        except StoreRefused:
            return None

    def announce(self, socket: str) -> None:
        """Write the name of the socket on which other processes may ask us; "" for none."""
        line = f"{os.getpid()} {socket}".rstrip() + "\n"
        # A reader between the two calls finds an old tail after the first line, and ignores it.
        os.pwrite(self._files[0], line.encode("ascii"), 0)
        os.ftruncate(self._files[0], len(line))

    def release(self) -> None:
        """Let another process have it; once more does nothing."""
        while self._files:
            os.close(self._files.pop())


def holder(database: Path) -> Holder:
    """Who holds the lock of this database or held it last, as far as it says."""
    try:
        with database.with_name(LOCK_NAME).open("rb") as file:
            line = file.read(_HINT_MAX).partition(b"\n")[0].decode("ascii", "replace")
    except FileNotFoundError:
        return Holder("", "")
    pid, _, socket = line.partition(" ")
    return Holder(pid, socket)
