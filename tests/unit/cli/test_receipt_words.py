"""回执核验用语: each step that can fail is said in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.counter import receipt_words
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
