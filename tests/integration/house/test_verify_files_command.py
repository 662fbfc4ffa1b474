"""`yrd verify` and the published files, as an operator types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config import load_settings
from gateway.store.engine import read_engine, write_engine
from gateway.store.log_key import known_log_keys
from gateway.store.tile_mirror import TileMirror
from ledger.leaf import Leaf
from ledger.publish import sign_checkpoint
from ledger.store import append_leaf
from tests.integration.house.command import yrd


@pytest.fixture
def published(data: Path) -> Path:
    """Three leaves of evidence, signed and published where the settings say."""
    settings = load_settings(data / "yrd.toml")
    (key,) = known_log_keys(data / "keys")
    engine = write_engine(settings.database)
    with engine.begin() as connection:
        for number in range(3):
            leaf = Leaf(type="receipt.issued", entry_id=f"r{number}", commitment="a" * 64)
            append_leaf(connection, leaf)
        sign_checkpoint(connection, key.signer, at=SystemClock().now())
    engine.dispose()
    reader = read_engine(settings.database)
    TileMirror(reader, settings.tiles_dir, entries=settings.entries_dir).write()
    reader.dispose()
    return settings.tiles_dir


def findings(data: Path, *more: str | Path) -> tuple[int, list[dict[str, str]]]:
    """Exit code, and what was found wrong with files."""
    code, said = yrd("verify", "--data", data, "--json", *more)
    return code, [p for p in json.loads(said)["problems"] if p["in"] == "files"]


def test_files_of_the_settings_are_compared_without_being_asked_for(
    data: Path, published: Path
) -> None:
    code, said = yrd("verify", "--data", data)
    assert "✓ 已发布的文件" in said and "条目包 1" in said
    tile = published / "tile" / "0" / "000.p" / "3"
    tile.write_bytes(tile.read_bytes()[:-1])
    code, (problem,) = findings(data)
    assert code == 1
    assert (problem["code"], problem["where"]) == ("FILE_TRUNCATED", str(tile))
    assert problem["what_zh"] and problem["do_zh"]
    code, said = yrd("verify", "--data", data)
    assert code == 1 and "被截断 [FILE_TRUNCATED]" in said


def test_another_directory_can_be_named(data: Path, published: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(published, mirror)
    assert findings(data, "--tiles", mirror)[1] == []
    (mirror / "tile" / "0" / "000.p" / "3").unlink()
    assert [p["code"] for p in findings(data, "--tiles", mirror)[1]] == ["FILE_MISSING"]
    code, said = yrd("verify", "--data", data, "--tiles", tmp_path / "nowhere")
    assert code == 2 and "不是目录" in said
