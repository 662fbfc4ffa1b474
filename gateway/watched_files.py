"""换文件: files that may be replaced while the process runs, e.g. keys and certificates.

Whoever uses what a file holds asks for it each time; at most once a second it is looked whether the
file is another one now (times, size, inode). A new file that cannot be used changes nothing: what
was read last stays in use, the log and health say so, and the file is tried again when it changes.
Replace a file by renaming a finished one over it, so that nobody reads half of it.
Not here: what the files hold. Source of the moment: an injected monotonic clock, seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from gateway.config import ConfigError
from gateway.telemetry import Logger

T = TypeVar("T")
LOOK_S = 1.0
"""Shortest pause between two looks at the same files."""

_Looks = tuple[tuple[int, int, int, int] | None, ...]


class Watched(Generic[T]):
    """What one group of files holds; called, it answers the newest that can be used."""

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        load: Callable[[], T],
        *,
        monotonic: Callable[[], float],
        logger: Logger,
    ) -> None:
        """Loads at once. `load` raises ConfigError or OSError, here as well."""
        self.name, self._paths, self._load = name, tuple(paths), load
        self._monotonic, self._logger = monotonic, logger
        self._seen = _looks(self._paths)
        self._looked_at = monotonic()
        self._held = load()
        self.trouble = ""
        """Why the files as they lie there now are not in use (中文); "" where they are."""

    def __call__(self) -> T:
        if self._monotonic() - self._looked_at >= LOOK_S:
            self.look()
        return self._held

    def look(self) -> None:
        """Now, whenever the last look was."""
        self._looked_at = self._monotonic()
        self._look()

    def _look(self) -> None:
        # Looked at before it is read: what changes meanwhile is found changed the next time.
        seen = _looks(self._paths)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._held = self._load()
        except (ConfigError, OSError) as error:
            self._not_usable(str(error))
            return
        except Exception as error:
            # Nobody foresaw it, and it may quote the file: told by its kind. Whoever asks for what
            # is in use, health above all, must not end with it.
            self._not_usable(f"{self.name}:新文件无法读取({type(error).__name__})")
            return
        self.trouble = ""
        self._logger.info("file_read_again", kind=self.name)

    def _not_usable(self, trouble: str) -> None:
        self.trouble = trouble
        self._logger.error("new_file_not_usable", kind=self.name, cause=trouble)


class FileWatch:
    """Every group of files that one process watches."""

    def __init__(self, monotonic: Callable[[], float], logger: Logger) -> None:
        self._monotonic, self._logger = monotonic, logger
        self._watched: list[Watched[object]] = []

    def watch(self, name: str, paths: Sequence[Path], load: Callable[[], T]) -> Watched[T]:
        """Raises what `load` raises."""
        made = Watched(name, paths, load, monotonic=self._monotonic, logger=self._logger)
        self._watched.append(made)  # type: ignore[arg-type] # only asked, never written to
        return made

    def look(self) -> None:
        """At each file, at once: somebody says that there are new ones (SIGHUP)."""
        for watched in self._watched:
            watched.look()

    def troubles(self) -> tuple[str, ...]:
        """Of the files as they lie there now; looks, where that is due."""
        for watched in self._watched:
            watched()
        return tuple(watched.trouble for watched in self._watched if watched.trouble)


def _looks(paths: tuple[Path, ...]) -> _Looks:
    return tuple(_look_at(path) for path in paths)


def _look_at(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
