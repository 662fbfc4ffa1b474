"""Each signature scheme gives its published check value, and trusts no answer that was touched."""

from __future__ import annotations

import base64
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.baseline.errors import UnsendableMessage
from adapters.signing import csb_hmac_sha1, tif_sha256, zj_hmac_sm3
from adapters.signing.csb_hmac_sha1 import CsbHmacSha1
from adapters.signing.envelope_sm2 import EnvelopeSm2
from adapters.signing.envelope_sm3 import EnvelopeSm3
from adapters.signing.hmac_sm3 import hmac_sm3
from adapters.signing.scheme import Answer, Outgoing, Secrets, Sm2Keys, Verdict
from adapters.signing.tif_sha256 import TifSha256
from adapters.signing.zj_hmac_sm3 import ZjHmacSm3
from adapters.sm.keys import Sm2PublicKey
from adapters.sm.provider import SmProviderBroken
from adapters.sm.selection import need_sm2
from gateway.demo.dev_keys import dev_key
from tests.unit.adapters.people import attendance, codec, context

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "adapters" / "signing.toml").read_text("utf-8")
)


def secrets(case: dict[str, Any], name: str = "secret") -> Secrets:
    return Secrets(case.get("access_key", "key"), case[name].encode())


def test_csb_signs_the_four_sorted_headers() -> None:
    case = GOLDEN["csb"][0]
    scheme = CsbHmacSha1(secrets(case), case["api_version"], clock_unit_ms=1)
    headers = scheme.headers(Outgoing(case["api_name"], b"any body", case["clock_ms"], "n"))
    assert headers["_api_signature"] == case["signature"]
    assert headers["_api_timestamp"] == "1700000000000"


def test_csb_counts_seconds_where_the_profile_says_so() -> None:
    case = GOLDEN["csb"][0]
    scheme = CsbHmacSha1(secrets(case), case["api_version"], clock_unit_ms=1000)
    headers = scheme.headers(Outgoing("1101", b"", case["clock_ms"], "n"))
    assert headers["_api_timestamp"] == "1700000000"
    assert (
        csb_hmac_sha1.signature(
            b"demo-sk", {name: value for name, value in headers.items() if name != "_api_signature"}
        )
        == headers["_api_signature"]
    )


def test_tif_signs_stamp_token_and_nonce_in_the_case_asked_for() -> None:
    case = GOLDEN["tif"][0]
    request = Outgoing("1101", b"", case["clock_ms"], case["nonce"])
    upper = TifSha256(secrets(case, "token"), nonce_ttl_s=0).headers(request)
    lower = TifSha256(secrets(case, "token"), "lower", nonce_ttl_s=0).headers(request)
    assert upper["x-tif-signature"] == case["signature"]
    assert lower["x-tif-signature"] == case["signature"].lower()
    assert tif_sha256.signature(b"demo-token", "1700000000", "abc123").upper() == case["signature"]


def test_zhejiang_signs_stamp_and_body() -> None:
    case = GOLDEN["zj"][0]
    scheme = ZjHmacSm3(secrets(case), answers_signed=False)
    headers = scheme.headers(Outgoing("1101", case["body"].encode(), case["clock_ms"], "n"))
    assert headers["x-ca-signature"] == case["signature"]


def answer(**changes: Any) -> Answer:
    given: dict[str, Any] = {
        "headers": {},
        "body": b"",
        "output_text": '{"data":1}',
        "signature": "",
        "signature_type": "SM3",
        "clock_ms": 1_700_000_000_000,
    }
    return Answer(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.VERIFIED),
        ({"output_text": '{"data": 1}'}, Verdict.WRONG),
        ({"signature": ""}, Verdict.MISSING),
        ({"signature_type": ""}, Verdict.WRONG),
        ({"signature_type": "MOCK"}, Verdict.WRONG),
        ({"signature": hmac_sm3(b"k", b'{"data":1}').lower()}, Verdict.WRONG),
        ({"signature": hmac_sm3(b"other", b'{"data":1}')}, Verdict.WRONG),
    ],
)
def test_an_envelope_answer_is_believed_only_as_it_was_signed(
    changes: dict[str, str], verdict: Verdict
) -> None:
    scheme = EnvelopeSm3(Secrets("", b"k"))
    signed = {"signature": hmac_sm3(b"k", b'{"data":1}')}
    assert scheme.verify(answer(**(signed | changes))) is verdict


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        (zj_hmac_sm3.signature(b"k", "1700000000000", b"{}"), Verdict.VERIFIED),
        (zj_hmac_sm3.signature(b"k", "1700000000000", b"{ }"), Verdict.WRONG),
        (zj_hmac_sm3.signature(b"k", "1600000000000", b"{}"), Verdict.WRONG),
        ("no-stamp:" + hmac_sm3(b"k", b"no-stamp\n{}"), Verdict.WRONG),
        ("", Verdict.MISSING),
    ],
)
def test_a_signed_zhejiang_answer_needs_its_stamp_and_its_body(
    header: str, verdict: Verdict
) -> None:
    scheme = ZjHmacSm3(Secrets("", b"k"), answers_signed=True)
    assert scheme.verify(answer(body=b"{}", headers={"x-ca-signature": header})) is verdict


