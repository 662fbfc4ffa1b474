"""`yrd serve`: the gateway's process, until SIGTERM or Ctrl-C, which drain it."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from gateway.bootstrap import serve as serve_until_told
from gateway.clock import SystemClock
from gateway.commands.terminal import follow_stdin, kept, notes, stop
from gateway.config import ConfigError, Settings, load_settings
from gateway.demo.house import READY
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
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
            migrate_database(settings.database)
        _refuse_taken_port(settings.listen)
        asyncio.run(_serve(settings, place))
    except (ConfigError, StoreRefused, OSError) as error:
        stop(str(error))
    finally:
        _forget(place)


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
    host = settings.listen.rpartition(":")[0]

    def announce(port: int) -> None:
        address = f"{host}:{port}"
        # Written whole and then named, so that a reader never finds half an address.
        fresh = place.address.with_suffix(".new")
        fresh.write_text(f"{address} {os.getpid()}\n", encoding="ascii")
        fresh.replace(place.address)
        print(f"{READY}{address}", flush=True)

    await serve_until_told(settings, announce=announce)


def _forget(place: DataDir) -> None:
    """Remove our own address, never that of another process which serves meanwhile."""
    try:
        written = place.address.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return
    if written[-1:] == [str(os.getpid())]:
        place.address.unlink(missing_ok=True)
