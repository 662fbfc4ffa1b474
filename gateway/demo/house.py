"""整套系统: three stand-in platforms and one gateway as real processes on loopback, for a while.

Each process is a `yrd` command of its own on a free port. A process that does not come up is told
of with the end of what it wrote; all of them end with this one, however it ends: orderly through
`close`, and by the end of their standard input if this process is killed.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from gateway.demo.layout import PROVINCES, DataDir

HOME = Path(__file__).resolve().parents[2]
READY = "listening "
"""What a process writes on standard output, followed by its address, once it can be called."""
START_S = 60.0
"""Longest wait for one process; it takes about a second on an idle machine."""
STOP_S = 15.0
FOLLOW = "--follow-stdin"
"""Tells a child to end when its standard input does, that is, when its parent is gone."""


class HouseFailed(Exception):
    """A process did not come up or ended early; the text says which and what it wrote."""


@dataclass(slots=True)
class Process:
    """One child process."""

    name: str
    popen: subprocess.Popen[str]
    log: Path
    address: str = ""


@dataclass(slots=True)
class House:
    """The running system of one data directory; use as a context manager."""

    place: DataDir
    say: Callable[[str], None]
    processes: list[Process] = field(default_factory=list)
    platforms: dict[str, str] = field(default_factory=dict)
    """Province digits → base URL of its stand-in platform."""
    gateway: str = ""
    """host:port"""

    def __enter__(self) -> House:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> None:
        data = ("--data", str(self.place.root))
        started = {
            code: self._start(name, ("sandbox", name, *data, "--port", "0", FOLLOW))
            for code, name in PROVINCES.items()
        }
        for code, process in started.items():
            self.platforms[code] = self._await(process)
        self.say(f"三地平台已启动:{'、'.join(self.platforms.values())}")
        addresses = {"YRD_LISTEN": "127.0.0.1:0"}
        for code, url in self.platforms.items():
            addresses[f"YRD_REGIONS__{code}__BASE_URL"] = url
            addresses[f"YRD_WITNESSES__{PROVINCES[code]}__URL"] = f"{url}/witness"
        gateway = self._start("gateway", ("serve", *data, "--migrate", FOLLOW), addresses)
        self.gateway = self._await(gateway)
        self.say(f"网关已启动:{self.gateway}(gRPC,双向 TLS)")

    def close(self) -> None:
        """End everything: the gateway first, so that it can finish what it has begun."""
        for process in reversed(self.processes):
            if process.popen.poll() is None:
                process.popen.terminate()
            try:
                process.popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
            for stream in (process.popen.stdin, process.popen.stdout):
                if stream is not None:
                    stream.close()
        self.processes.clear()

    def check(self) -> None:
        """Raises HouseFailed if a process has ended by itself."""
        for process in self.processes:
            if process.popen.poll() is not None:
                raise HouseFailed(_obituary(process))

    def _start(
        self, name: str, arguments: Sequence[str], extra: Mapping[str, str] | None = None
    ) -> Process:
        log = self.place.logs / f"{name}.stderr"
        with log.open("ab") as stderr, _signals_held():
            popen = subprocess.Popen(
                [sys.executable, "-P", "-m", "gateway", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_environment(extra or {}),
                text=True,
                encoding="utf-8",
                # Ctrl-C at the terminal reaches us alone; we then end the others in order.
                start_new_session=True,
            )
            process = Process(name, popen, log)
            self.processes.append(process)
        return process

    def _await(self, process: Process) -> str:
        """The address it announces. Raises HouseFailed."""
        line = _read_line(process.popen.stdout, START_S)
        if not line.startswith(READY):
            process.popen.kill()
            process.popen.wait()
            raise HouseFailed(_obituary(process))
        process.address = line.removeprefix(READY).strip()
        return process.address


@contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block: no child is born unnoticed.

    A blocked mask would do as well, but children would inherit it and never hear SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: signal.signal(n, lambda number, _: held.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for caught in held:
            os.kill(os.getpid(), caught)


def _read_line(stream: IO[str] | None, timeout_s: float) -> str:
    """The next line, or "" if the stream ends or the time is over."""
    if stream is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(timeout_s) else ""


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours, with the sources on the path whichever way we were started ourselves."""
    sources = [str(HOME), str(HOME / "protos")]
    inherited = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    path = os.pathsep.join([*sources, *(p for p in inherited if p not in sources)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", **extra}


def _obituary(process: Process) -> str:
    wrote = process.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:]
    tail = "\n".join(f"    {line}" for line in wrote) or "    (没有输出)"
    return f"进程 {process.name} 未能运行(退出码 {process.popen.poll()}),最后输出:\n{tail}"
