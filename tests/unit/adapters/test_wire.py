"""Text and amounts: what is read is exactly what was written, or it is not read at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.baseline import envelope, wire
from adapters.baseline.amounts import Absent, fen, read_fen, yuan
from adapters.baseline.clock_text import read_stamp, stamp
from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.nodes import renamed


def test_the_raw_text_of_each_outermost_member_is_kept() -> None:
    body = b'{"infcode":0, "err_msg":"\\"output\\":1", "output": {"a":12.30,"output":{}} }'
    found = wire.read(body)
    assert found.texts["output"] == '{"a":12.30,"output":{}}'
    assert found.values["output"] == {"a": Decimal("12.30"), "output": {}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"a":1',
        b'{"a":1}x',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,"a":2}',
        b'{"o":{"a":1,"a":2}}',
        b'{"a":1,}',
        b'{"a":"\\ud800"}',
        b'{"a":{"b":["\\uDC00\\ud83d"]}}',
        b"{'a':1}",
        b"\xff{}",
        b"<html>",
        b"{1:2}",
        b"null",
        b'{"a":' + b"[" * 100_000,
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1e40000000000000000000}',
        b'{"a":[{"b":-1E-40000000000000000000}]}',
        b'{"a":1.' + b"1" * 1_000_000 + b"}",
    ],
)
def test_anything_but_one_whole_object_is_a_broken_answer(body: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        wire.read(body)


def test_a_decimal_is_written_digit_for_digit() -> None:
    assert wire.write({"a": Decimal("12.30"), "b": [Decimal("1E+2")], "中": "文"}) == (
        '{"a":12.30,"b":[100],"中":"文"}'
    )


def test_a_float_has_no_place_in_a_message() -> None:
    with pytest.raises(TypeError):
        wire.write({"a": Decimal("NaN")})


@given(st.integers(-(10**15), 10**15))
def test_yuan_and_fen_are_inverses(amount: int) -> None:
    assert fen(yuan(amount), "a") == amount
    assert fen(format(yuan(amount), "f"), "a") == amount


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, 1200),
        (Decimal("12.3"), 1230),
        (Decimal("12.300"), 1230),
        ("12.30", 1230),
        ("-0.01", -1),
        (Decimal("1.2E+1"), 1200),
        (Decimal("-3106.54"), -310654),
        (0, 0),
        ("0", 0),
    ],
)
def test_amounts_are_read_as_numbers_and_as_text(value: wire.Json, expected: int) -> None:
    assert fen(value, "a") == expected


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.001"),
        "0.001",
        "12.345",
        "1e3",
        " 12",
        "+1",
        "１２",
        "12.",
        ".5",
        True,
        [],
        {},
        None,
        "NaN",
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        10**17,
        "1,000.00",
    ],
)
def test_an_amount_that_is_not_exactly_fen_is_broken(value: wire.Json) -> None:
    with pytest.raises(BrokenAnswer):
        fen(value, "a")


def test_null_empty_missing_and_zero_are_four_things() -> None:
    node: wire.Node = {"null": None, "empty": "", "zero": 0}
    assert read_fen(node, "null", "p") is Absent.NULL
    assert read_fen(node, "empty", "p") is Absent.EMPTY
    assert read_fen(node, "missing", "p") is Absent.MISSING
    assert read_fen(node, "zero", "p") == 0


def test_a_wire_time_is_shanghai_and_1900_is_unknown() -> None:
    moment = read_stamp("2025-09-30 23:59:59", "t")
    assert moment is not None
    assert moment.isoformat() == "2025-09-30T15:59:59+00:00"
    assert stamp(moment) == "2025-09-30 23:59:59"
    assert read_stamp("1900-01-01 00:00:00", "t") is None
    assert read_stamp(None, "t") is None
    with pytest.raises(BrokenAnswer):
        read_stamp("2025-09-30", "t")


def test_input_is_the_last_member_of_the_envelope() -> None:
    assert envelope.build({"infno": "1101"}, "input", '{"data":{}}') == (
        b'{"infno":"1101","input":{"data":{}}}'
    )
    assert envelope.build({}, "rows", "[]") == b'{"rows":[]}'


@pytest.mark.parametrize(
    ("text", "infcode"),
    [
        ('{"infcode":0}', "0"),
        ('{"infcode":"0"}', "0"),
        ('{"infcode":-1,"output":null}', "-1"),
        ('{"infcode":0.0,"output":""}', "0"),
    ],
)
def test_an_infcode_is_a_number_or_a_text(text: str, infcode: str) -> None:
    body = text.encode()
    reply = envelope.of(wire.read(body), body)
    assert reply.infcode == infcode
    assert reply.output == {}


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"infcode":null}',
        '{"infcode":""}',
        '{"infcode":true}',
        '{"infcode":0.5}',
        '{"infcode":1e999999999}',
        '{"infcode":-1E-999999999}',
        '{"infcode":0,"output":[]}',
        '{"infcode":0,"output":"x"}',
    ],
)
def test_an_answer_without_a_readable_infcode_is_broken(text: str) -> None:
    body = text.encode()
    with pytest.raises(BrokenAnswer):
        envelope.of(wire.read(body), body)


def test_an_alias_fills_an_absent_name_and_never_contradicts_it() -> None:
    assert renamed({"theirs": 1, "ours": None}, {"theirs": "ours"}, "p") == {"ours": 1}
    assert renamed({"theirs": None, "ours": 2}, {"theirs": "ours"}, "p") == {"ours": 2}
    with pytest.raises(BrokenAnswer):
        renamed({"theirs": 1, "ours": 2}, {"theirs": "ours"}, "p")


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert wire.read(b'{"a":"\\ud83d\\ude00"}').values == {"a": "\U0001f600"}
