"""What happens less often: withdrawn lines, a stay settled twice, reversals of other messages."""

from __future__ import annotations

from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import (
    PEOPLE,
    Hospital,
    Node,
    admission,
    fee_line,
)

PERSON = PEOPLE["jiangsu"]["active"]
PSN_NO: str = PERSON["psn_no"]
LINE = fee_line("1", "SYN-TB01-0001", "2", "600.00", "1200.00")
PARTS = ("0", "0", "120.00", "1080.00")


async def reverse(hospital: Hospital, msgid: str, infno: str) -> bool:
    order = {"data": {"psn_no": PSN_NO, "omsgid": msgid, "oinfno": infno}}
    return (await hospital.send("2601", order)).ok


def stay_order(hospital: Hospital, visit: str, total: str, inscp: str, flag: str) -> Node:
    order = hospital.settlement(PERSON, visit, total, parts=("0", "0", "0", inscp), account="0")
    order["data"]["mid_setl_flag"] = flag
    return order


async def test_lines_are_withdrawn_and_uploaded_again(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    visit = await hospital.outpatient_visit(PERSON, [LINE])
    back = {"data": {"mdtrt_id": visit, "chrg_bchno": "0000", "psn_no": PSN_NO}}
    assert (await hospital.send("2205", back)).ok
    order = hospital.settlement(PERSON, visit, "1200.00", parts=PARTS)
    assert not (await hospital.send("2207", order)).ok
    row = LINE | {"mdtrt_id": visit, "psn_no": PSN_NO, "chrg_bchno": "B1"}
    assert (await hospital.send("2204", {"feedetail": [row]})).ok
    assert (await hospital.send("2207", order)).ok


async def test_a_stay_settled_midway_pays_its_deductible_and_counts_once(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    bed = fee_line("1", "SYN-SA01-0001", "10", "50.00", "500.00")
    visit = await hospital.inpatient_stay(PERSON, [bed])
    midway = await hospital.send("2304", stay_order(hospital, visit, "500.00", "500.00", "1"))
    later = fee_line("2", "SYN-SA01-0001", "20", "50.00", "1000.00")
    later |= {"mdtrt_id": visit, "psn_no": PSN_NO, "med_type": "2101"}
    assert (await hospital.send("2301", {"feedetail": [later]})).ok
    plain = stay_order(hospital, visit, "1000.00", "1000.00", "0")
    assert not (await hospital.send("2304", plain)).ok
    rest = await hospital.send("2304", stay_order(hospital, visit, "1000.00", "1000.00", "1"))
    assert (midway.fen("act_pay_dedc"), rest.fen("act_pay_dedc")) == (50000, 30000)
    assert (await hospital.used(PSN_NO))["STAY"] == "1.00"


async def test_reversing_a_cancellation_lets_the_settlement_stand_again(opened: Opener) -> None:
    sandbox, hospital = await opened("jiangsu")
    visit = await hospital.outpatient_visit(PERSON, [LINE])
    order = hospital.settlement(PERSON, visit, "1200.00", parts=PARTS)
    settlement_msgid, cancel_msgid = hospital.next_msgid(), hospital.next_msgid()
    settled = await hospital.send("2207", order, msgid=settlement_msgid)
    used = await hospital.used(PSN_NO)
    cancel = {"data": {"setl_id": settled.setlinfo["setl_id"], "mdtrt_id": visit,
                       "psn_no": PSN_NO}}  # fmt: skip
    assert (await hospital.send("2208", cancel, msgid=cancel_msgid)).ok
    for _ in range(2):
        assert await reverse(hospital, cancel_msgid, "2208")
        assert await hospital.used(PSN_NO) == used
    assert sandbox.state()["effective_settlements"] == 1
    assert await reverse(hospital, settlement_msgid, "2207")
    assert sandbox.state()["effective_settlements"] == 0


async def test_a_cancellation_is_not_reversed_over_a_new_settlement(opened: Opener) -> None:
    sandbox, hospital = await opened("jiangsu")
    visit = await hospital.outpatient_visit(PERSON, [LINE])
    order = hospital.settlement(PERSON, visit, "1200.00", parts=PARTS)
    settled = await hospital.send("2207", order)
    cancel_msgid = hospital.next_msgid()
    cancel = {"data": {"setl_id": settled.setlinfo["setl_id"], "mdtrt_id": visit,
                       "psn_no": PSN_NO}}  # fmt: skip
    assert (await hospital.send("2208", cancel, msgid=cancel_msgid)).ok
    assert (await hospital.send("2207", order)).ok
    assert not await reverse(hospital, cancel_msgid, "2208")
    assert sandbox.state()["effective_settlements"] == 1


async def test_an_admission_is_reversed_until_it_is_settled(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    msgid = hospital.next_msgid()
    order = admission(PERSON, "2101") | {"psn_no": PSN_NO, "insutype": "310"}
    admitted = await hospital.send("2401", {"mdtrtinfo": order}, msgid=msgid)
    visit = admitted.output["result"]["mdtrt_id"]
    assert await reverse(hospital, msgid, "2401")
    row = LINE | {"mdtrt_id": visit, "psn_no": PSN_NO, "med_type": "2101"}
    assert not (await hospital.send("2301", {"feedetail": [row]})).ok


async def test_a_refund_takes_back_no_more_than_was_given(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    bed = fee_line("1", "SYN-SA01-0001", "2", "50.00", "100.00")
    visit = await hospital.inpatient_stay(PERSON, [bed])
    who = {"mdtrt_id": visit, "psn_no": PSN_NO, "med_type": "2101"}
    one = fee_line("2", "SYN-SA01-0001", "-1", "50.00", "-50.00", refund_of="1") | who
    two = fee_line("3", "SYN-SA01-0001", "-2", "50.00", "-100.00", refund_of="1") | who
    assert (await hospital.send("2301", {"feedetail": [one]})).ok
    assert not (await hospital.send("2301", {"feedetail": [two]})).ok
