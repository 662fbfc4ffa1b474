"""数据库: where the gateway's state lies: a SQLite file, or a PostgreSQL database by its URL.

A URL holds no password: that comes from a file, so that it never lies in settings, in an
environment or in a log. What connects is gateway/store/engine.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

DRIVER = "postgresql+psycopg"
_FORM = f"{DRIVER}://USER@HOST/NAME"


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A database of a PostgreSQL server."""

    url: str
    """Without a password."""
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """Of the database, without its server."""
        return urlsplit(self.url).path.lstrip("/")


Database = Path | Postgresql


def parse_database(value: object) -> Database:
    """A path, or `postgresql+psycopg://user@host:port/name`. Raises ValueError."""
    if isinstance(value, Postgresql | Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError(f"a path, or {_FORM}")
    if "://" not in value:
        return Path(value)
    parts = urlsplit(value)
    if parts.scheme != DRIVER:
        raise ValueError(f"{parts.scheme} is not served: write {_FORM}")
    if parts.password is not None or "password=" in parts.query:
        raise ValueError("no password in the URL: name a file in database_password_file")
    if not parts.path.strip("/"):
        raise ValueError(f"the URL names no database: {_FORM}")
    return Postgresql(value)


def with_password(database: Database, file: Path) -> Postgresql:
    """The same database with the password of this file. Raises OSError, ValueError."""
    if isinstance(database, Path):
        raise ValueError("database_password_file goes with a PostgreSQL URL, not with a path")
    password = file.read_text(encoding="utf-8").strip()
    if not password:
        raise ValueError(f"{file} is empty")
    return replace(database, password=password)


def as_user(database: Postgresql, user: str, password_file: Path | None) -> Postgresql:
    """The same database for another user. Raises OSError, ValueError."""
    parts = urlsplit(database.url)
    host = parts.netloc.rpartition("@")[2]
    other = Postgresql(parts._replace(netloc=f"{quote(user, safe='')}@{host}").geturl())
    return other if password_file is None else with_password(other, password_file)
