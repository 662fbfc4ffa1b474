"""初始数据: the readable seed files → a new platform's state, and what every platform knows.

Synthetic people only (people.py). Which files count is seed_choice.py's business.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from adapters.sandbox.bad_seed import BadSeed
from adapters.sandbox.catalogue import read_catalogue
from adapters.sandbox.context import Books
from adapters.sandbox.dictionaries import read_dictionaries
from adapters.sandbox.people import read_people
from adapters.sandbox.policies import RegionPolicy, read_policies
from adapters.sandbox.provinces import Province
from adapters.sandbox.seed_files import SHIPPED, SeedFiles
from adapters.sandbox.state import State

_LEVELS = ("primary", "secondary", "tertiary")


def seed(state: State, province: Province, files: SeedFiles) -> None:
    """Fills an empty state; an existing one is left as it is. Raises BadSeed."""
    if not state.is_empty():
        return
    people = read_people(files.people, province)
    with state.transaction():
        for registered in people:
            state.add_person(registered.person)
            for insured, used in registered.insured:
                state.add_insured(insured, used)


def read_books(province: Province, policies_dir: Path, files: SeedFiles) -> Books:
    """The insured region's policy, every region's catalogue, the institutions. A region whose rules
    do not ship with the gateway has synthetic ones here (seed/policies).

    Raises BadSeed when the policy directory has nothing for this province, and for bad files.
    """
    regions = _regions(policies_dir)
    if province.pool not in regions:
        raise BadSeed(f"{policies_dir}: no policy file for region {province.pool}")
    return Books(
        policy=regions[province.pool][0],
        catalogues={
            pool: read_catalogue(
                files.catalogue(pool, file),
                after_limit=policy.settings.get("preself_basis") == "after_limit",
            )
            for pool, (policy, file) in regions.items()
        },
        institutions=_institutions(files.institutions),
        dictionaries=read_dictionaries(files.dictionary),
    )


def catalogue_files(policies_dir: Path) -> dict[str, Path]:
    """Pooling region → the catalogue that lies beside its policy."""
    return {
        pool: SeedFiles("", None).catalogue(pool, file)
        for pool, (_, file) in _regions(policies_dir).items()
    }


def _regions(policies_dir: Path) -> dict[str, tuple[RegionPolicy, Path]]:
    return read_policies(SHIPPED / "policies") | read_policies(policies_dir)


def _institutions(path: Path) -> Mapping[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = re.search(r"line (\d+)", str(error))
        raise BadSeed(f"{path}:{place[1] if place else 1}: 不是合法的 TOML({error})。") from error
    found: dict[str, str] = {}
    for at, row in enumerate(table.get("institution", []), 1):
        code, level = row.get("code"), row.get("level")
        if not isinstance(code, str) or level not in _LEVELS:
            raise BadSeed(f"{path}: 第 {at} 家机构要有 code,level 为 {'、'.join(_LEVELS)} 之一。")
        found[code] = level
    return found
