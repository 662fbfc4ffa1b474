"""Makes or mends the virtual environment and installs one lock file into it.

Run by ./yrd and deploy/build.sh with whatever Python ≥ 3.11 the machine has, before any dependency
exists: standard library only. Two starts at once are safe (a file lock), a half-made environment is
cleared and made anew, and the stamp is written last, so an interrupted installation is never taken
for a finished one. Prints progress only; the caller sends it to stderr.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
MUTEX = "provision.mutex"
"""File in the environment that the installing process holds locked."""
RUNTIME_LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"
"""Holds every line of RUNTIME_LOCK (tests/architecture/test_locks.py), so it satisfies both."""


@contextmanager
def only_one(venv: Path) -> Iterator[None]:
    """Hold the environment's mutex; the kernel frees it if we die."""
    venv.mkdir(parents=True, exist_ok=True)
    with (venv / MUTEX).open("w") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        yield


def is_whole(venv: Path) -> bool:
    """True if the environment's Python runs, is new enough and has pip."""
    python = venv / "bin" / "python"
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.run([python, "-c", probe], capture_output=True).returncode == 0
    except OSError:  # no such file, or a link to a Python that is gone
        return False


def make(venv: Path) -> None:
    """Make the environment from nothing, whatever a former try left behind."""
    for left_over in venv.iterdir():
        if left_over.name == MUTEX:
            continue
        if left_over.is_dir() and not left_over.is_symlink():
            shutil.rmtree(left_over)
        else:
            left_over.unlink()
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)


def install(venv: Path, lock: Path) -> None:
    """Install exactly what the lock names, wheels only: no compiler and no unlocked build tool."""
    options = ["-qq", "--no-input", "--disable-pip-version-check"]
    options += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    pip = [f"{venv}/bin/python", "-m", "pip", "install", *options, "-r", f"{lock}"]
    subprocess.run(pip, check=True)


def put_sources_on_path(venv: Path) -> None:
    """Let editors, mypy and a bare `.venv/bin/python` find the sources and the generated stubs."""
    for site_packages in venv.glob("lib/python*/site-packages"):
        (site_packages / "yrd-sources.pth").write_text(f"{HOME}\n{HOME / 'protos'}\n")


def stamp(venv: Path, lock: Path) -> None:
    """Record, last of all and in one step, that this lock is installed."""
    unfinished = venv / f"installed-{lock.name}.new"
    shutil.copyfile(lock, unfinished)
    unfinished.replace(venv / f"installed-{lock.name}")


def is_installed(venv: Path, lock: Path) -> bool:
    """True if the stamp is this lock's, byte for byte."""
    installed = venv / f"installed-{lock.name}"
    return installed.is_file() and installed.read_bytes() == lock.read_bytes()


def provision(venv: Path, lock: Path) -> None:
    """Bring the environment to the lock's state; does nothing if another process just did."""
    with only_one(venv):
        if not is_whole(venv):
            make(venv)
        elif is_installed(venv, lock):
            return
        packages = sum(1 for line in lock.read_text().splitlines() if "==" in line)
        print(f"yrd: installing {packages} locked packages into {venv} (once) …", flush=True)
        began = time.monotonic()
        install(venv, lock)
        put_sources_on_path(venv)
        stamp(venv, lock)
        if lock.name == DEV_LOCK:
            stamp(venv, lock.with_name(RUNTIME_LOCK))
        print(f"yrd: installed in {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Parse the two paths and provision; a failed step ends with what to do, not with a trace."""
    parser = argparse.ArgumentParser(description="Install a lock file into a virtual environment.")
    parser.add_argument("--venv", type=Path, required=True, help="the environment's directory")
    parser.add_argument("--lock", type=Path, required=True, help="a requirements file with hashes")
    wanted = parser.parse_args()
    os.environ.pop("PYTHONPATH", None)  # the caller's modules have no part in an installation
    try:
        provision(wanted.venv, wanted.lock)
    except OSError as refused:
        print(f"yrd: {wanted.venv} cannot be written: {refused.strerror}.")
        print("     Name another place with YRD_VENV, or run this once as a user who may write.")
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"yrd: the installation failed (exit {failed.returncode}); see above.")
        print(f"     It needs a package index for pip, and write access to {wanted.venv}.")
        print("     Run the same command again to continue; a half-made environment is mended.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
