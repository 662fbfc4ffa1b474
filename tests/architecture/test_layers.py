"""Nothing stands outside the house: each module has its place in the import contracts.

The contracts themselves are enforced by `./yrd check imports`; this finds what they do not mention.
"""

from __future__ import annotations

import tomllib
from typing import Any

from tests.architecture.sources import HOME

SHARED = {"adapters.baseline", "adapters.signing", "adapters.sandbox", "adapters.sm"}
"""The packages under adapters/ that are no province."""


def contracts() -> list[dict[str, Any]]:
    """The import contracts of pyproject.toml."""
    settings = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def modules(package: str) -> set[str]:
    """The direct children of a top package."""
    children = (HOME / package).iterdir()
    names = {c.stem for c in children if c.suffix == ".py" or list(c.glob("*.py"))}
    return {f"{package}.{name}" for name in names - {"__init__", "__pycache__"}}


def named_in(contract: dict[str, Any]) -> set[str]:
    """Every module that a layers contract names, siblings and optional ones too."""
    layers = " ".join(contract["layers"])
    return set(layers.translate(str.maketrans("|:()", "    ")).split())


def test_every_module_of_the_gateway_stands_on_a_storey() -> None:
    storeys = named_in(next(c for c in contracts() if c["name"] == "Imports point inward"))
    assert modules("gateway") - storeys == set()


def test_every_module_of_the_ledger_stands_on_a_storey() -> None:
    storeys = named_in(next(c for c in contracts() if c["name"] == "The ledger's own storeys"))
    assert modules("ledger") - storeys == set()


def test_every_province_is_declared() -> None:
    contract = next(c for c in contracts() if c["name"] == "No province knows another")
    packages = {m for m in modules("adapters") if (HOME / m.replace(".", "/")).is_dir()}
    assert packages - SHARED == set(contract["modules"])
