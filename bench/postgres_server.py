"""A PostgreSQL server of the bench's own: durable, on a Unix socket only, ended with the bench.

fsync, full page writes and synchronous commit are on, as in production; what differs from the
defaults is in SETTINGS, and holds for whoever is measured on it. It can be stopped and started
again under a preloaded library (bench/slow_fsync.py).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from bench.child import ChildFailed
from bench.postgres_programs import PATIENCE_S, unprivileged, usable
from gateway.database import Postgresql

SETTINGS = {
    "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
    "shared_buffers": "512MB", "max_wal_size": "4GB", "min_wal_size": "4GB",
    "max_connections": "100",
}  # fmt: skip
USER = "postgres"
_PR_SET_PDEATHSIG = 1


class Server:
    """Running from the beginning; use as a context manager."""

    def __init__(self, programs: Path) -> None:
        """Raises ChildFailed."""
        self.root = Path(tempfile.mkdtemp(prefix="yrd-bench-pg-"))
        """The socket's directory too."""
        self._process: subprocess.Popen[Any] | None = None
        self._as_user = unprivileged()
        try:
            self.programs = usable(programs, self.root, self._as_user)
            if self._as_user:
                os.chown(self.root, self._as_user["user"], self._as_user["group"])
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def url(self, database: str) -> Postgresql:
        return Postgresql(f"postgresql+psycopg://{USER}@/{database}?host={self.root}")

    def connect(self, database: str = USER) -> psycopg.Connection[Any]:
        """A connection in autocommit, for arranging and looking."""
        return psycopg.connect(
            host=str(self.root), dbname=database, user=USER, autocommit=True, connect_timeout=5
        )

    def create(self, name: str) -> Postgresql:
        """A new empty database that is fit for a ledger."""
        with self.connect() as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0"
                " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            )
        return self.url(name)

    def drop(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def run_in(self, segments: int) -> None:
        """A server that has run for a day recycles its segments of WAL; a fresh one fills 16 MB
        with zeros for each, which stops whoever commits for 50 ms. From here on there are this
        many to recycle (at most `min_wal_size`)."""
        with self.connect() as connection:
            while len(list((self._data / "pg_wal").iterdir())) < segments:
                connection.execute(
                    "SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()"
                )
            connection.execute("CHECKPOINT")

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Raises ChildFailed if it does not come up."""
        command = [
            str(self.programs / "postgres"), "-D", str(self._data), "-c", "listen_addresses=",
            "-c", f"unix_socket_directories={self.root}", "-c", "log_min_messages=fatal",
        ]  # fmt: skip
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                # Ctrl-C reaches the bench alone; it then ends the server.
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **self._as_user,
            )
        self._until_ready()

    def stop(self) -> None:
        """Everything on disk, in order: it starts again without recovery."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """It ends at once; what it holds goes."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(PATIENCE_S)
        shutil.rmtree(self.root)

    @property
    def _data(self) -> Path:
        return self.root / "data"

    @property
    def _log(self) -> Path:
        return self.root / "server.log"

    def _initialise(self) -> None:
        command = [
            str(self.programs / "initdb"), "-D", str(self._data), "-U", USER, "-A", "trust",
            "-E", "UTF8", "--no-locale",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=self.root, capture_output=True, timeout=PATIENCE_S, check=False,
            **self._as_user,
        )  # fmt: skip
        if done.returncode:
            raise ChildFailed(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")

    def _until_ready(self) -> None:
        over = time.monotonic() + PATIENCE_S
        while self._process is not None and self._process.poll() is None:
            with suppress(psycopg.OperationalError):
                self.connect().close()
                return
            if time.monotonic() > over:
                break
            time.sleep(0.02)
        wrote = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        raise ChildFailed("\n".join(["PostgreSQL did not come up; it wrote:", *wrote]))


def _die_with_parent() -> None:
    """If the bench is killed, so is the server (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
