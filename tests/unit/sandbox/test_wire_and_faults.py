"""Raw text of a signed member, exact numbers, and the words in which faults are asked for."""

from __future__ import annotations

import re
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
NONSENSE = [
    ("", "应为 名称[=值]"), ("nonsense", "没有故障 'nonsense'"), ("a b", "应为 名称[=值]"),
    ("loose-reply=1", "是否想写 lose-reply"), ("delay", "delay=0.5s"), ("delay=1", "delay=0.5s"),
    ("trickle=5", "trickle=0.5s"), ("delay=9999s", "至多 600s"), ("differ", "differ=100"),
    ("lose-reply=x", "=0.1"), ("lose-reply=0.0", "大于 0"), ("lose-reply=101%", "至多 100%"),
    ("garbage=1.5", "=0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ms"), DELAYS)
def test_a_delay_is_a_duration(text: str, ms: int) -> None:
    assert parse_fault(text).delay_ms == ms


@pytest.mark.parametrize(("bad", "words"), NONSENSE)
def test_a_fault_nobody_understands_says_what_would_be_right(bad: str, words: str) -> None:
    with pytest.raises(FaultSpecError, match=re.escape(words)):
        parse_fault(bad)


def test_every_kind_of_fault_is_named_where_an_unknown_one_is_refused() -> None:
    with pytest.raises(FaultSpecError) as refused:
        parse_fault("nonsense")
    assert all(name.value in str(refused.value) for name in FaultName)


def test_a_fault_hits_settlements_unless_told_otherwise() -> None:
    box = FaultBox(parse_faults("lose-reply=1, delay=1ms, refuse=2401"))
    assert set(box.take("1101", "m")) == {FaultName.DELAY}
    assert set(box.take("2401", "m")) == {FaultName.DELAY, FaultName.REFUSE}
    assert set(box.take("2207A", "m")) == {FaultName.DELAY, FaultName.LOSE_REPLY}
    assert set(box.take("2207A", "m")) == {FaultName.DELAY}


def test_a_fault_may_be_counted_and_aimed() -> None:
    box = FaultBox(parse_faults("garbage@1101#2"))
    assert [set(box.take("1101", "m")) for _ in range(3)] == [{FaultName.GARBAGE}] * 2 + [set()]


@pytest.mark.parametrize("share", ["30%", "0.3", ".3", "0.300000"])
def test_a_share_is_decided_by_the_msgid(share: str) -> None:
    box = FaultBox(parse_faults(f"lose-reply={share}"))
    hit = [bool(box.take("2207", f"m{n}")) for n in range(1000)]
    assert hit == [bool(box.take("2207", f"m{n}")) for n in range(1000)]
    assert 250 < sum(hit) < 350


def test_one_is_once_and_one_point_nought_is_always() -> None:
    once, always = FaultBox(parse_faults("reset=1")), FaultBox(parse_faults("reset=1.0"))
    assert [bool(once.take("2207", f"m{n}")) for n in range(3)] == [True, False, False]
    assert [bool(always.take("2207", f"m{n}")) for n in range(3)] == [True] * 3


def test_the_example_of_the_command_is_understood() -> None:
    first, second = parse_faults("lose-reply=0.1,delay=0.5s")
    assert (first.name, first.share_ppm) == (FaultName.LOSE_REPLY, 100_000)
    assert (second.name, second.delay_ms) == (FaultName.DELAY, 500)
