"""`yrd migrate`: bring the database of a data directory to the present schema."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.terminal import kept, output, stop
from gateway.config import ConfigError, Settings, load_settings
from gateway.database import Database, Postgresql, as_user
from gateway.store.migrate import migrate_database


def run(*, data: Path | None, owner: str | None, password_file: Path | None, grant_to: str) -> None:
    """Upgrade, or say why not."""
    place = kept(data, command="migrate")
    try:
        database = _database(load_settings(place.settings), owner, password_file)
    except ConfigError as error:
        stop(str(error))
    except (OSError, ValueError) as error:
        stop(f"--owner/--password-file:{error}")
    revision = migrate_database(database, grant_to=grant_to)
    output().print(f"{database}:已是版本 {revision}", markup=False)


def _database(settings: Settings, owner: str | None, password_file: Path | None) -> Database:
    """The gateway's database, as the one who owns its tables."""
    if owner is None and password_file is None:
        return settings.database
    if not isinstance(settings.database, Postgresql):
        raise ValueError("SQLite 没有数据库用户")
    if owner is None:
        raise ValueError("--password-file 需要与 --owner 同用")
    return as_user(settings.database, owner, password_file)
