"""The readable dictionaries of the stand-ins: whole, dated, each code with its source."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from adapters.baseline.dictionary import USED
from adapters.baseline.dictionary_check import DEPARTMENTS, understood
from adapters.registry import DECLARED, book_of
from adapters.sandbox import seeding
from adapters.sandbox.dictionaries import read_dictionaries
from adapters.sandbox.provinces import PROVINCES

SEED = Path(seeding.__file__).with_name("seed")
DAY = date(2026, 11, 25)
EVERYWHERE = pytest.mark.parametrize("province", sorted(PROVINCES))


@EVERYWHERE
def test_every_dictionary_that_we_use_is_there(province: str) -> None:
    assert set(read_dictionaries(SEED / f"dictionary_{province}.csv")) == set(USED)


@EVERYWHERE
def test_every_code_says_where_it_was_read(province: str) -> None:
    with (SEED / f"dictionary_{province}.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            assert row["source"] and row["label"] and row["parent"] == "0", row


@EVERYWHERE
def test_a_code_has_one_label_on_any_day(province: str) -> None:
    for kind, entries in read_dictionaries(SEED / f"dictionary_{province}.csv").items():
        for day in (date(2020, 1, 1), date(2026, 6, 30), date(2026, 7, 1), DAY):
            codes = [entry.code for entry in entries if entry.holds_on(day)]
            assert len(codes) == len(set(codes)), (kind, day)
            assert codes, (kind, day)


@pytest.mark.parametrize("province", sorted(PROVINCES.keys() & set(DECLARED.values())))
def test_what_the_profile_understands_exists_there(province: str) -> None:
    known = read_dictionaries(SEED / f"dictionary_{province}.csv")
    for kind, codes in understood(book_of(province).at(DAY).dictionary).items():
        if kind != DEPARTMENTS:  # 220 codes, published in neither table
            there = {entry.code for entry in known[kind] if entry.holds_on(DAY)}
            assert codes <= there, kind


def test_a_province_without_a_file_has_none() -> None:
    assert read_dictionaries(SEED / "dictionary_nowhere.csv") == {}
