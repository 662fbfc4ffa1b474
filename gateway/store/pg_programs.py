"""pg_dump 与 pg_restore: PostgreSQL's own programs, found, chosen and run for one database.

Looked for in $YRD_PG_BIN (a directory, or several) and on the PATH; a program older than the server
is refused, of the others the oldest is taken: a newer one may say what an older server does not
understand. What connects is in the environment of the child, so that no password stands on a
command line. Children end with the call, whatever ends it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, make_url

from gateway.database import Postgresql
from gateway.store.errors import StoreRefused

_VERSION_S = 20
_TAIL = 2_000
"""Characters of a program's last words that an error shows."""
_FROM_QUERY = {
    "host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "passfile": "PGPASSFILE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}  # fmt: skip

Heard = Callable[[str], None]
"""One line of what a program says while it works."""


@dataclass(frozen=True, slots=True)
class Programs:
    """pg_dump and pg_restore of one version, for one database."""

    directory: Path
    version: int
    """Major."""
    database: Postgresql

    def run(self, name: str, *words: str, heard: Heard | None = None) -> str:
        """What it wrote to standard output; its other words go to `heard`. Raises StoreRefused if
        it fails, with its own last words."""
        command = [str(self.directory / name), *words]
        said: list[str] = []
        # Both pipes are read to their end one after the other only where stdout cannot fill up.
        with subprocess.Popen(
            command,
            env=environment(self.database),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if heard else subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as child:
            try:
                if heard is not None and child.stderr is not None:
                    for line in child.stderr:
                        said.append(line)
                        heard(line)
                out, err = child.communicate()
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            words_last = ("".join(said) + (err or ""))[-_TAIL:].strip()
            raise StoreRefused(
                "PG_PROGRAM_FAILED",
                f"{name}({self.version})失败,退出码 {child.returncode}:{words_last}",
            )
        return out or ""


def find_programs(
    connection: Connection, database: Postgresql, places: Sequence[Path] = ()
) -> Programs:
    """For the server of this connection. Raises StoreRefused, saying what was found."""
    number = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    server = int(number) // 10_000
    found: dict[int, Path] = {}
    for place in places or _places():
        version = _version(place / "pg_dump")
        if version is not None:
            found.setdefault(version, place)
    fit = [version for version in found if version >= server]
    if not fit:
        there = "、".join(f"{at}({v})" for v, at in sorted(found.items())) or "没有"
        raise StoreRefused(
            "PG_DUMP_MISSING",
            f"需要不旧于服务器(PostgreSQL {server})的 pg_dump 与 pg_restore;找到的:{there}。"
            "请安装 postgresql-client,或用 YRD_PG_BIN 指明所在目录。",
        )
    return Programs(found[min(fit)], min(fit), database)


def environment(database: Postgresql) -> dict[str, str]:
    """Ours, with what these programs connect by. Raises StoreRefused for what has no variable."""
    url = make_url(database.url)
    told = {name: str(value) for name, value in url.query.items()}
    unknown = sorted(told.keys() - _FROM_QUERY.keys())
    if unknown:
        raise StoreRefused(
            "DATABASE_URL", f"数据库地址中的 {'、'.join(unknown)} 无法告知 pg_dump:请改用标准参数。"
        )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    made = {_FROM_QUERY[name]: value for name, value in told.items()}
    for name, value in (
        ("PGHOST", url.host),
        ("PGPORT", url.port),
        ("PGUSER", url.username),
        ("PGDATABASE", url.database),
        ("PGPASSWORD", database.password),
        ("PGPASSFILE", os.environ.get("PGPASSFILE")),
    ):
        if value is not None:
            made.setdefault(name, str(value))
    # Its words are read, not only shown.
    return kept | made | {"LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}


def _places() -> Iterator[Path]:
    for name in ("YRD_PG_BIN", "PATH"):
        for place in os.environ.get(name, "").split(os.pathsep):
            if place and (Path(place) / "pg_dump").exists():
                yield Path(place)


def _version(program: Path) -> int | None:
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, timeout=_VERSION_S, check=False
        ).stdout.decode("utf-8", "replace")
    except OSError:
        return None
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(number[1]) if number else None
