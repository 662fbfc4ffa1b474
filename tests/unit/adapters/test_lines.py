"""A region's split of our lines: told, partly told, or not told at all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.baseline import lines
from adapters.baseline.errors import AnotherReply, BrokenAnswer
from gateway.domain.bill import BillLine

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
SENT = tuple(
    BillLine(no, "SYN-XA01-0001", "Y1", NOW, Decimal(1), Decimal("10.00"), 10_00)
    for no in ("1001", "1002")
)


def row(line_no: str, **parts: Any) -> dict[str, Any]:
    return {"feedetl_sn": line_no, "det_item_fee_sumamt": Decimal("10.00"), **parts}


def test_a_line_whose_split_is_not_told_at_all_claims_no_zeros() -> None:
    nulls = {name: None for name in lines.PARTS}
    told = row("1002", inscp_scp_amt="10.00")
    found = lines.read({"result": [row("1001", **nulls), told]}, SENT)
    assert [(line.line_no, line.in_scope_fen, line.own_pay_fen) for line in found] == [
        ("1002", 10_00, 0)
    ]


def test_a_zero_is_told() -> None:
    found = lines.read({"result": [row("1001", inscp_scp_amt=0), row("1002")]}, SENT)
    assert [line.line_no for line in found] == ["1001"]


def test_lines_of_another_call_and_other_amounts_are_no_answer() -> None:
    with pytest.raises(AnotherReply):
        lines.read({"result": [row("1001"), row("1003")]}, SENT)
    with pytest.raises(AnotherReply):
        lines.read({"result": [row("1001")]}, SENT)
    other = row("1001") | {"det_item_fee_sumamt": "10.01"}
    with pytest.raises(BrokenAnswer):
        lines.read({"result": [other, row("1002")]}, SENT)
