"""Which gateway a command talks to: one that runs, or the whole system for the duration."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from gateway.clock import SystemClock
from gateway.commands.terminal import kept, stop
from gateway.counter.client import Counter, Credentials
from gateway.counter.receipts import read_vkey
from gateway.demo.house import House, HouseFailed
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds

REACH_S = 3
"""Seconds within which a gateway that is said to run must accept a connection."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the command line says about the gateway."""

    data: Path | None = None
    target: str = ""
    tls: Path | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """A gateway that can be called, and what its receipts are checked with."""

    address: str
    tls: Path
    vkey: str
    """Empty when nobody gave us the key."""
    receipts: Path

    def credentials(self, caller: str) -> Credentials:
        return Credentials.of(self.tls, caller)


@contextmanager
def reach(where: Where, say: Callable[[str], None]) -> Iterator[Reached]:
    """The named gateway; else the one that serves the data directory; else a house of our own."""
    with ExitStack() as stack:
        if where.target:
            yield _named(where)
            return
        place = _place(where, stack, say)
        vkey = _key(where.key or str(place.vkey))
        address = running(place)
        if address:
            say(f"使用正在运行的网关 {address}")
        else:
            say("没有正在运行的网关,临时启动整套系统(三地平台 + 网关),结束后自动停止")
            try:
                address = stack.enter_context(House(place, say)).gateway
            except HouseFailed as failed:
                stop(str(failed))
        yield Reached(address, where.tls or place.tls, vkey, place.receipts)


def _named(where: Where) -> Reached:
    if where.tls is None:
        stop("--target 需要 --tls DIR:其中有 ca.pem,以及本机构的 机构编号.pem 与 机构编号.key。")
    return Reached(where.target, where.tls, _key(where.key), Path("receipts"))


def _key(given: str) -> str:
    """The log's public key, or "" where none was given. Ends the command if it is none."""
    try:
        return read_vkey(given) if given else ""
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{given} 不是公钥,也不是可读的文件({error})。")


def _place(where: Where, stack: ExitStack, say: Callable[[str], None]) -> DataDir:
    data = where.data
    if data is None:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yrd-"))) / "data"
        say("未指定 --data:使用临时数据目录,结束后删除")
    place = DataDir(data.absolute())
    if place.settings.is_file():
        return place
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        stop(f"{data} 不是数据目录(没有 yrd.toml),也不是空目录。")
    return create_data_dir(place.root, now=SystemClock().now(), random=SystemIds().salt)


def caller_of(
    data: Path | None, caller: str, target: str, tls: Path | None, *, command: str
) -> tuple[str, Credentials]:
    """Address and certificate for a gateway that runs: `target`, or the one that serves `data`.
    Ends the command where there is none."""
    if target:
        if tls is None:
            stop("--target 需要 --tls DIR(ca.pem、机构编号.pem、机构编号.key)。")
        return target, Credentials.of(tls, caller)
    place = kept(data, command=command)
    address = running(place)
    if not address:
        stop(f"{place.root} 的网关没有运行;先在另一终端执行 ./yrd serve --data {place.root}。")
    return address, Credentials.of(tls or place.tls, caller)


def running(place: DataDir) -> str:
    """Address of the gateway that serves this directory, or "" if none answers."""
    try:
        address, pid = place.address.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return ""
    # The file outlives a process that was killed: only a connection proves that one is there.
    with Counter(address, Credentials.of(place.tls, "auditor")) as probe:
        try:
            grpc.channel_ready_future(probe.channel).result(timeout=REACH_S)
        except grpc.FutureTimeoutError:
            # Its process may live and refuse our certificate: the caller is then told so.
            return address if _lives(int(pid)) else ""
    return address


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
