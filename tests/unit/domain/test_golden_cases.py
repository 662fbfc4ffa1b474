"""Every golden case, to the fen: benefits through the CLI's own reader, pricing line by line."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from gateway.commands.policy_cases import Verdict, check_cases
from gateway.domain.pricing import PreselfBasis, price
from ledger.money import fen_to_yuan
from tests.unit.domain.books import DAY, bill, book, catalogues, line

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = GOLDEN / "benefits" / "cases.csv"
APPROVED = {"yes": True, "no": False, "": None}


def priced_lines() -> list[dict[str, str]]:
    with (GOLDEN / "pricing" / "lines.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_benefit_case_gives_the_listed_fen() -> None:
    answers = check_cases(CASES, book(), as_of=DAY)
    assert len(answers) >= 38
    assert [a for a in answers if not (isinstance(a, Verdict) and a.agrees)] == []


@pytest.mark.parametrize("row", priced_lines(), ids=lambda row: row["case_id"])
def test_every_line_is_split_as_listed(row: dict[str, str]) -> None:
    one = line(
        row["item_code"],
        row["unit_price"],
        row["quantity"],
        day=date.fromisoformat(row["day"]),
        approved=APPROVED[row["approved"]],
    )
    catalogue = catalogues().of(row["region"])
    found = price(bill(one), catalogue, preself_basis=PreselfBasis(row["basis"])).lines[0]
    parts = ("amount", "own_pay", "over_limit", "pre_self_pay", "in_scope")
    assert {p: fen_to_yuan(getattr(found, f"{p}_fen")) for p in parts} == {p: row[p] for p in parts}
