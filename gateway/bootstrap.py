"""The composition root: one gateway process, and which part it plays.

With PostgreSQL, and as the first process on a SQLite database, it owns what it serves: it opens the
store and runs the workers (gateway/owner.py). Further processes on the same SQLite database check
who calls and forward to the owner; when that is gone one of them takes its place, on the port where
it is listening already. Who owns is decided by the kernel's lock alone, taken before anything is
opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.config import Environment, Settings
from gateway.domain.person import IdMode
from gateway.ids import SystemIds
from gateway.journeys.laps import unobserved
from gateway.owner import Owner
from gateway.participants import load_institutions
from gateway.ports import Observe
from gateway.rpc.forward_link import OwnerLink
from gateway.rpc.forward_socket import SUFFIX, SocketFolder
from gateway.rpc.server import RpcServer
from gateway.rpc.tls import TlsFiles
from gateway.sm2_log import tell_sm2
from gateway.store.lock import WriterLock, holder
from gateway.store.open_store import refuse_missing
from gateway.telemetry import Logger, configure
from gateway.watched_files import FileWatch

__all__ = ["Gateway", "Role", "freeze_what_stays", "serve"]

LOOK_S = 0.2
"""Pause between two looks whether the owner is still there."""
FIRST_LOOK_S = 5.0
"""Longest wait for an owner that is only just starting itself."""


class Role(Enum):
    """Which part a process plays on a SQLite database."""

    OWNER = "owner"
    """写入进程: it holds the lock, writes, and works for the others."""
    FORWARDER = "forwarder"
    """转发进程: it checks who calls and asks the owner."""


Tell = Callable[[Role, str], None]
"""Told the role at the start and at each change, with the owner's process number."""


def tell_nobody(role: Role, owner_pid: str) -> None:
    """For whoever does not show it."""


