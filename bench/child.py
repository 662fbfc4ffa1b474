"""Processes that are measured or that measure: each answers one JSON line to each line it is sent.

The parent's side is `Child`; the child's is `announce` and `answer_lines`. A child ends when its
standard input does, so none outlives the bench, however that ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from gateway.demo.house import HOME, READY, START_S

STOP_S = 15.0


class ChildFailed(Exception):
    """A process did not come up, or gave no answer; the text says which and what it wrote."""


class Child:
    """One child process; use as a context manager."""

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        *,
        logs: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`module` is what follows `python -m`. Starts at once and waits for nothing."""
        self.name = name
        self._log = logs / f"{name}.stderr"
        sources = os.pathsep.join((str(HOME), str(HOME / "protos")))
        with self._log.open("ab") as stderr:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-m", *module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "PYTHONPATH": sources, "PYTHONUTF8": "1", **(environment or {})},
                text=True,
                encoding="utf-8",
                # Ctrl-C reaches the bench alone; it then ends the others in order.
                start_new_session=True,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def address(self) -> str:
        """What it announces once it can be called. Raises ChildFailed."""
        line = self._read(START_S)
        if not line.startswith(READY):
            raise ChildFailed(self._obituary())
        return line.removeprefix(READY).strip()

    def ask(self, *, patience_s: float = START_S, **question: Any) -> dict[str, Any]:
        """Its answer. Raises ChildFailed."""
        if self._popen.stdin is None or self._popen.poll() is not None:
            raise ChildFailed(self._obituary())
        self._popen.stdin.write(json.dumps(question) + "\n")
        self._popen.stdin.flush()
        line = self._read(patience_s)
        if not line:
            raise ChildFailed(self._obituary())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it by the end of its input; by force only if it does not listen."""
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        try:
            self._popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _read(self, timeout_s: float) -> str:
        stream = self._popen.stdout
        if stream is None:
            return ""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            # One line at a time is under way, so nothing hides in the reader's buffer.
            return stream.readline() if selector.select(timeout_s) else ""

    def _obituary(self) -> str:
        wrote = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        tail = "\n".join(f"    {line}" for line in wrote) or "    (nothing)"
        return f"{self.name} gave no answer (exit code {self._popen.poll()}); it wrote:\n{tail}"


def announce(address: str) -> None:
    """Child's side: it can be called now."""
    print(f"{READY}{address}", flush=True)


async def answer_lines(answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    """Child's side: answer every line of standard input, until it ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await answer(json.loads(line))), flush=True)
