"""Processes that a test may kill -9: forked warm, so that a death costs milliseconds, not a start.

A fork server has imported the gateway once and has opened nothing; each process is a fork of it and
has all its own. What it says comes through a pipe, which lives on after it: whatever it had written
when it died is read.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import structlog

PRELOAD = [f"tests.kill.dying_{name}" for name in ("gateway", "store", "migration", "integrator")]
BOUND_S = 30
_PR_SET_PDEATHSIG = 1
_PIECE = 65_536

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOAD)


class Killable:
    """One process that runs `target(*arguments, say)` until it is killed."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        """`target` is told last the file descriptor through which to say lines."""
        self._ear, mouth = _context.Pipe(duplex=False)
        self._process = _context.Process(target=_live, args=(target, arguments, mouth))
        self._process.start()
        mouth.close()
        self._heard = b""

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def lives(self) -> bool:
        return self._process.exitcode is None

    def says_anything(self) -> bool:
        """Whether there is something to hear; of a dead one there always is: its end."""
        return self._ear.poll()

    def hear(self) -> list[str]:
        """What it has said since the last time, in whole lines; none if it has not spoken."""
        while self._ear.poll():
            piece = os.read(self._ear.fileno(), _PIECE)
            if not piece:
                break
            self._heard += piece
        whole, _, self._heard = self._heard.rpartition(b"\n")
        return whole.decode().splitlines()

    def end_of_itself(self) -> tuple[int, list[str]]:
        """Wait for its end, which is its own doing; answers exit code and last words."""
        self._process.join(BOUND_S)
        code = self._process.exitcode
        assert code is not None, "it does not end"
        last = self.hear()
        self._ear.close()
        self._process.close()
        return code, last

    def end(self, how: signal.Signals = signal.SIGKILL) -> list[str]:
        """Send the signal, wait for the end, answer its last words. Exactly once."""
        pid = self._process.pid
        assert pid is not None
        os.kill(pid, how)
        # Whoever drains has more to say than a pipe holds.
        last: list[str] = []
        while self._process.exitcode is None:
            last += self.hear()
            self._process.join(0.01)
        last += self.hear()
        expected = 0 if how is signal.SIGTERM else -how
        assert self._process.exitcode == expected, f"it ended by itself: {self._process.exitcode}"
        self._ear.close()
        self._process.close()
        return last


def say(mouth: int, line: str) -> None:
    """In one call, so that a kill never leaves half a line."""
    os.write(mouth, f"{line}\n".encode())


def _live(target: Callable[..., None], arguments: tuple[Any, ...], mouth: Connection) -> None:
    if sys.platform == "linux":  # if the tests are killed, so is the fork server, and so are we
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    target(*arguments, mouth.fileno())
