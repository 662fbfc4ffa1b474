"""./yrd lock: compiles the dependencies of pyproject.toml into the three lock files.

Every wheel's hash for every platform, and no registry's address: whoever installs says where from.
Versions already locked stay unless --upgrade names them: the files change only where one meant to.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
OPTIONS = ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
OPTIONS += ["--no-annotate", "--universal", "--python-version", "3.11", "--quiet"]


def main() -> int:
    """Compile the runtime lock, then its supersets: the extra `gm`, and the developers'."""
    parser = argparse.ArgumentParser(prog="yrd lock", description="Renew the lock files.")
    parser.add_argument(
        "--upgrade", metavar="PACKAGE", action="append", default=[], help="let this one move"
    )
    chosen = parser.parse_args()
    uv = [f"{Path(sys.executable).parent}/uv", "pip", "compile", "pyproject.toml", *OPTIONS]
    moves = [f"--upgrade-package={package}" for package in chosen.upgrade]
    subprocess.run([*uv, *moves, "-o", "requirements.lock"], cwd=HOME, check=True)
    extra = ["--extra", "gm", "-c", "requirements.lock", "-o", "requirements-gm.lock"]
    subprocess.run([*uv, *moves, *extra], cwd=HOME, check=True)
    superset = ["--group", "dev", "-c", "requirements.lock", "-o", "requirements-dev.lock"]
    subprocess.run([*uv, *moves, *superset], cwd=HOME, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
