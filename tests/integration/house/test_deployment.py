"""The Dockerfile's steps without an engine: built into a prefix, run by a user with no rights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[3]
NOBODY = 65534

pytestmark = pytest.mark.timeout(300)


def python_for_everybody() -> str:
    """An interpreter that any user of this machine can start, as the image's is."""
    probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    places = [sys.base_prefix, "/usr", "/usr/local"]
    for python in (f"{place}/bin/python3" for place in places):
        try:
            tried = subprocess.run([python, "-c", probe], user=user(), timeout=20)
        except OSError:
            continue
        if tried.returncode == 0:
            return python
    raise AssertionError("no Python 3.11 with venv outside a private home folder")


def user() -> int | None:
    """Nobody, where we may become nobody; else whoever runs the tests."""
    return NOBODY if os.getuid() == 0 else None


@pytest.fixture(scope="module")
def prefix() -> Iterator[Path]:
    """A built prefix that everybody may read and nobody may write."""
    place = Path(tempfile.mkdtemp(prefix="yrd-image-"))
    subprocess.run(
        ["sh", HOME / "deploy" / "build.sh", place],
        env={**os.environ, "YRD_PYTHON": python_for_everybody()},
        check=True,
        timeout=240,
    )
    for path in [place, *place.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222 | 0o044 | (0o011 if path.is_dir() else 0))
    yield place
    shutil.rmtree(place, onerror=lambda _f, name, _e: _unlock_and_remove(Path(name)))


def _unlock_and_remove(path: Path) -> None:
    """Remove what a read-only folder protects."""
    path.parent.chmod(0o755)
    if path.is_dir():
        path.chmod(0o755)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def run_as_nobody(prefix: Path, *arguments: str, tmp: Path) -> subprocess.CompletedProcess[str]:
    """Start the entrypoint as the image does: not root, no home, one folder to write to."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": str(tmp)}
    return subprocess.run(
        [prefix / "yrd", *arguments],
        cwd="/",
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        user=user(),
        group=user(),
        extra_groups=None if user() is None else [],
    )


@pytest.fixture
def writable() -> Iterator[Path]:
    """The container's tmpfs."""
    with tempfile.TemporaryDirectory(prefix="yrd-tmpfs-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_the_prefix_holds_what_runs_and_nothing_else(prefix: Path) -> None:
    assert {p.name for p in prefix.iterdir()} == {"app", "venv", "yrd"}
    deployed = {p.name for p in (prefix / "app").iterdir()} - {"__pycache__"}
    assert deployed <= {
        "yrd", "gateway", "adapters", "ledger", "protos", "examples", "tools", "requirements.lock",
        "LICENSE",
    }  # fmt: skip


def test_the_demo_holds_there_for_a_user_who_may_write_nothing(
    prefix: Path, writable: Path
) -> None:
    done = run_as_nobody(prefix, "demo", "--json", tmp=writable)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["verify"]["ok"] is True