OURS, THEIRS = dev_key(lambda: bytes([1]) * 32), dev_key(lambda: bytes([2]) * 32)
SM2 = EnvelopeSm2(Secrets("", b"", Sm2Keys(OURS, THEIRS.public)), need_sm2("测试"))
SEEN_FROM_THERE = EnvelopeSm2(Secrets("", b"", Sm2Keys(THEIRS, OURS.public)), need_sm2("测试"))


def test_an_sm2_signature_is_raw_base64_and_holds_for_the_exact_text() -> None:
    signed = SM2.envelope('{"data":1}')
    assert signed["signtype"] == "SM2"
    assert len(base64.b64decode(signed["cainfo"])) == 64
    assert SM2.headers(Outgoing("1101", b"", 0, "n")) == {}
    given = {"signature": signed["cainfo"], "signature_type": "SM2"}
    assert SEEN_FROM_THERE.verify(answer(**given)) is Verdict.VERIFIED
    assert SEEN_FROM_THERE.verify(answer(**given, output_text='{"data": 1}')) is Verdict.WRONG


def test_a_signature_recorded_once_holds_for_ever() -> None:
    case = GOLDEN["sm2"][0]
    keys = Sm2Keys(OURS, Sm2PublicKey(bytes.fromhex(case["public_key"])))
    scheme = EnvelopeSm2(Secrets("", b"", keys), need_sm2("测试"))
    given = {"signature": case["cainfo"], "signature_type": "SM2", "output_text": case["text"]}
    assert scheme.verify(answer(**given)) is Verdict.VERIFIED
    other = replace(scheme, identity=b"somebody@else")
    assert other.verify(answer(**given)) is Verdict.WRONG


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"signature": ""}, Verdict.MISSING),
        ({"signature_type": ""}, Verdict.WRONG),
        ({"signature_type": "SM3"}, Verdict.WRONG),
        ({"signature_type": "MOCK"}, Verdict.WRONG),
        ({"signature": "not base64!"}, Verdict.WRONG),
        ({"signature": "签名"}, Verdict.WRONG),
        ({"signature": base64.b64encode(bytes(64)).decode()}, Verdict.WRONG),
        ({"signature": base64.b64encode(bytes(63)).decode()}, Verdict.WRONG),
        ({"output_text": ""}, Verdict.WRONG),
        ({"signature": SM2.envelope('{"data":1}')["cainfo"]}, Verdict.WRONG),
    ],
)
def test_an_sm2_answer_is_believed_only_as_the_platform_signed_it(
    changes: dict[str, str], verdict: Verdict
) -> None:
    cainfo = SEEN_FROM_THERE.envelope('{"data":1}')["cainfo"]
    given = {"signature": cainfo, "signature_type": "SM2"}
    assert SM2.verify(answer(**given)) is Verdict.VERIFIED
    assert SM2.verify(answer(**(given | changes))) is verdict


class BrokenProvider:
    """An SM2 library that stopped working after its self-test."""

    name, version, can_sign = "broken", "0", True

    def sign(self, *_: object) -> bytes:
        raise SmProviderBroken("no memory")

    def verify(self, *_: object) -> bool:
        raise SmProviderBroken("no memory")


def test_what_cannot_be_verified_is_not_verified_and_what_cannot_be_signed_not_sent() -> None:
    cainfo = SEEN_FROM_THERE.envelope('{"data":1}')["cainfo"]
    broken = replace(SM2, provider=BrokenProvider())
    assert broken.verify(answer(signature=cainfo, signature_type="SM2")) is Verdict.WRONG
    speak = codec("shanghai")
    speak.scheme = broken
    with pytest.raises(UnsendableMessage, match="1101 cainfo: cannot be signed"):
        speak.person(context("shanghai"), attendance().patient)


def test_while_two_keys_live_an_answer_may_be_signed_with_either() -> None:
    new = Secrets("", b"new", Sm2Keys(OURS, OURS.public))
    both = replace(new, previous=Secrets("", b"k", Sm2Keys(OURS, THEIRS.public)))
    cainfo = SEEN_FROM_THERE.envelope('{"data":1}')["cainfo"]
    sm2 = answer(signature=cainfo, signature_type="SM2")
    sm3 = answer(signature=hmac_sm3(b"k", b'{"data":1}'))
    zj = answer(
        body=b"{}",
        headers={"x-ca-signature": zj_hmac_sm3.signature(b"k", "1700000000000", b"{}")},
    )
    for secrets, verdict in ((both, Verdict.VERIFIED), (new, Verdict.WRONG)):
        assert EnvelopeSm2(secrets, need_sm2("测试")).verify(sm2) is verdict
        assert EnvelopeSm3(secrets).verify(sm3) is verdict
        assert ZjHmacSm3(secrets, answers_signed=True).verify(zj) is verdict
    signed = EnvelopeSm3(both).envelope("{}")["cainfo"]
    assert signed == hmac_sm3(b"new", b"{}")


def test_a_scheme_that_signs_no_answers_says_so() -> None:
    assert CsbHmacSha1(Secrets("", b"k"), "1", 1).verify(answer()) is Verdict.UNSIGNED
    assert ZjHmacSm3(Secrets("", b"k"), answers_signed=False).verify(answer()) is Verdict.UNSIGNED


def test_secrets_are_not_printed() -> None:
    assert "demo" not in repr(EnvelopeSm3(Secrets("", b"demo-secret")))
    assert OURS.secret.hex() not in repr(SM2)
    assert repr(OURS.secret) not in repr(SM2)
