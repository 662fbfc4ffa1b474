"""查账用语: an audit is read in Chinese, and nothing that was counted gets lost in translation."""

from __future__ import annotations

import re

from gateway.counter.audit_words import counted, to_do
from ledger.report import INVESTIGATE, REBUILD, RESTORE


def test_what_was_counted_has_a_chinese_name_and_its_number() -> None:
    assert counted({"legs": 4, "entries": 2, "openings_erased": 0}) == "分录 2、借贷行 4"


def test_what_has_no_name_yet_is_still_shown() -> None:
    assert counted({"novelties": 3}) == "novelties 3"


def test_each_advice_of_the_ledger_is_said_in_chinese() -> None:
    for advice in (RESTORE, REBUILD, INVESTIGATE):
        assert re.search(r"[一-鿿]", to_do(advice)) and not re.search(r"[A-Za-z]", to_do(advice))
    assert to_do("Ask for it again.") == "Ask for it again."
