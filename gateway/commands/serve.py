"""`yrd serve`: the gateway's process, until SIGTERM or Ctrl-C, which drain it.

On a SQLite database the first process writes and further ones forward to it; each says which part
it plays, and when that changes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from gateway.bootstrap import Role
from gateway.bootstrap import serve as serve_until_told
from gateway.clock import SystemClock
from gateway.commands.refusal import explain
from gateway.commands.terminal import follow_stdin, kept, notes, stop
from gateway.config import ConfigError, Settings, load_settings
from gateway.demo.house import READY
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.rpc.forward_socket import UnsafeSocket
from gateway.store.errors import StoreRefused
from gateway.store.migrate import migrate_database

PORT_MAX = 65_535


def run(*, data: Path | None, init: bool, migrate: bool, follow: bool) -> None:
    """Serve a data directory. Ends the command with exit code 2 if it cannot be served."""
    if init and data is not None and not DataDir(data).settings.exists():
        create_data_dir(data, now=SystemClock().now(), random=SystemIds().salt)
        notes().print(f"已新建演示数据目录 {data}", markup=False)
    place = kept(data, command="serve")
    if follow:
        follow_stdin()
    try:
        settings = load_settings(place.settings)
        if migrate or init:
            _migrate(settings)
        _refuse_taken_port(settings.listen)
        asyncio.run(_serve(settings, place))
    except (ConfigError, StoreRefused, UnsafeSocket, OSError) as error:
        stop(explain(error) or str(error))
    finally:
        _forget(place)


def _migrate(settings: Settings) -> None:
    """A database that another process serves is at the present schema: it would not serve it."""
    try:
        migrate_database(settings.database)
    except StoreRefused as refused:
        if refused.reason != "DATABASE_IN_USE":
            raise


def _refuse_taken_port(listen: str) -> None:
    """gRPC would share a port with another server of ours; say so before anything is opened."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > PORT_MAX:
        stop(f"listen 应为 HOST:PORT(端口 0–{PORT_MAX}),写的是 {listen}。")
    if port == "0":
        return
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            stop(
                f"{listen} 无法监听({error.strerror})。可换一个端口:"
                f"YRD_LISTEN={host}:0 ./yrd serve …(0 表示任选空闲端口)"
            )


async def _serve(settings: Settings, place: DataDir) -> None:
    serving = _Serving(settings.listen.rpartition(":")[0], place)
    await serve_until_told(settings, announce=serving.announce, tell=serving.tell)


class _Serving:
    """What the command shows of its gateway: the address, and the part it plays."""

    def __init__(self, host: str, place: DataDir) -> None:
        self._host, self._place = host, place
        self._address = ""
        self._role: Role | None = None

    def announce(self, port: int) -> None:
        """It can be called."""
        self._address = f"{self._host}:{port}"
        self._write_address()
        print(f"{READY}{self._address}", flush=True)

    def tell(self, role: Role, owner_pid: str) -> None:
        """It plays this part from now on."""
        before, self._role = self._role, role
        notes().print(_words(before, role, owner_pid), markup=False, soft_wrap=True)
        self._write_address()

    def _write_address(self) -> None:
        """The commands of this directory go to the owner: it is there as long as any."""
        if not self._address or self._role is Role.FORWARDER:
            return
        # Written whole and then named, so that a reader never finds half an address.
        fresh = self._place.address.with_suffix(".new")
        fresh.write_text(f"{self._address} {os.getpid()}\n", encoding="ascii")
        fresh.replace(self._place.address)


def _words(before: Role | None, role: Role, owner_pid: str) -> str:
    if role is Role.OWNER:
        mine = f"写入进程(进程号 {owner_pid}):数据库由本进程写入,同一数据目录的其他网关向本进程转发"
        return f"角色变更:原写入进程已结束,本进程接替为{mine}。" if before else f"角色:{mine}。"
    if not owner_pid:
        return "角色:转发进程。写入进程尚未应答,请求将等待它就绪。"
    if before is None:
        return (
            f"角色:转发进程。数据库由进程 {owner_pid} 写入,本进程核验来者后向其转发;"
            "该进程结束后由一个转发进程接替。"
        )
    return f"写入进程已换为进程 {owner_pid},本进程继续转发。"


def _forget(place: DataDir) -> None:
    """Remove our own address, never that of another process which serves meanwhile."""
    try:
        written = place.address.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return
    if written[-1:] == [str(os.getpid())]:
        place.address.unlink(missing_ok=True)
