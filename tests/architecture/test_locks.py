"""The lock files: every version hashed, no registry's address, the developers' lock a superset."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import HOME, text_files, where

LOCKS = [
    HOME / name for name in ("requirements.lock", "requirements-gm.lock", "requirements-dev.lock")
]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """Package → version."""
    return {name: version for name, version, _ in PIN.findall(lock.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("lock", LOCKS, ids=where)
def test_no_lock_file_holds_an_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index|--extra|--find|-f)\b", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=where)
def test_every_locked_package_has_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    unlocked = [
        block.split("==")[0]
        for block in re.split(r"\n(?=[a-z])", text)
        if "==" in block and "--hash=sha256:" not in block
    ]
    assert pins(lock)
    assert not unlocked


def test_what_developers_install_includes_what_the_service_runs_on() -> None:
    runtime, gm, dev = (pins(lock) for lock in LOCKS)
    assert runtime.items() <= gm.items() <= dev.items()


def test_no_other_kind_of_lock_lies_about() -> None:
    kinds = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock"}
    assert not [where(path) for path in text_files() if path.name in kinds]
