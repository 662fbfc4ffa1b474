"""What a platform can be told to do wrong, seen from the hospital."""

from __future__ import annotations

import aiohttp
import pytest

from adapters.sandbox.context import Rules
from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import PEOPLE, Hospital, Node, Reply, fee_line

LINE = fee_line("1", "SYN-TB01-0001", "2", "600.00", "1200.00")
PARTS = ("0", "0", "120.00", "1080.00")
PERSON = PEOPLE["shanghai"]["active"]
CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientConnectionResetError, ConnectionError)


async def visited(hospital: Hospital) -> tuple[str, Node]:
    person = PEOPLE[hospital.province]["active"]
    visit = await hospital.outpatient_visit(person, [LINE])
    return visit, hospital.settlement(person, visit, "1200.00", parts=PARTS)


async def test_a_lost_reply_leaves_the_effect(opened: Opener) -> None:
    sandbox, hospital = await opened("shanghai", "lose-reply=1")
    _, order = await visited(hospital)
    with pytest.raises(CUT):
        await hospital.send("2207", order)
    assert sandbox.state()["effective_settlements"] == 1


async def test_a_lost_request_leaves_nothing(opened: Opener) -> None:
    sandbox, hospital = await opened("shanghai", "lose-request=1")
    _, order = await visited(hospital)
    with pytest.raises(CUT):
        await hospital.send("2207", order)
    assert sandbox.state()["effective_settlements"] == 0
    assert (await hospital.send("2207", order)).ok


async def test_a_refusal_on_request_is_a_business_refusal_without_effect(opened: Opener) -> None:
    sandbox, hospital = await opened("jiangsu", "refuse=2207#1")
    _, order = await visited(hospital)
    refused = await hospital.send("2207", order)
    assert refused.body["infcode"] == "-1"
    assert sandbox.state()["effective_settlements"] == 0
    assert (await hospital.send("2207", order)).ok


async def test_a_differing_platform_pays_less_and_keeps_the_identities(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    _, order = await visited(hospital)
    honest = await hospital.send("2206", order)
    differing = await hospital.send("2207", order, fault="differ=100")
    assert differing.fen("hifp_pay") == honest.fen("hifp_pay") - 100
    assert differing.fen("psn_cash_pay") == honest.fen("psn_cash_pay") + 100
    assert differing.fen("medfee_sumamt") == differing.fen("fund_pay_sumamt") + differing.fen(
        "psn_part_amt"
    )


async def test_a_broken_answer_does_not_add_up(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    broken = await hospital.send("2207", order, fault="broken")
    shared = broken.fen("fund_pay_sumamt") + broken.fen("acct_pay") + broken.fen("psn_cash_pay")
    assert shared == broken.fen("medfee_sumamt") + 1


async def test_a_garbled_answer_is_not_json_and_the_effect_stands(opened: Opener) -> None:
    sandbox, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    assert (await hospital.send("2207", order, fault="garbage")).text.startswith("<html>")
    assert sandbox.state()["effective_settlements"] == 1


async def test_a_server_error_says_nothing_and_the_effect_stands(opened: Opener) -> None:
    sandbox, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    assert (await hospital.send("2207", order, fault="http500")).status == 500
    assert sandbox.state()["effective_settlements"] == 1


async def test_a_repeated_answer_belongs_to_another_msgid(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    _, order = await visited(hospital)
    first = await hospital.send("2207", order)
    _, order = await visited(hospital)
    second = await hospital.send("2207", order, fault="repeat")
    assert second.setlinfo["medins_setl_id"] == first.setlinfo["medins_setl_id"]


def is_genuine(reply: Reply) -> bool:
    genuine: bool = reply.body["genuine"]
    return genuine


async def test_a_wrong_signature_spoils_a_signed_answer(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    _, order = await visited(hospital)
    msgid = hospital.next_msgid()
    forged = await hospital.send("2207", order, msgid=msgid, fault="wrong-signature")
    honest = await hospital.send("2207", order, msgid=msgid)
    assert forged.output == honest.output
    assert is_genuine(honest)
    assert not is_genuine(forged)


@pytest.mark.parametrize("province", ["jiangsu", "zhejiang", "anhui"])
async def test_a_wrong_signature_is_a_401_without_effect_where_answers_are_unsigned(
    opened: Opener, province: str
) -> None:
    sandbox, hospital = await opened(province)
    _, order = await visited(hospital)
    reply = await hospital.send("2207", order, fault="wrong-signature")
    assert (reply.status, reply.body) == (401, {"code": 401, "message": "签名不一致!"})
    assert sandbox.state()["effective_settlements"] == 0


async def test_a_reversal_that_overtakes_its_original_bars_it(opened: Opener) -> None:
    sandbox, hospital = await opened("shanghai")
    _, order = await visited(hospital)
    msgid = hospital.next_msgid()
    back = {"data": {"psn_no": PERSON["psn_no"], "omsgid": msgid, "oinfno": "2207"}}
    assert (await hospital.send("2601", back)).ok
    assert not (await hospital.send("2207", order, msgid=msgid)).ok
    assert sandbox.state()["effective_settlements"] == 0


async def test_the_unanswered_questions_of_2601_are_settings(opened: Opener) -> None:
    rules = Rules(unknown_reversal="refuse", late_original="accept")
    _, hospital = await opened("shanghai", rules=rules)
    back = {"data": {"psn_no": PERSON["psn_no"], "omsgid": "never-sent", "oinfno": "2207"}}
    assert not (await hospital.send("2601", back)).ok


async def test_faults_are_armed_and_cleared_through_the_control_endpoint(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    control = hospital.url + "/sandbox/control"
    async with hospital.session.post(control, json={"arm": ["lose-reply=2@2207"]}) as answer:
        assert await answer.json() == {"armed": ["lose-reply#2"]}
    async with hospital.session.post(control, json={"arm": ["nonsense"]}) as answer:
        assert answer.status == 400
    async with hospital.session.post(control, json={"clear": True}) as answer:
        assert await answer.json() == {"armed": []}


async def test_the_state_endpoint_counts_settlements_and_names_nobody(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    _, order = await visited(hospital)
    await hospital.send("2207", order)
    async with hospital.session.get(hospital.url + "/sandbox/state") as answer:
        text = await answer.text()
    assert '"effective_settlements":1' in text
    assert PERSON["certno"] not in text
