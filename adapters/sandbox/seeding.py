"""初始数据: the readable seed files → a new platform's state, and what every platform knows.

Synthetic people only (identity numbers begin with 00); a file that holds another is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.sandbox.catalogue import read_catalogue
from adapters.sandbox.context import Books
from adapters.sandbox.dictionaries import read_dictionaries
from adapters.sandbox.policies import read_policies
from adapters.sandbox.provinces import Province
from adapters.sandbox.records import Insured, Person
from adapters.sandbox.state import State
from adapters.sandbox.wire import fen_of

_SEED = Path(__file__).with_name("seed")
_INSUTYPES = {"employee": "310", "resident": "390"}
_STATUS = {"active": "1", "paused": "4"}
_SEX_DIGIT = 16


class BadSeed(Exception):
    """A seed file names somebody who could be real, or does not follow the format."""


def seed(state: State, province: Province) -> None:
    """Fills an empty state; an existing one is left as it is."""
    if not state.is_empty():
        return
    table = _read(_SEED / f"{province.key}.toml")
    with state.transaction():
        for entry in table["person"]:
            _add(state, entry)


def _add(state: State, entry: Mapping[str, Any]) -> None:
    certno = str(entry["certno"])
    if not certno.startswith("00"):
        raise BadSeed(f"{entry['psn_no']}: identity numbers in seeds begin with 00")
    state.add_person(
        Person(
            psn_no=entry["psn_no"],
            certno=certno,
            token=entry["token"],
            card_no=entry["card_no"],
            name=entry["name"],
            gend="1" if int(certno[_SEX_DIGIT]) % 2 else "2",
            brdy=entry["born"],
            filed=" ".join(entry["filed"]),
        )
    )
    for row in entry["insured"]:
        used = row.get("accumulators", {})
        insured = Insured(
            psn_no=entry["psn_no"],
            insutype=_INSUTYPES[row["scheme"]],
            area=row["area"],
            kind=row["kind"],
            status=_STATUS[row["status"]],
            employer=row["employer"],
            balance_fen=fen_of(row["account"], "account"),
        )
        state.add_insured(
            insured,
            {
                code: int(value) if code == "STAY" else fen_of(value, code)
                for code, value in used.items()
            },
        )


def read_books(province: Province, policies_dir: Path) -> Books:
    """The insured region's policy, every region's catalogue, the institutions. A region whose rules
    do not ship with the gateway has synthetic ones here (seed/policies).

    Raises BadSeed when the policy directory has nothing for this province.
    """
    regions = read_policies(_SEED / "policies") | read_policies(policies_dir)
    if province.pool not in regions:
        raise BadSeed(f"{policies_dir}: no policy file for region {province.pool}")
    return Books(
        policy=regions[province.pool][0],
        catalogues={
            pool: read_catalogue(
                file.with_name(f"catalogue_{file.stem}.csv"),
                after_limit=policy.settings.get("preself_basis") == "after_limit",
            )
            for pool, (policy, file) in regions.items()
        },
        institutions={
            row["code"]: row["level"] for row in _read(_SEED / "institutions.toml")["institution"]
        },
        dictionaries=read_dictionaries(_SEED / f"dictionary_{province.key}.csv"),
    )


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as source:
        return tomllib.load(source, parse_float=Decimal)
