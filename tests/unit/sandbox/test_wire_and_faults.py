"""Raw text of a signed member, exact numbers, and the words in which faults are asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.sandbox.faults import FaultBox, FaultName, FaultSpecError, parse_fault, parse_faults
from adapters.sandbox.wire import BadField, Unreadable, dump, fen_of, parse, raw_tail, yuan

TAILS = [
    ('{"a":1,"input":{"x":12.30}}', '{"x":12.30}'),
    ('{ "a" : {"input":1} , "input" : {"x":"}\\"{"} \n}', '{"x":"}\\"{"}'),
    ('{"note":"\\"input\\":{}","input":{}}', "{}"),
    ('{"input":null}', "null"),
    ('{"in":["input",{"input":2}],"input":{"输入":"值"}}', '{"输入":"值"}'),
]


@pytest.mark.parametrize(("text", "tail"), TAILS)
def test_the_signed_text_is_the_outermost_last_members_own(text: str, tail: str) -> None:
    assert raw_tail(text, "input") == tail


def test_a_message_without_the_signed_member_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        raw_tail('{"a":{"input":1}}', "input")


def test_numbers_keep_their_decimals_both_ways() -> None:
    assert dump(parse(b'{"a":12.30,"b":0.000001,"c":[1,null,true,"\xe5\x80\xbc"]}')) == (
        '{"a":12.30,"b":0.000001,"c":[1,null,true,"值"]}'
    )
    assert dump(yuan(-1230)) == "-12.30"


@pytest.mark.parametrize("bad", ["1.001", "", "x", "NaN", "1e99999", True, None, [], "1" * 50])
def test_what_is_no_amount_is_refused(bad: object) -> None:
    with pytest.raises(BadField):
        fen_of(bad, "amount")  # type: ignore[arg-type]  # any JSON, and worse


@pytest.mark.parametrize(("good", "fen"), [("12.3", 1230), (Decimal("0.10"), 10), (7, 700)])
def test_an_amount_may_come_as_number_or_text(good: str | Decimal | int, fen: int) -> None:
    assert fen_of(good, "amount") == fen


@pytest.mark.parametrize("bad", [b"", b"[]", b"{", b'{"a":NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_message_is_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(bad)


DELAYS = [("delay=0.5s", 500), ("delay=20ms", 20), ("delay=2s", 2000)]
NONSENSE = ["", "nonsense", "delay", "delay=1", "differ", "lose-reply=x", "a b"]


@pytest.mark.parametrize(("text", "ms"), DELAYS)
def test_a_delay_is_a_duration(text: str, ms: int) -> None:
    assert parse_fault(text).delay_ms == ms


@pytest.mark.parametrize("bad", NONSENSE)
def test_a_fault_nobody_understands_says_so(bad: str) -> None:
    with pytest.raises(FaultSpecError):
        parse_fault(bad)


def test_a_fault_hits_settlements_unless_told_otherwise() -> None:
    box = FaultBox(parse_faults("lose-reply=1, delay=1ms, refuse=2401"))
    assert set(box.take("1101", "m")) == {FaultName.DELAY}
    assert set(box.take("2401", "m")) == {FaultName.DELAY, FaultName.REFUSE}
    assert set(box.take("2207A", "m")) == {FaultName.DELAY, FaultName.LOSE_REPLY}
    assert set(box.take("2207A", "m")) == {FaultName.DELAY}


def test_a_fault_may_be_counted_and_aimed() -> None:
    box = FaultBox(parse_faults("garbage@1101#2"))
    assert [set(box.take("1101", "m")) for _ in range(3)] == [{FaultName.GARBAGE}] * 2 + [set()]


def test_a_percentage_is_decided_by_the_msgid() -> None:
    box = FaultBox(parse_faults("lose-reply=30%"))
    hit = [bool(box.take("2207", f"m{n}")) for n in range(1000)]
    assert hit == [bool(box.take("2207", f"m{n}")) for n in range(1000)]
    assert 200 < sum(hit) < 400
