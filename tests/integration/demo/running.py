"""Running `yrd` as a real process in tests, bounded, with the sources on its path."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[3]
EXAMPLES = HOME / "examples"
LIMIT_S = 55


def environment(**extra: str) -> dict[str, str]:
    """A clean environment: no YRD_ setting of the developer's own reaches the test."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("YRD_")}
    sources = os.pathsep.join([str(HOME), str(HOME / "protos")])
    return {**inherited, "PYTHONPATH": sources, **extra}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-P", "-m", "gateway", *map(str, arguments)]


def yrd(*arguments: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=HOME,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
    )


def document(run: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on its standard output."""
    return json.loads(run.stdout)


def children_of(data: Path) -> list[int]:
    """Processes whose command line names this data directory (Linux: from /proc)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(data).encode() in words:
                found.append(int(entry.name))
    return found


def await_end(data: Path) -> None:
    """Wait until no process names this directory, each at most LIMIT_S; raises TimeoutError."""
    while pids := children_of(data):
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                if not select.select([handle], [], [], LIMIT_S)[0]:
                    raise TimeoutError(f"process {pid} goes on")
            finally:
                os.close(handle)
