"""回执核验用语: each step that can fail is said in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.counter import receipt_words
from gateway.domain.claim_record import Standing
from ledger import receipt

STEPS = set(
    re.findall(r'ReceiptInvalid\(\s*"([A-Z0-9_]+)"', Path(receipt.__file__).read_text("utf-8"))
)


def test_each_step_of_a_receipt_has_its_words() -> None:
    assert STEPS and STEPS | {"FILE"} == set(receipt_words._STEPS)
    for step in STEPS:
        for text in (receipt_words.failed(step), receipt_words.advice(step, "Ask.")):
            assert re.search(r"[一-鿿]", text)


def test_what_has_no_word_yet_is_still_shown() -> None:
    assert receipt_words.failed("NOVELTY") == "NOVELTY"
    assert receipt_words.advice("NOVELTY", "Ask.") == "Ask."


def test_a_record_says_which_statement_and_who_decided() -> None:
    statement = {"standing": "taken_back", "days": ["2026-11-24", "2026-11-24"], "msgids": ["M1"]}
    decided = {"operator": "operator-1", "reason": "金额有误"}
    lines = receipt_words.grounds({"statement": statement, "decided": decided})
    assert lines == [
        "对账确认(2026-11-24,报文 M1):该笔结算已在参保地冲销",
        "人工处理:operator-1,原因:金额有误",
    ]
    near_midnight = {**statement, "days": ["2026-11-24", "2026-11-25"], "standing": "absent"}
    (line,) = receipt_words.grounds({"statement": near_midnight})
    assert "2026-11-24 至 2026-11-25" in line
    assert receipt_words.grounds({}) == []


def test_each_standing_of_a_statement_has_its_words() -> None:
    assert {standing.value for standing in Standing} == set(receipt_words._STANDINGS)
