"""5203 shows a person what the region has; it never fills in what the region left out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.baseline import inquiry
from adapters.baseline.errors import AnotherReply, BrokenAnswer
from adapters.baseline.wire import Json
from gateway.ports import SettlementQuery

QUERY = SettlementQuery("900000001", "S1", "A1")
OWN: dict[str, Json] = {"psn_no": "900000001", "mdtrt_id": "S1", "setl_id": "A1"}


def test_amounts_are_read_under_the_names_of_the_query() -> None:
    info = OWN | {
        "medins_setl_id": "M1",
        "setl_time": "2025-09-10 10:30:00",
        "refd_setl_flag": "1",
        "insutype": "310",
        "clr_type": "11",
        "clr_optins": "310000",
        "medfee_sumamt": Decimal("-12.30"),
        "fund_pay_sumamt": "-10.00",
        "acct_pay": 0,
        "cash_payamt": Decimal("-2.3"),
    }
    shown = inquiry.read({"setlinfo": info}, QUERY)
    assert (shown.msgid, shown.refund, shown.clearing_office) == ("M1", True, "310000")
    assert shown.settled_at == datetime(2025, 9, 10, 2, 30, tzinfo=UTC)
    amounts = (shown.total_fen, shown.fund_fen, shown.account_fen, shown.cash_fen)
    assert amounts == (-1230, -1000, 0, -230)


def test_what_is_left_out_stays_left_out() -> None:
    shown = inquiry.read({"setlinfo": OWN | {"medfee_sumamt": None, "acct_pay": ""}}, QUERY)
    assert (shown.total_fen, shown.fund_fen, shown.account_fen, shown.cash_fen) == (None,) * 4
    assert (shown.msgid, shown.settled_at, shown.refund, shown.scheme_code) == ("", None, None, "")


@pytest.mark.parametrize("name", ["psn_no", "mdtrt_id", "setl_id"])
def test_another_settlement_or_none_at_all_is_no_answer(name: str) -> None:
    with pytest.raises(AnotherReply):
        inquiry.read({"setlinfo": OWN | {name: "X"}}, QUERY)
    with pytest.raises(BrokenAnswer):
        inquiry.read({"setlinfo": OWN | {name: ""}}, QUERY)
    with pytest.raises(BrokenAnswer):
        inquiry.read({}, QUERY)
    with pytest.raises(BrokenAnswer):
        inquiry.read({"setlinfo": OWN | {"acct_pay": "1.005"}}, QUERY)
