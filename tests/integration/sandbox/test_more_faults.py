"""Faults of the way: what arrives when a line, a proxy or a platform spoils an answer."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import Hospital
from tests.integration.sandbox.test_faults import visited

BOUND_S = 10


async def test_a_truncated_answer_is_half_an_answer_and_the_effect_stands(opened: Opener) -> None:
    sandbox, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    reply = await hospital.send("2207", order, fault="truncate=1")
    assert reply.text.startswith('{"infcode":"0"')
    with pytest.raises(ValueError, match=r"line 1 column"):
        _ = reply.body
    assert sandbox.state()["effective_settlements"] == 1


async def test_a_proxys_page_says_nothing_and_the_effect_stands(opened: Opener) -> None:
    sandbox, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    reply = await hospital.send("2207", order, fault="http502")
    assert (reply.status, "502 Bad Gateway" in reply.text) == (502, True)
    assert sandbox.state()["effective_settlements"] == 1


@pytest.mark.parametrize(
    ("fault", "amount"),
    [("blank-numbers", '"hifp_pay":"",'), ("number-as-text", '"hifes_pay":"0.00",')],
)
async def test_numbers_come_in_the_wrong_clothes(opened: Opener, fault: str, amount: str) -> None:
    _, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    assert amount in (await hospital.send("2207", order, fault=fault)).text


async def test_a_signed_answer_is_signed_after_it_was_spoiled(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    _, order = await visited(hospital)
    reply = await hospital.send("2207", order, fault="text-as-number")
    assert reply.body["genuine"]
    assert reply.setlinfo["insutype"] == 310


async def test_an_answer_may_name_another_msgid(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    msgid = hospital.next_msgid()
    named = (await hospital.send("2207", order, msgid=msgid, fault="other-msgid")).setlinfo
    assert named["medins_setl_id"] != msgid
    assert named["medins_setl_id"][:-1] == msgid[:-1]


async def test_what_was_stored_is_not_what_was_spoiled(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    msgid = hospital.next_msgid()
    await hospital.send("2207", order, msgid=msgid, fault="blank-numbers,other-msgid")
    again = (await hospital.send("2207", order, msgid=msgid)).setlinfo
    assert again["medins_setl_id"] == msgid
    assert again["hifp_pay"] != ""


async def test_an_answer_comes_drop_by_drop_and_whole(opened: Opener) -> None:
    slept: list[int] = []

    async def sleep_ms(milliseconds: int) -> None:
        slept.append(milliseconds)

    sandbox, hospital = await opened("jiangsu", sleep_ms=sleep_ms)
    _, order = await visited(hospital)
    reply = await hospital.send("2207", order, fault="trickle=2s")
    assert reply.ok
    assert slept == [200] * 10
    assert sandbox.state()["effective_settlements"] == 1


async def test_a_reset_comes_before_the_first_header_and_the_effect_stands(opened: Opener) -> None:
    sandbox, hospital = await opened("shanghai", "reset=1")
    _, order = await visited(hospital)
    with pytest.raises(aiohttp.ClientOSError):
        await hospital.send("2207", order)
    assert sandbox.state()["effective_settlements"] == 1


async def raw_answer(hospital: Hospital, order: dict[str, object], fault: str) -> bytes:
    """Everything that comes on the connection, as bytes."""
    envelope = hospital.envelope("2207", hospital.next_msgid())
    body, headers = hospital.sign(envelope, order, "demo-secret")
    lines = [
        "POST /fsi/api/rsfComIfsService/callService HTTP/1.1", "Host: localhost",
        f"Content-Length: {len(body)}", f"x-sandbox-fault: {fault}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]  # fmt: skip
    port = urlsplit(hospital.url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    try:
        return await asyncio.wait_for(reader.read(), BOUND_S)
    finally:
        writer.close()


async def test_a_duplicate_is_two_whole_answers_on_one_connection(opened: Opener) -> None:
    sandbox, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    came = await raw_answer(hospital, order, "duplicate=1")
    first, second = came.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first == second
    assert first.rstrip().endswith(b"}")
    assert sandbox.state()["effective_settlements"] == 1


async def test_a_reset_is_no_orderly_end(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    with pytest.raises(ConnectionResetError):
        await raw_answer(hospital, order, "reset=1")
    assert await raw_answer(hospital, order, "lose-reply=1") == b""


async def test_a_share_of_a_tenth_loses_about_a_tenth(opened: Opener) -> None:
    _, hospital = await opened("jiangsu", "garbage=0.1@5206")
    replies = [
        (await hospital.send("5206", {"data": {"psn_no": "nobody"}})).text for _ in range(200)
    ]
    assert 8 <= sum(text.startswith("<html>") for text in replies) <= 35


async def test_a_header_that_makes_no_sense_is_told_and_has_no_effect(opened: Opener) -> None:
    sandbox, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    reply = await hospital.send("2207", order, fault="loose-reply=1")
    assert reply.status == 400
    assert "lose-reply" in reply.body["error"]
    assert sandbox.state()["effective_settlements"] == 0
