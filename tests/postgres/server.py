"""PostgreSQL servers of our own: started for a run, on Unix sockets only, killed with it.

Programs come from where bench/postgres_programs.py looks for them; versions 15 and 18 where they
are found, else any that we serve. None found is a failure, never a silence.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import chain, count
from pathlib import Path
from typing import Any

import psycopg

from bench.postgres_programs import OLDEST, places, unprivileged, usable, version_of
from gateway.database import Postgresql
from gateway.store.migrate import migrate_database

WANTED = ("15", "18")
EMPTY, MIGRATED = "template0", "yrd_template"
_START_S = 30
_PR_SET_PDEATHSIG = 1


class Server:
    """One running server. `kill` and `start` may alternate; `remove` ends it for good."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="yrdpg-"))
        self._as_user = unprivileged()
        self._numbers = count(1)
        self._durable = durable
        self._process: subprocess.Popen[Any] | None = None
        self._programs = usable(programs, self._root, self._as_user)
        if self._as_user:
            os.chown(self._root, self._as_user["user"], self._as_user["group"])
        initdb = [self._programs / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust"]
        self._run(*initdb, "-E", "UTF8", "--no-locale", "--no-sync")
        self.start()

    @property
    def _data(self) -> Path:
        return self._root / "data"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str, user: str = "postgres") -> Postgresql:
        return Postgresql(f"postgresql+psycopg://{user}@/{database}?host={self._root}")

    def connect(
        self, database: str = "postgres", user: str = "postgres"
    ) -> psycopg.Connection[Any]:
        """A connection in autocommit, for arranging and looking."""
        return psycopg.connect(
            host=str(self._root), dbname=database, user=user, autocommit=True, connect_timeout=5
        )

    def create(self, template: str = MIGRATED) -> Postgresql:
        """A new database; by default one with the present schema in it."""
        name = f"t{next(self._numbers)}"
        how = "" if template == MIGRATED else " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        with self.connect() as connection:
            if template == MIGRATED:
                self._migrated(connection)
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}{how}")
        return self.url(name)

    def drop(self, database: Postgresql) -> None:
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {database.name} WITH (FORCE)")

    def start(self) -> None:
        safe = "on" if self._durable else "off"
        settings = {
            "listen_addresses": "", "unix_socket_directories": str(self._root), "fsync": safe,
            "full_page_writes": safe, "max_connections": "100", "shared_buffers": "64MB",
            "logging_collector": "off", "log_min_messages": "fatal",
        }  # fmt: skip
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        with (self._root / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=_die_with_parent, **self._as_user
            )
        self._until_ready()

    def kill(self) -> None:
        """As a power failure would: at once, every connection with it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_START_S)

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._root)

    def _migrated(self, connection: psycopg.Connection[Any]) -> None:
        known = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(known, (MIGRATED,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {MIGRATED} TEMPLATE template0")
            migrate_database(self.url(MIGRATED))

    def _until_ready(self) -> None:
        assert self._process is not None
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self.connect().close()
                return
            time.sleep(0.02)
            if self._process.poll() is not None:
                raise AssertionError((self._root / "server.log").read_text())

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self._root,
            capture_output=True,
            timeout=_START_S,
            **self._as_user,
        )
        assert done.returncode == 0, done.stderr.decode()


def programs() -> dict[str, Path]:
    """Version → bin directory, of those the tests run on. Raises where there is none."""
    found: dict[str, Path] = {}
    for directory in chain.from_iterable(places()):
        version = version_of(directory)
        if version:
            found.setdefault(version, directory)
    wanted = {version: found[version] for version in WANTED if version in found}
    served = {version: at for version, at in found.items() if int(version) >= OLDEST}
    if not served:
        raise RuntimeError("no PostgreSQL: set YRD_PG_BIN or install postgresql-15 or newer")
    return wanted or dict([max(served.items(), key=lambda item: int(item[0]))])


@functools.cache
def shared(version: str) -> Server:
    """The run's one server of this version; it ends with the run."""
    server = Server(programs()[version])
    atexit.register(server.remove)
    return server


def _die_with_parent() -> None:
    """If the tests are killed, so is the server (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
