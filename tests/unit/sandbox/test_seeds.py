"""The people in the seeds: synthetic, well formed, and every kind that a test needs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from adapters.sandbox import seeding
from adapters.sandbox.identity import card_number, id_number
from adapters.sandbox.provinces import PROVINCES, pool_of

SEED = Path(seeding.__file__).with_name("seed")
PREFIX = {"shanghai": "003118", "jiangsu": "003209", "zhejiang": "003321", "anhui": "003488"}
EVERYWHERE = pytest.mark.parametrize("province", sorted(PROVINCES))


def people(province: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = tomllib.loads(
        (SEED / f"{province}.toml").read_text(encoding="utf-8")
    )["person"]
    return entries


def test_the_generator_gives_the_published_synthetic_examples() -> None:
    assert id_number("003118", "19520315", 888) == "003118195203158882"
    assert card_number(1) == "T0000001X"


@EVERYWHERE
def test_every_identity_number_is_synthetic_with_the_right_check_digit(province: str) -> None:
    for person in people(province):
        number = str(person["certno"])
        born = str(person["born"]).replace("-", "")
        assert number == id_number(PREFIX[province], born, int(number[14:17]))
        assert str(person["card_no"]) == card_number(int(str(person["card_no"])[1:8]))
        assert str(person["name"]).startswith("测试")


@EVERYWHERE
def test_everybody_is_insured_where_the_platform_insures(province: str) -> None:
    lengths = {"shanghai": 9, "jiangsu": 20, "zhejiang": 26, "anhui": 16}
    for person in people(province):
        assert len(str(person["psn_no"])) == lengths[province]
        rows = person["insured"]
        assert isinstance(rows, list)
        assert {pool_of(row["area"]) for row in rows} == {PROVINCES[province].pool}


@EVERYWHERE
def test_every_kind_of_person_is_there(province: str) -> None:
    rows = [row for person in people(province) for row in person["insured"]]  # type: ignore[attr-defined]  # TOML
    assert {row["kind"] for row in rows} == set(PROVINCES[province].psn_types)
    assert {row["status"] for row in rows} == {"active", "paused"}
