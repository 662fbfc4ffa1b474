"""以盘上为准: which seed files count, the ones given or the ones that a state began with.

People are written into a state once, when it is empty; the files they came from are kept beside it
(DIR/sandbox/PROVINCE/seed), because institutions, catalogues and dictionaries are read from them at
every start. A set given for a state that has people already is not used: `ignored` says so.
`start_anew` forgets a state.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from adapters.sandbox.exchanges import ExchangeLog
from adapters.sandbox.seed_files import SeedFiles, own_files
from adapters.sandbox.state import State


class SeedChoice:
    """Of one platform, at one start. Raises BadSeed for a directory that cannot be used."""

    def __init__(self, province: str, state_dir: Path, given: Path | None) -> None:
        self._kept = _kept(province, state_dir)
        before = self._kept if self._kept.is_dir() else None
        self.ignored = given is not None and _has_people(province, state_dir)
        self._new = None if self.ignored else given
        self._names = [] if self._new is None else [path.name for path in own_files(self._new)]
        self.files = SeedFiles(province, self._new or before)

    def keep(self) -> None:
        """Beside the state, whole or not at all; before anybody is written into it."""
        if self._new is None:
            return
        fresh = self._kept.with_name("seed.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name in self._names:
            shutil.copyfile(self._new / name, fresh / name)
        shutil.rmtree(self._kept, ignore_errors=True)
        fresh.rename(self._kept)
        self.files = SeedFiles(self.files.province, self._kept)
        self._new = None


def start_anew(province: str, state_dir: Path) -> None:
    """Forget people, visits, settlements and messages; numbers already given are not given again.

    Keys and the memory as a witness stay.
    """
    state = State(_path(province, state_dir))
    state.clear()
    state.close()
    log = ExchangeLog(state_dir / f"{province}.exchanges.sqlite3")
    log.clear()
    log.close()
    shutil.rmtree(_kept(province, state_dir), ignore_errors=True)


def _has_people(province: str, state_dir: Path) -> bool:
    path = _path(province, state_dir)
    if not path.exists():
        return False
    state = State(path)
    try:
        return not state.is_empty()
    finally:
        state.close()


def _path(province: str, state_dir: Path) -> Path:
    return state_dir / f"{province}.sqlite3"


def _kept(province: str, state_dir: Path) -> Path:
    return state_dir / province / "seed"
