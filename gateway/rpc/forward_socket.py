"""专用套接字: where the owner of a SQLite database answers the other gateways of this machine.

A Unix socket `owner-….sock` in the folder `forward` beside the database. gRPC does not show who
connects (SO_PEERCRED), so the file system decides: folder 0700 and socket 0600 of the same user as
this process, which both sides see to. Whoever can write as that user could read the keys as well.
Each owner takes a new name: the socket of one that is gone never looks like that of its successor.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER = "forward"
SUFFIX = ".sock"
PATH_MAX = 100
"""Bytes of a path that every system takes for a socket (Linux 107, others 103)."""
_DESCRIPTORS = Path("/proc/self/fd")


class UnsafeSocket(Exception):
    """Somebody else could be behind the socket, or read along; the text says what to do."""


class SocketFolder:
    """The folder of one database, held open; `close` it when its sockets are not used any more."""

    def __init__(self, database: Path) -> None:
        """Makes the folder where it is missing. Raises UnsafeSocket, OSError."""
        self.path = database.absolute().with_name(FOLDER)
        self.path.mkdir(mode=0o700, exist_ok=True)
        self._file = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        found = os.fstat(self._file)
        if not _private(found, stat.S_ISDIR(found.st_mode)):
            self.close()
            raise UnsafeSocket(
                f"目录 {self.path} 须归运行网关的用户所有且权限为 0700:"
                "请停止所有网关进程,删除该目录后再启动(它只存放套接字)。"
            )

    def target(self, name: str) -> str:
        """The address of a socket for gRPC. Raises UnsafeSocket where no path is short enough."""
        path = self.path / name
        if len(os.fsencode(path)) > PATH_MAX:
            # A socket's path is at most 107 bytes long; by way of the open folder it is short.
            path = _DESCRIPTORS / str(self._file) / name
            if not path.parent.exists():
                raise UnsafeSocket(
                    f"路径 {self.path} 过长,无法建立套接字:请把数据目录放到更短的路径下。"
                )
        return f"unix:{path}"

    def make_private(self, name: str) -> None:
        """0600, before anyone can connect. The folder keeps others out meanwhile."""
        os.chmod(name, 0o600, dir_fd=self._file)

    def check(self, name: str) -> None:
        """Raises UnsafeSocket unless this is a socket of our own user; OSError if it is gone."""
        found = os.stat(name, dir_fd=self._file, follow_symlinks=False)
        if not _private(found, stat.S_ISSOCK(found.st_mode)):
            raise UnsafeSocket(f"{self.path / name} 不是本用户的专用套接字(应为 0600):拒绝连接。")

    def clear(self) -> None:
        """Remove the sockets of owners that were killed. Only for whoever holds the lock."""
        for left in self.path.glob(f"*{SUFFIX}"):
            left.unlink()

    def close(self) -> None:
        """The sockets stay."""
        os.close(self._file)


def _private(found: os.stat_result, right_kind: bool) -> bool:
    return right_kind and found.st_uid == os.geteuid() and not found.st_mode & 0o077
