"""./yrd: one sh script that any machine with Python can start, from anywhere, twice at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[3]
ECHO = '#!/bin/sh\necho "$PYTHONPATH $*"\n'
"""Stands where Python would: says what it was asked to run."""


def clean_environment() -> dict[str, str]:
    """What a newcomer's shell has: no path of ours, but the machine's own settings for pip."""
    return {k: v for k, v in os.environ.items() if k in ("PATH", "HOME") or k.startswith("PIP_")}


def start(script: Path, *arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a bounded wait."""
    return subprocess.run(
        [script, *arguments],
        cwd=cwd,
        env={**clean_environment(), **env},
        capture_output=True,
        text=True,
        timeout=55,
    )


@pytest.fixture
def warm(tmp_path: Path) -> Path:
    """An environment that the script takes for installed."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(ECHO)
    python.chmod(0o755)
    for lock in ("requirements.lock", "requirements-dev.lock"):
        shutil.copyfile(HOME / lock, venv / f"installed-{lock}")
    return venv


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout with the real script and installer, an empty lock and a one-line gateway."""
    home = tmp_path / "a checkout"
    (home / "gateway").mkdir(parents=True)
    (home / "gateway" / "__main__.py").write_text("import sys\nprint('started', *sys.argv[1:])\n")
    shutil.copy(HOME / "yrd", home / "yrd")
    (home / "tools").mkdir()
    shutil.copy(HOME / "tools" / "provision.py", home / "tools" / "provision.py")
    (home / "requirements.lock").write_text("# nothing to install\n")
    yield home


def test_it_runs_the_gateway_from_any_directory(warm: Path, tmp_path: Path) -> None:
    done = start(HOME / "yrd", "settle", "a b.json", cwd=tmp_path, YRD_VENV=str(warm))
    assert done.stdout == f"{HOME}:{HOME}/protos -P -m gateway settle a b.json\n"
    assert done.stderr == ""


def test_it_finds_its_home_through_symbolic_links(warm: Path, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(HOME / "yrd")
    (tmp_path / "two").symlink_to("one")
    done = start(tmp_path / "two", "demo", cwd=tmp_path, YRD_VENV=str(warm))
    assert done.stdout == f"{HOME}:{HOME}/protos -P -m gateway demo\n"


def test_the_callers_own_python_path_comes_last(warm: Path, tmp_path: Path) -> None:
    done = start(HOME / "yrd", cwd=tmp_path, YRD_VENV=str(warm), PYTHONPATH="/theirs")
    assert done.stdout == f"{HOME}:{HOME}/protos:/theirs -P -m gateway\n"


@pytest.mark.parametrize("command", ["check", "test", "generate", "lock"])
def test_commands_for_developers_run_the_tools(warm: Path, tmp_path: Path, command: str) -> None:
    done = start(HOME / "yrd", command, "--help", cwd=tmp_path, YRD_VENV=str(warm))
    assert done.stdout.endswith(f"-P -m tools.{command} --help\n")


def test_without_a_python_it_says_what_to_install(tmp_path: Path) -> None:
    venv = tmp_path / "none"
    done = start(HOME / "yrd", "demo", cwd=tmp_path, YRD_VENV=str(venv), YRD_PYTHON="/no/python3")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not venv.exists()


def test_a_first_start_installs_and_keeps_stdout_for_the_command(checkout: Path) -> None:
    done = start(checkout / "yrd", "demo", "--json", cwd=checkout.parent)
    assert (done.returncode, done.stdout) == (0, "started demo --json\n"), done.stderr
    assert "installing" in done.stderr
    again = start(checkout / "yrd", "demo", cwd=checkout.parent)
    assert (again.returncode, again.stdout, again.stderr) == (0, "started demo\n", "")


def test_two_first_starts_at_once_install_once(checkout: Path) -> None:
    both = [
        subprocess.Popen(
            [checkout / "yrd"],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=55) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert [out for out, _ in said] == [b"started\n"] * 2
    assert sum(err.count(b"installing") for _, err in said) == 1


def test_a_half_made_environment_is_mended(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to("/gone/python3")
    (venv / "pyvenv.cfg").write_text("home = /gone\n")
    done = start(checkout / "yrd", "verify", cwd=checkout)
    assert (done.returncode, done.stdout) == (0, "started verify\n"), done.stderr


def test_a_changed_lock_is_installed_before_the_command_runs(checkout: Path) -> None:
    start(checkout / "yrd", cwd=checkout)
    (checkout / "requirements.lock").write_text("# still nothing\n")
    done = start(checkout / "yrd", cwd=checkout)
    assert "installing" in done.stderr
    stamp = checkout / ".venv" / "installed-requirements.lock"
    assert stamp.read_text() == "# still nothing\n"
