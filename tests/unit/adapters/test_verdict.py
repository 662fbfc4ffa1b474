"""Only an answer that was read and verified decides; in doubt there is no answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from adapters import wiring
from adapters.outcome import Cause, Delivered
from adapters.outcome import NoAnswer as Lost
from adapters.outcome import NotDelivered as Unsent
from adapters.signing import schemes
from adapters.signing.envelope_sm3 import EnvelopeSm3
from adapters.signing.hmac_sm3 import hmac_sm3
from adapters.signing.scheme import Answer, Outgoing, Secrets
from adapters.verdict import Judged, Read, Sent, judge
from gateway.ports import Declined, NoAnswer, NotDelivered

SENT = Sent("2207", b"{}", 1_757_471_400_000)


def judged(body: str, status: int = 200, *, signed: bool = False) -> Judged:
    profile = wiring.book_of("adapters.jiangsu").at(date(2025, 9, 10))
    scheme = schemes.of(profile.signing, Secrets("k", b"s"))
    if signed:
        scheme = EnvelopeSm3(Secrets("k", b"s"))
    return judge(Delivered(status, {}, body.encode(), 5), SENT, scheme, profile.conventions)


@pytest.mark.parametrize("body", ['{"infcode":0,"output":{}}', '{"infcode":"0"}'])
def test_success_is_read(body: str) -> None:
    assert isinstance(judged(body), Read)


def test_minus_one_is_a_refusal_with_its_words() -> None:
    found = judged('{"infcode":-1,"err_msg":"参保状态异常"}')
    assert isinstance(found, Declined)
    assert (found.code, found.text) == ("-1", "参保状态异常")


def test_the_words_of_a_refusal_are_one_printable_line_of_bounded_length() -> None:
    words = json.dumps("余额不足\x1b[2J\n\u202e请" + "长" * 9_000)
    found = judged(f'{{"infcode":-1,"err_msg":{words}}}')
    assert isinstance(found, Declined)
    assert found.text.startswith("余额不足 [2J  请长") and len(found.text) == 500
    turned_away = judged(f'{{"code":401,"message":{words}}}')
    assert isinstance(turned_away, NotDelivered)
    assert turned_away.cause.isprintable() and len(turned_away.cause) == 120


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"infcode":-2}', 200),
        ('{"infcode":"1"}', 200),
        ('{"infcode":99999}', 200),
        ("{}", 200),
        ("", 200),
        ("<html>", 200),
        ('{"infcode":0,"output":{}', 200),
        ('{"infcode":0,"output":{"a":1e40000000000000000000}}', 200),
        ('{"infcode":1e999999999}', 200),
        ('{"infcode":0}', 404),
        ('{"infcode":0}', 201),
        ("Unauthorized", 401),
        ('{"infcode":-1,"code":401}', 401),
        ('{"code":401,"message":"x","output":{"setlinfo":{"setl_id":"S1"}}}', 200),
        ('{"code":401,"message":"x","cainfo":"00"}', 200),
        ('{"code":500,"message":"x"}', 200),
        ('{"code":403}', 403),
    ],
)
def test_anything_doubtful_is_no_answer_with_its_bytes(body: str, status: int) -> None:
    found = judged(body, status)
    assert isinstance(found, NoAnswer)
    assert found.exchange.reply == body.encode()


@pytest.mark.parametrize("status", [200, 401])
def test_the_service_gateway_s_401_is_not_delivered(status: int) -> None:
    found = judged('{"code":401,"message":"签名不一致!"}', status)
    assert isinstance(found, NotDelivered)
    assert found.cause == "gateway_401 签名不一致!"


def test_a_nonce_that_was_seen_says_that_the_message_was_there_before() -> None:
    profile = wiring.book_of("adapters.jiangsu").at(date(2025, 9, 10))
    conventions = replace(profile.conventions, replayed_texts=("随机数重复",))
    scheme = schemes.of(profile.signing, Secrets("k", b"s"))
    for text, kind in (("签名随机数重复!", NoAnswer), ("签名不一致!", NotDelivered)):
        body = f'{{"code":401,"message":"{text}"}}'.encode()
        assert isinstance(judge(Delivered(401, {}, body, 5), SENT, scheme, conventions), kind)


def test_an_answer_that_must_be_signed_and_is_not_decides_nothing() -> None:
    for text in ('{"infcode":0,"output":{}}', '{"infcode":-1,"err_msg":"no","output":null}'):
        assert isinstance(judged(text, signed=True), NoAnswer)


def test_an_answer_signed_over_its_exact_output_is_read() -> None:
    mac = hmac_sm3(b"s", b'{ "a":1.0 }')
    text = f'{{"infcode":0,"signtype":"SM3","cainfo":"{mac}","output":{{ "a":1.0 }}}}'
    assert isinstance(judged(text, signed=True), Read)
    assert isinstance(judged(text.replace("1.0", "1.00"), signed=True), NoAnswer)


@pytest.mark.parametrize(("code", "kind"), [("0", Read), ("-1", NoAnswer)])
def test_a_signed_settlement_under_a_code_that_was_turned_round_is_no_refusal(
    code: str, kind: type[Judged]
) -> None:
    output = '{"setlinfo":{"setl_id":"S1"}}'
    mac = hmac_sm3(b"s", output.encode())
    text = f'{{"infcode":{code},"signtype":"SM3","cainfo":"{mac}","output":{output}}}'
    assert isinstance(judged(text, signed=True), kind)


def test_the_transport_s_words_are_passed_on() -> None:
    profile = wiring.book_of("adapters.jiangsu").at(date(2025, 9, 10))
    scheme = schemes.of(profile.signing, Secrets("k", b"s"))
    lost = judge(Lost(Cause.TIMEOUT, "x", b"half"), SENT, scheme, profile.conventions)
    unsent = judge(Unsent(Cause.BREAKER_OPEN), SENT, scheme, profile.conventions)
    assert isinstance(lost, NoAnswer)
    assert lost.exchange.reply == b"half"
    assert isinstance(unsent, NotDelivered)
    assert unsent.cause == "breaker_open"


def test_what_is_about_a_person_is_not_printed() -> None:
    found = judged('{"infcode":0,"output":{"psn_name":"somebody"}}')
    assert isinstance(found, Read)
    kept = (found, found.reply, Sent("1101", b"somebody", 1), Outgoing("1101", b"somebody", 1, "n"))
    answered = Answer({}, b"somebody", '"somebody"', "", "", 1)
    assert "somebody" not in repr((*kept, answered))
