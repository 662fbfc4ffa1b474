"""`yrd migrate`: bring the database of a data directory to the present schema."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.terminal import kept, output, stop
from gateway.config import ConfigError, load_settings
from gateway.store.errors import StoreRefused
from gateway.store.migrate import migrate_database


def run(*, data: Path | None) -> None:
    """Upgrade, or say why not."""
    place = kept(data, command="migrate")
    try:
        settings = load_settings(place.settings)
        revision = migrate_database(settings.database)
    except (ConfigError, StoreRefused) as error:
        stop(str(error))
    output().print(f"{settings.database}:已是版本 {revision}", markup=False)
