"""A hospital settles, cancels and reverses with each province's stand-in platform over HTTP."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import INPATIENT, PEOPLE, Hospital, Node, fee_line

EVERYWHERE = pytest.mark.parametrize("province", ["shanghai", "jiangsu", "zhejiang", "anhui"])
# 青浦's catalogue: 25.00 in scope; 200.00 of class 乙 at 10 %; 50.00 丙.
LINES = [
    fee_line("1", "SYN-TA01-0001", "1", "25.00", "25.00"),
    fee_line("2", "SYN-TB01-0001", "2", "600.00", "1200.00"),
    fee_line("3", "SYN-XC01-0001", "1", "50.00", "50.00"),
]
TOTAL, PARTS = "1275.00", ("50.00", "0.00", "120.00", "1105.00")


async def settle(hospital: Hospital, person: Node, visit: str, **more: str) -> Node:
    order = hospital.settlement(person, visit, TOTAL, parts=PARTS)
    return (await hospital.send("2207", order, **more)).setlinfo


@EVERYWHERE
async def test_an_outpatient_visit_settles_and_the_amounts_add_up(
    opened: Opener, province: str
) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    visit = await hospital.outpatient_visit(person, LINES)
    order = hospital.settlement(person, visit, TOTAL, parts=PARTS)
    foretold = await hospital.send("2206", order)
    msgid = hospital.next_msgid()
    settled = await hospital.send("2207", order, msgid=msgid)

    assert "setl_id" not in foretold.setlinfo
    assert settled.setlinfo["medins_setl_id"] == msgid
    assert settled.fen("fund_pay_sumamt") == foretold.fen("fund_pay_sumamt") > 0
    assert settled.fen("medfee_sumamt") == 127500
    assert settled.fen("psn_part_amt") == settled.fen("acct_pay") + settled.fen("psn_cash_pay")
    assert settled.fen("medfee_sumamt") == settled.fen("fund_pay_sumamt") + settled.fen(
        "psn_part_amt"
    )
    assert settled.fen("inscp_scp_amt") == 110500


# Active employee, tertiary, first visit, no drop inside the zone:
# 上海 (1105−500)×70 %; 苏州 (1105−600)×60 %; 嘉兴 (1105−400)×60 %; 安徽 (made up) (1105−100)×70 %.
@pytest.mark.parametrize(
    ("province", "fund_fen"),
    [("shanghai", 42350), ("jiangsu", 30300), ("zhejiang", 42300), ("anhui", 70350)],
)
async def test_the_insured_region_pays_by_its_own_policy(
    opened: Opener, province: str, fund_fen: int
) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    visit = await hospital.outpatient_visit(person, LINES)
    order = hospital.settlement(person, visit, TOTAL, parts=PARTS)
    assert (await hospital.send("2207", order)).fen("hifp_pay") == fund_fen


@EVERYWHERE
async def test_account_and_accumulators_move_with_the_settlement_and_come_back(
    opened: Opener, province: str
) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    before = await hospital.used(person["psn_no"])
    purse = (await hospital.identify(person["certno"]))["insuinfo"][0]["balc"]
    visit = await hospital.outpatient_visit(person, LINES)
    settled = await settle(hospital, person, visit)
    moved = await hospital.used(person["psn_no"])
    assert moved != before
    assert Decimal(settled["balc"]) == purse - Decimal(settled["acct_pay"])

    cancelled = await hospital.send("2208", {"data": {
        "setl_id": settled["setl_id"], "mdtrt_id": visit, "psn_no": person["psn_no"],
    }})  # fmt: skip
    assert cancelled.fen("fund_pay_sumamt") == -100 * Decimal(settled["fund_pay_sumamt"])
    assert ("pdn_cash_pay" in cancelled.setlinfo) is (province == "jiangsu")
    assert "clr_type" not in cancelled.setlinfo
    assert await hospital.used(person["psn_no"]) == before
    assert (await hospital.identify(person["certno"]))["insuinfo"][0]["balc"] == purse


@EVERYWHERE
async def test_a_stay_settles_and_its_cancellation_is_the_exact_negative(
    opened: Opener, province: str
) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    lines = [
        fee_line("1", "SYN-TB01-0001", "20", "600.00", "12000.00"),
        fee_line("2", "SYN-XA01-0002", "10", "40.00", "400.00"),
        fee_line("3", "SYN-XA01-0002", "-4", "40.00", "-160.00", refund_of="2"),
    ]
    visit = await hospital.inpatient_stay(person, lines)
    # over limit: 6 × (40 − 35) = 30; pre-self-pay 1,200; in scope the rest.
    order = hospital.settlement(
        person, visit, "12240.00", parts=("0", "30.00", "1200.00", "11010.00"),
        med_type=INPATIENT[province], account="0",
    )  # fmt: skip
    settled = await hospital.send("2304", order)
    assert ("psn_part_amt" in settled.setlinfo) is (province != "jiangsu")
    assert (await hospital.used(person["psn_no"]))["STAY"] == "1.00"

    cancelled = await hospital.send("2305", {"data": {
        "setl_id": settled.setlinfo["setl_id"], "mdtrt_id": visit, "psn_no": person["psn_no"],
    }})  # fmt: skip
    for name in ("medfee_sumamt", "inscp_scp_amt", "hifp_pay", "act_pay_dedc", "psn_cash_pay"):
        assert cancelled.fen(name) == -settled.fen(name)
    assert (cancelled.setlinfo["psn_part_amt"] is None) is (province == "zhejiang")
    assert (await hospital.used(person["psn_no"]))["STAY"] == "0.00"


@EVERYWHERE
async def test_a_lost_reply_is_reversed_by_its_msgid_and_settled_anew(
    opened: Opener, province: str
) -> None:
    sandbox, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    visit = await hospital.outpatient_visit(person, LINES)
    first = hospital.next_msgid()
    await settle(hospital, person, visit, msgid=first)
    back = {"data": {"psn_no": person["psn_no"], "omsgid": first,
                     "oinfno": hospital.numbered("2207")}}  # fmt: skip
    for _ in range(2):
        reversed_ = await hospital.send("2601", back)
        assert reversed_.ok
        assert reversed_.body["output"] is None
    assert sandbox.state()["effective_settlements"] == 0
    await settle(hospital, person, visit)
    assert sandbox.state()["effective_settlements"] == 1


@EVERYWHERE
async def test_the_same_msgid_gets_the_same_answer_and_no_second_effect(
    opened: Opener, province: str
) -> None:
    sandbox, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    visit = await hospital.outpatient_visit(person, LINES)
    msgid = hospital.next_msgid()
    once = await settle(hospital, person, visit, msgid=msgid)
    hospital.clock.advance(minutes=5)
    assert await settle(hospital, person, visit, msgid=msgid) == once
    state = sandbox.state()
    assert state["effective_settlements"] == 1
    messages = state["messages"]
    assert isinstance(messages, list)
    assert [m["times"] for m in messages if m["msgid"] == msgid] == [2]


@EVERYWHERE
async def test_a_batch_is_settled_once(opened: Opener, province: str) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    visit = await hospital.outpatient_visit(person, LINES)
    await settle(hospital, person, visit)
    again = await hospital.send("2207", hospital.settlement(person, visit, TOTAL, parts=PARTS))
    assert not again.ok
    assert "已结算" in again.body["err_msg"]


@EVERYWHERE
async def test_a_settlement_survives_a_restart_of_the_platform(
    opened: Opener, province: str
) -> None:
    sandbox, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    visit = await hospital.outpatient_visit(person, LINES)
    msgid = hospital.next_msgid()
    once = await settle(hospital, person, visit, msgid=msgid)
    await sandbox.stop()
    hospital.url = await sandbox.start()
    assert await settle(hospital, person, visit, msgid=msgid) == once
