"""The machine's shape: what a figure depends on. No names of hosts, people or paths."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gateway.store.engine import sqlite_driver

_MOUNTS = Path("/proc/self/mounts")
_STAT = Path("/proc/stat")


def machine(directory: Path) -> dict[str, Any]:
    """Cores, versions, the kind of file system that `directory` is on, and how busy it is."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
        "sqlite": sqlite_driver().sqlite_version,
        "file_system": _file_system(directory),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def _file_system(directory: Path) -> str:
    """ext4, tmpfs …: on tmpfs an fsync costs nothing and the figures say little."""
    try:
        mounts = [line.split() for line in _MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "unknown"
    here = directory.resolve()
    above = [m for m in mounts if here == Path(m[1]) or Path(m[1]) in here.parents]
    return max(above, key=lambda m: len(m[1]))[2] if above else "unknown"


def cpu_s_of(pid: int) -> float | None:
    """CPU that a process has used; None where the system does not tell."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except OSError:
        return None
    user, kernel = after_name.split()[11:13]
    return (int(user) + int(kernel)) / os.sysconf("SC_CLK_TCK")


def busy_s() -> float | None:
    """CPU that everybody on this machine has used; None where the system does not tell."""
    try:
        fields = _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, kernel, _idle, _wait, interrupts, soft, steal = map(int, fields[:8])
    return (user + nice + kernel + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
