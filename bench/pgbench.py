"""The baseline on PostgreSQL: pgbench, with the transactions that everybody knows.

TPC-B (`tpcb-like`: three updates, a query, an insert, a commit) at a scale not below the number of
clients, so that they do not queue for one branch (pgbench's manual, "Good Practices"); protocol and
everything else are pgbench's defaults. And one INSERT a transaction of a row like an entry's, with
its key and one index more: nothing can be recorded in less.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.child import ChildFailed
from bench.figures import quantiles
from bench.postgres_server import USER, Server

DATABASE = "pgbench"
THREADS = 2
_INIT_S = 600
_ROW = (
    "CREATE TABLE one_row (entry_id varchar(64) PRIMARY KEY, leaf_index bigint NOT NULL,"
    " debit varchar(160) NOT NULL, credit varchar(160) NOT NULL, amount_fen bigint NOT NULL,"
    " recorded_us bigint NOT NULL, body bytea NOT NULL)",
    "CREATE UNIQUE INDEX one_row_leaf ON one_row (leaf_index)",
)
_INSERT = rf"""
\set number random(1, 9000000000000000000)
\set amount random(100, 500000)
INSERT INTO one_row VALUES ('ent_0123456:number', :number, '330400/fund_expense/330400/pooled',
 '330400/payable/310000/pooled', :amount, 1795500000000000, '\x{"5a" * 300}');
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of pgbench came to."""

    per_s: float
    latency_us: dict[str, int]
    """{median, p99, count}; of every transaction."""


class Pgbench:
    """pgbench against one server."""

    def __init__(self, server: Server, program: Path, *, scale: int) -> None:
        """Fills its tables. Raises ChildFailed."""
        self._server, self._program, self.scale = server, program, scale
        server.create(DATABASE)
        self._call("-i", "-q", "-s", str(scale), patience_s=_INIT_S)
        with server.connect(DATABASE) as connection:
            for statement in _ROW:
                connection.execute(statement)
        self._script = server.root / "one_row.sql"
        self._script.write_text(_INSERT, encoding="ascii")

    def tpcb(self, clients: int, seconds: float) -> Run:
        """Raises ChildFailed."""
        return self._run(clients, seconds)

    def one_row(self, clients: int, seconds: float) -> Run:
        """Raises ChildFailed."""
        return self._run(clients, seconds, "-f", str(self._script))

    def _run(self, clients: int, seconds: float, *more: str) -> Run:
        logs = self._server.root / "transactions"
        logs.mkdir()
        try:
            said = self._call(
                "-n", "-c", str(clients), "-j", str(min(clients, THREADS)),
                "-T", str(max(1, round(seconds))), "-l", f"--log-prefix={logs / 't'}", *more,
                patience_s=seconds + 60,
            )  # fmt: skip
            took_us = [
                int(line.split(" ", 3)[2])
                for log in logs.iterdir()
                for line in log.read_text(encoding="ascii").splitlines()
            ]
        finally:
            shutil.rmtree(logs)
        found = re.search(r"tps = ([0-9.]+)", said)
        if found is None:
            raise ChildFailed(f"pgbench told no tps; it wrote:\n{said}")
        return Run(per_s=float(found[1]), latency_us=quantiles(took_us))

    def _call(self, *arguments: str, patience_s: float) -> str:
        command: list[Any] = [self._program, "-h", self._server.root, "-U", USER, *arguments]
        done = subprocess.run(
            [*map(str, command), DATABASE], capture_output=True, timeout=patience_s, check=False
        )
        if done.returncode:
            raise ChildFailed(f"pgbench failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode()


def find_pgbench(programs: Path) -> Path | None:
    """Beside the server's programs, else on the PATH."""
    beside = programs / "pgbench"
    if beside.exists():
        return beside
    found = shutil.which("pgbench")
    return Path(found) if found else None
