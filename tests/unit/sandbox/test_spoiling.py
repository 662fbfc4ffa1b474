"""What a fault makes of an answer: the values change, the shape and what was stored do not."""

from __future__ import annotations

import pytest

from adapters.sandbox.faults import FaultName
from adapters.sandbox.records import StoredAnswer
from adapters.sandbox.spoiling import spoiled

OUTPUT = (
    '{"setlinfo":{"psn_no":"0012","insutype":"310","medfee_sumamt":12.30,"psn_part_amt":2.30,'
    '"psn_cash_pay":"2.30","cnt":1,"flag":true,"medins_setl_id":"H1"},"setldetail":[{"a":0.10}]}'
)


def after(*names: FaultName) -> str:
    return spoiled(StoredAnswer("ref", 0, "", OUTPUT), set(names)).output


SPOILED = [
    (FaultName.BLANK_NUMBERS, '"medfee_sumamt":"",'),
    (FaultName.BLANK_NUMBERS, '[{"a":""}]'),
    (FaultName.NUMBER_AS_TEXT, '"medfee_sumamt":"12.30",'),
    (FaultName.NUMBER_AS_TEXT, '"cnt":"1","flag":true,'),
    (FaultName.TEXT_AS_NUMBER, '"insutype":310,'),
    (FaultName.TEXT_AS_NUMBER, '"psn_no":"0012",'),
    (FaultName.OTHER_MSGID, '"medins_setl_id":"H2"'),
    (FaultName.BROKEN, '"psn_part_amt":2.32,"psn_cash_pay":"2.31",'),
]


@pytest.mark.parametrize(("name", "there"), SPOILED)
def test_a_fault_spoils_just_what_it_says(name: FaultName, there: str) -> None:
    assert there in after(name)


def test_a_blank_wins_over_the_way_a_number_is_written() -> None:
    assert '"medfee_sumamt":"",' in after(FaultName.NUMBER_AS_TEXT, FaultName.BLANK_NUMBERS)


def test_what_no_fault_is_about_is_the_very_same_answer() -> None:
    answer = StoredAnswer("ref", 0, "", OUTPUT)
    assert spoiled(answer, {FaultName.DELAY, FaultName.TRICKLE}) is answer
    refusal = StoredAnswer("ref", -1, "no", "null")
    assert spoiled(refusal, set(FaultName)) is refusal
