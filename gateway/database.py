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
        raise ValueError(f"应为文件路径,或 {_FORM}")
    if "://" not in value:
        return Path(value)
    parts = urlsplit(value)
    if parts.scheme != DRIVER:
        raise ValueError(f"不支持 {parts.scheme}:请写 {_FORM}")
    if parts.password is not None or "password=" in parts.query:
        raise ValueError("URL 中不能写密码:请用 database_password_file 指明密码文件")
    if not parts.path.strip("/"):
        raise ValueError(f"URL 中没有数据库名:{_FORM}")
    return Postgresql(value)


def with_password(database: Database, file: Path) -> Postgresql:
    """The same database with the password of this file. Raises OSError, ValueError."""
    if isinstance(database, Path):
        raise ValueError("database_password_file 只用于 PostgreSQL,不用于文件路径")
    password = file.read_text(encoding="utf-8").strip()
    if not password:
        raise ValueError(f"密码文件 {file} 是空的")
    return replace(database, password=password)


def as_user(database: Postgresql, user: str, password_file: Path | None) -> Postgresql:
    """The same database for another user. Raises OSError, ValueError."""
    parts = urlsplit(database.url)
    host = parts.netloc.rpartition("@")[2]
    other = Postgresql(parts._replace(netloc=f"{quote(user, safe='')}@{host}").geturl())
    return other if password_file is None else with_password(other, password_file)
