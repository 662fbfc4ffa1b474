"""The inspector over HTTP: every message is there, decoded, with nobody's number in it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import PEOPLE, Hospital
from tests.integration.sandbox.test_faults import CUT, visited


async def page(hospital: Hospital, path: str = "", **headers: str) -> tuple[int, str]:
    address = f"{hospital.url}/sandbox/inspector{path}"
    async with hospital.session.get(address, headers=headers) as answer:
        return answer.status, await answer.text()


async def newest(hospital: Hospital, query: str = "") -> str:
    """The page of the newest message."""
    _, listed = await page(hospital, query)
    link = re.search(r'href="/sandbox/inspector(/[0-9]+)"', listed)
    assert link is not None, listed
    return (await page(hospital, link[1]))[1]


@pytest.mark.parametrize("province", ["shanghai", "jiangsu", "zhejiang", "anhui"])
async def test_a_settlement_is_shown_field_by_field_in_chinese(
    opened: Opener, province: str
) -> None:
    _, hospital = await opened(province)
    _, order = await visited(hospital)
    await hospital.send("2207", order)
    shown = await newest(hospital)
    for words in ("门诊结算", "医疗费总额", "就诊凭证编号", "已提交", "验签通过", "基金支付总额"):
        assert words in shown
    assert shown.count(">成立<") == 5
    assert "平台入账" in shown


@pytest.mark.parametrize("province", ["shanghai", "jiangsu", "zhejiang", "anhui"])
async def test_nobodys_number_is_in_a_page_or_in_the_file(
    opened: Opener, tmp_path: Path, province: str
) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["active"]
    await hospital.identify(person["certno"])
    _, order = await visited(hospital)
    await hospital.send("2207", order)
    _, listed = await page(hospital)
    pages = [listed]
    for link in re.findall(r'href="/sandbox/inspector(/[0-9]+)"', listed):
        pages.append((await page(hospital, link))[1])
    assert len(pages) == 6
    with sqlite3.connect(tmp_path / f"{province}.exchanges.sqlite3") as database:
        kept = "".join(database.iterdump())
    for text in (*pages, kept):
        assert person["certno"] not in text
        assert f'"{person["psn_no"]}"' not in text
        assert person["certno"][:3] in text


async def test_a_lost_answer_is_shown_as_committed_and_not_received(opened: Opener) -> None:
    _, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    with pytest.raises(CUT):
        await hospital.send("2207", order, fault="lose-reply=1")
    shown = await newest(hospital, "?outcome=fault")
    for words in ("已提交", "lose-reply", "对方什么也没有收到", "什么也没有到达"):
        assert words in shown


async def test_a_replaced_answer_is_shown_beside_the_platforms_own(opened: Opener) -> None:
    _, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    await hospital.send("2207", order, fault="http502")
    shown = await newest(hospital)
    assert "到达对方的是:HTTP 502" in shown
    assert shown.count(">成立<") == 5


async def test_refusals_say_who_refused_and_why(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    await hospital.send("1101", {"data": {}}, secret="another-secret")
    await hospital.send("1101", {"data": {}})
    assert "签名不一致!" in await newest(hospital, "?outcome=gate")
    refused = await newest(hospital, "?outcome=refused")
    assert "缺少必填字段" in refused
    assert "就诊凭证类型 不能为空" in refused


async def test_a_repeated_message_says_that_it_had_no_second_effect(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    _, order = await visited(hospital)
    msgid = hospital.next_msgid()
    await hospital.send("2207", order, msgid=msgid)
    await hospital.send("2207", order, msgid=msgid)
    assert "没有第二次效果" in await newest(hospital, f"?msgid={msgid}")


async def test_the_list_is_narrowed_by_transaction_msgid_and_outcome(opened: Opener) -> None:
    _, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    await hospital.send("2207", order, msgid="M-2207-1")

    async def count(query: str) -> int:
        _, listed = await page(hospital, query)
        return len(re.findall(r'href="/sandbox/inspector/[0-9]+"', listed))

    assert await count("") == 4
    assert await count("?infno=2207") == 1
    assert await count("?infno=2207A") == 1
    assert await count("?msgid=M-22") == 1
    assert await count("?msgid=%25") == 0
    assert await count("?outcome=ok&infno=2201") == 1
    assert await count("?outcome=refused") == 0


async def test_pages_carry_no_script_and_load_nothing_from_elsewhere(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    await hospital.send("5206", {"data": {"psn_no": "nobody"}})
    for path in ("", "/1", "/inspector.css"):
        address = f"{hospital.url}/sandbox/inspector{path}"
        async with hospital.session.get(address) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
            assert answer.headers["Cache-Control"] == "no-store"
        assert "<script" not in text
        assert not re.search(r"url\(|@import|https?://", text)


async def test_a_name_that_is_not_this_machines_is_refused(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    assert (await page(hospital, "", Host="evil.example:8432"))[0] == 403
    assert (await page(hospital, "/1", Host="evil.example"))[0] == 403
    assert (await page(hospital, "", Host="localhost:8432"))[0] == 200


async def test_a_message_that_is_gone_is_said_to_be_gone(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    status, text = await page(hospital, "/999")
    assert status == 404
    assert "没有这条报文" in text


async def test_what_is_no_message_is_shown_as_the_text_it_is(opened: Opener) -> None:
    _, hospital = await opened("zhejiang")
    await hospital.post("/fsi/api/2207A", b"<xml>\xff", {})
    assert "只能看原文" in await newest(hospital)


async def test_only_the_newest_are_kept(opened: Opener, tmp_path: Path) -> None:
    _, hospital = await opened("jiangsu", keep_exchanges=10)
    for _ in range(120):
        await hospital.send("5206", {"data": {"psn_no": "nobody"}})
    with sqlite3.connect(tmp_path / "jiangsu.exchanges.sqlite3") as database:
        first, last, count = database.execute(
            "SELECT min(number), max(number), count(*) FROM exchanges"
        ).fetchone()
    assert last == 120
    assert (first, count) == (91, 30)


async def test_none_are_kept_where_none_are_wanted(opened: Opener) -> None:
    _, hospital = await opened("jiangsu", keep_exchanges=0)
    await hospital.send("5206", {"data": {"psn_no": "nobody"}})
    assert "没有报文" in (await page(hospital))[1]
