"""初始数据的文件: which readable files a platform begins from, and how to get a set of one's own.

A directory may hold any of people.toml, institutions.toml, dictionary.csv and catalogue_POOL.csv;
what it lacks is taken from the set that ships here. README.md describes each format.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from adapters.sandbox.bad_seed import BadSeed

SHIPPED = Path(__file__).with_name("seed")
PEOPLE, INSTITUTIONS, DICTIONARY = "people.toml", "institutions.toml", "dictionary.csv"
_CATALOGUE = re.compile(r"catalogue_([0-9]{6})\.csv")
_PASSED_OVER = re.compile(r"\..*|README.*|.*~")


@dataclass(frozen=True, slots=True)
class SeedFiles:
    """Where each of a province's files lies."""

    province: str
    directory: Path | None
    """None = what ships."""

    @property
    def people(self) -> Path:
        return self._own(PEOPLE) or SHIPPED / f"{self.province}.toml"

    @property
    def institutions(self) -> Path:
        return self._own(INSTITUTIONS) or SHIPPED / INSTITUTIONS

    @property
    def dictionary(self) -> Path:
        return self._own(DICTIONARY) or SHIPPED / f"dictionary_{self.province}.csv"

    def catalogue(self, pool: str, beside_policy: Path) -> Path:
        """Of a pooling region; else the one that lies beside its policy."""
        own = self._own(f"catalogue_{pool}.csv")
        return own or beside_policy.with_name(f"catalogue_{beside_policy.stem}.csv")

    def _own(self, name: str) -> Path | None:
        path = None if self.directory is None else self.directory / name
        return path if path is not None and path.is_file() else None


def own_files(directory: Path) -> list[Path]:
    """The files of a directory that was given. Raises BadSeed for one that nothing would read."""
    if not directory.is_dir():
        raise BadSeed(f"{directory} 不是目录。yrd sandbox PROVINCE --write-seed DIR 写出一套样例。")
    found = sorted(
        path for path in directory.iterdir() if _PASSED_OVER.fullmatch(path.name) is None
    )
    for path in found:
        known = path.name in (PEOPLE, INSTITUTIONS, DICTIONARY) or _CATALOGUE.fullmatch(path.name)
        if not known or not path.is_file():
            raise BadSeed(
                f"{path}: 没有这种初始数据文件。可用:{PEOPLE}、{INSTITUTIONS}、{DICTIONARY}、"
                "catalogue_统筹区.csv(六位区划)。"
            )
    if not found:
        raise BadSeed(f"{directory} 里没有初始数据文件,至少放一个 {PEOPLE}。")
    return found


def write_example(directory: Path, province: str, catalogues: dict[str, Path]) -> list[Path]:
    """The shipped set under the names of a directory; nothing that is there is overwritten.

    Raises BadSeed.
    """
    files = SeedFiles(province, None)
    sources = {
        PEOPLE: files.people, INSTITUTIONS: files.institutions, DICTIONARY: files.dictionary,
        "README.md": SHIPPED / "README.md",
    } | {f"catalogue_{pool}.csv": path for pool, path in catalogues.items()}  # fmt: skip
    there = sorted(name for name in sources if (directory / name).exists())
    if there:
        raise BadSeed(f"{directory} 里已有 {'、'.join(there)},不覆盖。请给一个新目录。")
    directory.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(source, directory / name)) for name, source in sources.items()]
