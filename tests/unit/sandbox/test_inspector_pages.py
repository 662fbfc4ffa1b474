"""The inspector's pages as text: nothing from outside becomes markup, no script, no other host."""

from __future__ import annotations

import re

from adapters.sandbox.exchanges import Exchange, Wanted
from adapters.sandbox.inspector import PAGE_SIZE, Heading, list_page, message_page

HEADING = Heading("浙江", "330400", "zj-hmac-sm3", "2025-09-30 10:00:00", 3, ["lose-reply#1"])
EVIL = '"><script>alert(1)</script>'


def exchange(number: int = 7, **changed: object) -> Exchange:
    fields: dict[str, object] = {
        "at": "2025-09-30 10:00:00.000", "path": "/fsi/api/2207A", "headers": {"x-ca-key": "k"},
        "request_bytes": 9, "request": '{"infno":"2207A","input":{"data":{"psn_no":"330"}}}',
        "infno": "2207A", "msgid": "M1", "institution": "H1", "gate": "验签通过", "admitted": True,
        "outcome": "ok", "effect": "已提交", "status": 200, "number": number,
    }  # fmt: skip
    return Exchange(**fields | changed)  # type: ignore[arg-type]  # fields by name


def test_what_comes_from_outside_is_text_and_stays_text() -> None:
    names = ("path", "infno", "msgid", "institution", "err_msg", "effect", "request", "answer")
    texts: dict[str, object] = dict.fromkeys(names, EVIL)
    evil = exchange(7, **texts, headers={EVIL: EVIL}, faults=[EVIL], outcome=EVIL)
    evil.request = '{"<b>":"<i>","input":{"data":{"<u>":"<s>"}}}'
    heading = Heading(EVIL, EVIL, EVIL, EVIL, 0, [EVIL])
    pages = [
        list_page(heading, Wanted(EVIL, EVIL, EVIL), [evil] * (PAGE_SIZE + 1)),
        message_page(heading, evil, None),
    ]
    for page in pages:
        for mark in ("<script", "<i>", "<u>", "<s>", "javascript:", "http://", "https://"):
            assert mark not in page


def test_the_list_says_what_the_other_side_got() -> None:
    page = list_page(
        HEADING, Wanted(), [exchange(status=0), exchange(arrived="页", answer="{}", status=502)]
    )
    assert "对方什么也没有收到" in page
    assert "对方收到的是 HTTP 502" in page
    assert "<b>2207A</b> 门诊结算" in page


def test_older_messages_are_a_link_that_keeps_the_filter() -> None:
    found = [exchange(number) for number in range(PAGE_SIZE + 5, 4, -1)]
    page = list_page(HEADING, Wanted(infno="2207", outcome="ok"), found)
    link = re.search(r'href="([^"]+before=[^"]+)"', page)
    assert link is not None
    assert link[1].endswith("?infno=2207&amp;outcome=ok&amp;before=6")
    assert page.count('<tr class="ok">') == PAGE_SIZE


def test_an_empty_list_says_what_to_do() -> None:
    assert "没有报文" in list_page(HEADING, Wanted(), [])
