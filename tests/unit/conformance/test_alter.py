"""An answer is altered as told, and nothing else of it."""

from __future__ import annotations

import pytest

from adapters.baseline import wire
from adapters.baseline.errors import BrokenAnswer
from gateway.conformance import alter
from gateway.conformance.relay import Answered

BODY = (
    b'{"infcode":0,"cainfo":"AB","output":'
    b'{"setlinfo":{"a":12.30,"b":"100.00","c":0.00,"age":40,"n":null,"t":"2025-09-10"}}}'
)
ANSWER = Answered(200, {"Content-Type": "application/json"}, BODY)


def output(answered: Answered) -> str:
    return wire.read(answered.body).texts["output"]


@pytest.mark.parametrize(
    ("change", "a", "b", "c"),
    [
        (alter.as_text, '"12.30"', '"100.00"', '"0.00"'),
        (alter.as_number, "12.30", "100.00", "0.00"),
        (alter.shortest, "12.3", "100", "0"),
        (alter.third_decimal, "12.305", "100.005", "0.00"),
        (alter.empty, '""', '""', '""'),
        (alter.null, "null", "null", "null"),
    ],
)
def test_amounts_are_written_otherwise(change: alter.Change, a: str, b: str, c: str) -> None:
    altered = alter.amounts(change)(ANSWER)
    rest = '"age":40,"n":null,"t":"2025-09-10"'
    assert output(altered) == f'{{"setlinfo":{{"a":{a},"b":{b},"c":{c},{rest}}}}}'
    assert altered.body.startswith(b'{"infcode":0,"cainfo":"AB","output":')


def test_the_code_changes_its_type_or_its_value() -> None:
    assert alter.code_of_another_type(ANSWER).body.startswith(b'{"infcode":"0"')
    there_and_back = alter.code_of_another_type(alter.code_of_another_type(ANSWER))
    assert there_and_back.body == BODY
    assert alter.unheard_of_code(ANSWER).body.startswith(b'{"infcode":7')
    with pytest.raises(BrokenAnswer):
        wire.read(alter.code_twice(ANSWER).body)


def test_one_digit_is_another() -> None:
    altered = alter.tampered(ANSWER).body
    assert len(altered) == len(BODY)
    assert [at for at, byte in enumerate(altered) if byte != BODY[at]] == [BODY.rindex(b"0")]


class Reversed:
    """A cipher that anybody breaks."""

    def open(self, sealed: str) -> str:
        return sealed[::-1]

    def seal(self, text: str) -> str:
        return text[::-1]


def test_an_encrypted_output_is_altered_inside() -> None:
    sealed = wire.write(Reversed().seal(output(ANSWER)))
    body = f'{{"infcode":0,"output":{sealed}}}'.encode()
    change = alter.within(Reversed(), alter.amounts(alter.as_text))
    altered = wire.read(change(Answered(200, {}, body)).body).values["output"]
    assert isinstance(altered, str)
    assert Reversed().open(altered) == output(alter.amounts(alter.as_text)(ANSWER))
