"""A settlement's answer: what we read of it, what we name as broken, what we do not believe."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from adapters.baseline import envelope, wire
from adapters.baseline.codec import Message
from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.settlement import Expected, scheme_sent
from gateway.domain.breakdown import Fund
from gateway.ports import RegionSettlement
from tests.unit.adapters.people import MSGID, NOW, attendance, codec, context

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "adapters" / "settlements.toml").read_text("utf-8")
)
EXPECTED = Expected(MSGID, "900000001", "S1", effective=True)


def info(changes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = GOLDEN["base"] | changes
    return {
        name: None if value == "<null>" else value
        for name, value in found.items()
        if value != "<absent>"
    }


def read(
    setlinfo: dict[str, Any],
    province: str = "jiangsu",
    infno: str = "2207",
    expected: Expected = EXPECTED,
    detail: list[dict[str, Any]] | None = None,
) -> RegionSettlement:
    output: dict[str, Any] = {"setlinfo": setlinfo, "setldetail": detail or []}
    body = wire.write({"infcode": 0, "output": output}).encode()
    reply = envelope.of(wire.read(body), body)
    return codec(province).read_settlement(reply, Message(infno, "/", {}, b""), expected)


@pytest.mark.parametrize("case", GOLDEN["case"], ids=lambda case: case["name"])
def test_golden(case: dict[str, Any]) -> None:
    if "unreadable" in case:
        with pytest.raises(BrokenAnswer) as broken:
            read(info(case.get("info", {})))
        assert broken.value.path == f"output.setlinfo.{case['unreadable']}"
        return
    found = read(info(case.get("info", {})))
    assert sorted(found.broken) == sorted(case.get("broken", []))
    assert list(found.unknown_codes) == case.get("unknown", [])


def test_numbers_and_texts_are_the_same_amounts() -> None:
    as_numbers = {
        name: wire.read(f'{{"v":{value}}}'.encode()).values["v"]
        if name.endswith(("_pay", "amt", "_amt", "selfpay", "_dedc"))
        else value
        for name, value in GOLDEN["base"].items()
    }
    found = read(as_numbers)
    assert found == read(info({}))
    assert found.breakdown.fund_fen(Fund.POOLED) == 21_000
    assert found.breakdown.deductible_fen == 50_000
    assert found.breakdown.cash_fen == 49_000
    assert found.settled_at == NOW


def test_a_fund_that_is_null_is_no_fund() -> None:
    found = read(info({"hifdm_pay": "<null>", "exp_content": "<null>"}), "zhejiang", "2207A")
    assert found.breakdown.funds == ((Fund.POOLED, 21_000),)
    assert found.broken == ()


def test_a_reversal_with_nulls_and_other_names_is_the_exact_negative() -> None:
    negative = {
        name: f"-{value}" if value.replace(".", "").isdigit() and "." in value else value
        for name, value in info({}).items()
    }
    negative |= {
        "psn_pay": "-790.00",
        "ownpay_hosp_part": "0.00",
        "psn_part_amt": None,
        "hosp_part_amt": None,
        "acct_mulaid_pay": None,
        "clr_type": None,
    }
    found = read(negative, "zhejiang", "2305")
    assert found.breakdown == read(info({})).breakdown.negated()
    assert found.broken == found.unknown_codes == ()
    assert found.clearing_type_code == ""


def test_the_misprinted_cash_of_2208_is_read_where_it_belongs() -> None:
    changes = info({"psn_cash_pay": "<absent>", "pdn_cash_pay": "490.00"})
    assert read(changes, "jiangsu", "2208").breakdown.cash_fen == 49_000
    with pytest.raises(BrokenAnswer):
        read(changes, "jiangsu", "2207")


def test_two_names_that_contradict_each_other_are_no_answer() -> None:
    with pytest.raises(BrokenAnswer):
        read(info({"pdn_cash_pay": "490.01"}), "jiangsu", "2208")


def test_the_detail_rows_are_never_summed_but_their_codes_are_looked_at() -> None:
    rows: list[dict[str, Any]] = [
        {"fund_pay_type": "310100", "fund_payamt": "210.00"},
        {"fund_pay_type": "310200", "fund_payamt": "300.00"},
        {"fund_pay_type": "", "fund_payamt": ""},
        {"fund_pay_type": "777777", "fund_payamt": "1.00"},
    ]
    found = read(info({}), detail=rows)
    assert found.broken == ()
    assert found.unknown_codes == ("fund_pay_type=777777",)


def test_a_predetermination_has_no_ids_and_takes_no_effect() -> None:
    changes = info({"setl_id": "<absent>", "medins_setl_id": "<absent>", "setl_time": "<null>"})
    found = read(changes, "zhejiang", "2206A", replace(EXPECTED, effective=False))
    assert found.settlement_id == ""
    assert found.settled_at is None


def test_a_settlement_time_is_shanghai_s() -> None:
    found = read(info({})).settled_at
    assert found == datetime(2025, 9, 10, 10, 30, tzinfo=timezone(timedelta(hours=8)))


def test_an_amount_that_was_left_out_is_named_and_not_taken_for_a_zero() -> None:
    for absent in ("<absent>", "<null>", ""):
        found = read(info({"act_pay_dedc": absent, "hosp_part_amt": absent}))
        assert set(found.not_given) >= {"deductible_fen", "hospital_fen"}
    given = read(info({"act_pay_dedc": "0", "hosp_part_amt": "0.00", "acct_mulaid_pay": "0"}))
    assert given.not_given == ()


def test_a_cancellation_may_leave_out_amounts_that_a_settlement_may_not() -> None:
    nulls = {name: "<null>" for name in ("preselfpay_amt", "acct_pay", "act_pay_dedc")}
    cancelled = read(info(nulls), expected=replace(EXPECTED, cancels=True))
    assert cancelled.broken == ()
    assert {"pre_self_pay_fen", "account_fen", "deductible_fen"} <= set(cancelled.not_given)
    with pytest.raises(BrokenAnswer):
        read(info(nulls))
    settled = read(info({"preselfpay_amt": "<null>"}))
    assert "ABSENT:preselfpay_amt" in settled.broken


def test_the_scheme_that_was_named_is_read_from_the_kept_request() -> None:
    speak, ctx = codec("jiangsu"), context("jiangsu")
    assert scheme_sent(speak.settle(ctx, attendance()).body) == "310"
    for kept in (b"", b"{}", b'{"input":[]}', b'{"input":{"data":{"insutype":[1]}}}'):
        assert scheme_sent(kept) == ""


def test_another_scheme_than_the_one_we_named_is_a_person_s_to_look_at() -> None:
    named = replace(EXPECTED, scheme_code="310")
    assert "OTHER_SCHEME insutype=390" in read(info({"insutype": "390"}), expected=named).broken
    assert read(info({"insutype": "310"}), expected=named).broken == ()
    assert read(info({"insutype": ""}), expected=named).broken == ()
    cancelled = replace(named, cancels=True)
    assert read(info({"insutype": "390"}), expected=cancelled).broken == ()