class Gateway:
    """One gateway process. start() → port; stop() drains and closes; exactly once each."""

    def __init__(
        self,
        settings: Settings,
        *,
        logger: Logger,
        observe: Observe = unobserved,
        tell: Tell = tell_nobody,
    ) -> None:
        """Raises ConfigError; nothing is open or listening yet."""
        self._settings, self._logger, self._observe, self._tell = settings, logger, observe, tell
        self._clock = SystemClock()
        self._institutions = load_institutions(settings.participants)
        self._files = FileWatch(self._clock.monotonic, logger)
        self._server = self._make_server()
        self._owner = Owner(
            settings,
            institutions=self._institutions,
            clock=self._clock,
            logger=logger,
            observe=observe,
            files=self._files,
        )
        self._lock: WriterLock | None = None
        self._folder: SocketFolder | None = None
        self._link: OwnerLink | None = None
        self._ending = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Take the part that is free, serve; answers the port. Raises StoreRefused, OSError."""
        database = self._settings.database
        lock = None
        if isinstance(database, Path):
            refuse_missing(database)
            self._folder = SocketFolder(database)
            lock = WriterLock.attempt(database)
            if lock is None:
                await self._forward(database, self._folder)
                return await self._server.start()
        self._own(lock)
        port = await self._server.start()
        await self._work()
        return port

    async def until(self, told: asyncio.Event) -> None:
        """Serve until told. Raises what kept this process from taking the owner's place."""
        waiting = asyncio.create_task(told.wait())
        tasks: set[asyncio.Task[Any]] = {waiting}
        if self._watch is not None:
            tasks.add(self._watch)
        try:
            while not waiting.done():
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            waiting.cancel()

    def look_at_files(self) -> None:
        """Read keys and certificates again where they were replaced, without waiting a second."""
        self._files.look()

    async def stop(self) -> None:
        """Refuse new calls, finish running ones, stop what else runs, close."""
        self._ending.set()
        if self._watch is not None:
            await asyncio.wait({self._watch})
        if self._lock is not None:
            # Nobody goes on asking a process that is about to end.
            self._lock.announce("")
        await self._server.stop(self._settings.drain_ms / 1000)
        await self._owner.stop()
        if self._link is not None:
            await self._link.close()
        if self._folder is not None:
            self._folder.close()

    def _own(self, lock: WriterLock | None) -> None:
        """Open the store and answer. Raises StoreRefused."""
        self._server.answer(*self._owner.open(lock))
        self._lock = lock

    async def _work(self) -> None:
        """Begin what goes on without a caller, and let other processes ask us."""
        await self._owner.start()
        if self._lock is None or self._folder is None:
            return
        self._folder.clear()
        name = f"owner-{os.getpid()}-{self._clock.now():%H%M%S%f}{SUFFIX}"
        await self._server.open_inside(self._folder, name)
        self._lock.announce(name)
        self._say(Role.OWNER, str(os.getpid()))

    async def _forward(self, database: Path, folder: SocketFolder) -> None:
        """Let the owner answer; until it is found, or for a while."""
        link = self._link = OwnerLink(
            folder=folder, socket=lambda: holder(database).socket, logger=self._logger
        )
        self._server.forward(link)
        self._watch = asyncio.create_task(self._until_free(database, link), name="owner-watch")
        if await link.line(FIRST_LOOK_S) is None:
            self._say(Role.FORWARDER, "")

    async def _until_free(self, database: Path, link: OwnerLink) -> None:
        """Follow the owner, whoever it is, until the lock is free; then take its place."""
        trouble = ""
        while not self._ending.is_set():
            try:
                lock = WriterLock.attempt(database)
                changed = lock is None and await link.look()
            except OSError as error:
                # E.g. no descriptor is free: it passes, and the owner is there meanwhile.
                if trouble != str(error):
                    self._logger.error("owner_watch_failed", error_type=type(error).__name__)
                trouble, lock, changed = str(error), None, False
            if lock is not None:
                await self._take_over(lock, link)
                return
            if changed:
                self._say(Role.FORWARDER, holder(database).pid)
                await self._server.probe()
            await self._pause()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), timeout=LOOK_S)

    async def _take_over(self, lock: WriterLock, link: OwnerLink) -> None:
        began = self._clock.monotonic()
        try:
            self._own(lock)
            await self._work()
        except Exception as error:
            self._logger.error("taking_over_failed", exc_info=error)
            raise
        await self._server.probe()
        # Calls that wait for an owner, or were lost with the last one, find us on our own socket.
        while not await link.look() and not self._ending.is_set():
            await self._pause()
        freeze_what_stays()
        took_ms = int((self._clock.monotonic() - began) * 1000)
        self._logger.info("took_over", duration_ms=took_ms)

    def _say(self, role: Role, owner_pid: str) -> None:
        self._logger.info("role", state=role.value)
        self._tell(role, owner_pid)

    def _make_server(self) -> RpcServer:
        settings = self._settings
        production = settings.environment is Environment.PRODUCTION
        return RpcServer(
            listen=settings.listen,
            tls=_tls_files(settings),
            plaintext=settings.plaintext,
            institutions=self._institutions,
            id_mode=IdMode.PRODUCTION if production else IdMode.DEMO,
            clock=self._clock,
            make_request_id=SystemIds(self._clock.now).request_id,
            logger=self._logger,
            observe=self._observe,
            files=self._files,
        )


async def serve(
    settings: Settings, *, announce: Callable[[int], None], tell: Tell = tell_nobody
) -> None:
    """Run until SIGINT or SIGTERM, then drain; SIGHUP looks at keys and certificates again.
    `announce` is told the port, `tell` the role."""
    logger = configure(now=SystemClock().now, path=settings.log_file)
    tell_sm2(logger)
    gateway = Gateway(settings, logger=logger, tell=tell)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    # At a terminal SIGHUP says that it was closed; to a service, that files were replaced.
    hung_up = stopping.set if os.isatty(0) else gateway.look_at_files
    loop.add_signal_handler(signal.SIGHUP, hung_up)
    try:
        port = await gateway.start()
        freeze_what_stays()
        announce(port)
        await gateway.until(stopping)
    finally:
        await gateway.stop()


def freeze_what_stays() -> None:
    """Take what was made at start out of the garbage collector's rounds: it lives as long as the
    process, and walking it stops every call for 0.1 s (docs/performance.md)."""
    gc.collect()
    gc.freeze()


def _tls_files(settings: Settings) -> TlsFiles | None:
    tls = settings.tls
    if tls is None or settings.plaintext:
        return None
    return TlsFiles(certificate=tls.certificate, key=tls.key, client_ca=tls.client_ca)
