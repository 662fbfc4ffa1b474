"""Steps of a process: each statement, each commit and each touch of a file below a directory.

Counted so that a process can die before its n-th: not at a moment, but at every one there is.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

_FILE_STEPS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir"}


class Steps:
    """Begins to count at once. Dies by its own hand before step `dies_at`; 0 never dies."""

    def __init__(self, dies_at: int, directory: Path) -> None:
        self._numbers = count(1)
        self._dies_at = dies_at
        self._below = str(directory)
        event.listen(Engine, "before_cursor_execute", self._step)
        event.listen(Engine, "commit", self._step)
        sys.addaudithook(self._look)

    @property
    def taken(self) -> int:
        """How many there were; asked once, at the end."""
        return next(self._numbers) - 1

    def _look(self, what: str, about: tuple[Any, ...]) -> None:
        opened = what == "open" and str(about[0]).startswith(self._below)
        if opened or what in _FILE_STEPS:
            self._step()

    def _step(self, *_about: Any) -> None:
        if next(self._numbers) == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
