"""损坏: a data directory that cannot be served is refused in words, never with a traceback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.store.migrate import migrate_database
from tests.integration.demo.running import yrd

HEADER = 100
"""Bytes of SQLite's own header; the first page goes on behind it."""


def database(place: DataDir) -> Path:
    return place.root / "yrd.db"


def overwrite(place: DataDir, start: int, length: int) -> None:
    with database(place).open("r+b") as file:
        file.seek(start)
        file.write(Random(1).randbytes(length))


def truncate(place: DataDir) -> None:
    with database(place).open("r+b") as file:
        file.truncate(database(place).stat().st_size // 2)


DAMAGES: list[tuple[str, Callable[[DataDir], object], str]] = [
    ("no database", lambda p: database(p).write_bytes(b"hello" * 1000), "DATABASE_DAMAGED"),
    ("a torn header", lambda p: overwrite(p, HEADER, 3000), "DATABASE_DAMAGED"),
    ("half a file", truncate, "DATABASE_DAMAGED"),
    ("a checkpoint of other bytes", lambda p: p.checkpoint.write_bytes(b"\xff\xfe\x00"),
     "OUTSIDE_CHECKPOINT_INVALID"),
    ("a certificate that is none", lambda p: (p.tls / "server.pem").write_text("none"),
     "TLS_UNFIT"),
    ("settings with a hole", lambda p: p.settings.write_text('environment = "demo"'), "MISSING"),
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> DataDir:
    made = create_data_dir(tmp_path / "data", now=datetime.now(UTC), random=SystemIds().salt)
    migrate_database(database(made))
    return made


@pytest.mark.parametrize(("hurt", "reason"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_a_damaged_directory_is_refused_with_a_reason(
    place: DataDir, hurt: Callable[[DataDir], object], reason: str
) -> None:
    hurt(place)
    run = yrd("serve", "--data", place.root, YRD_LISTEN="127.0.0.1:0")
    assert run.returncode == 2
    assert f"[{reason}]" in run.stderr
    assert "Traceback" not in run.stderr
    assert not run.stdout, "nothing was announced"


def test_check_config_goes_on_past_a_damaged_database(place: DataDir) -> None:
    truncate(place)
    run = yrd("check-config", "--data", place.root, COLUMNS="300")
    assert run.returncode == 1
    assert "[DATABASE_DAMAGED]" in run.stdout
    assert "✓ 证书" in run.stdout and "Traceback" not in run.stderr
