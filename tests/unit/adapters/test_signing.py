"""Each signature scheme gives its published check value, and trusts no answer that was touched."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from adapters.signing import csb_hmac_sha1, tif_sha256, zj_hmac_sm3
from adapters.signing.csb_hmac_sha1 import CsbHmacSha1
from adapters.signing.envelope_sm3 import EnvelopeSm3
from adapters.signing.hmac_sm3 import hmac_sm3
from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict
from adapters.signing.tif_sha256 import TifSha256
from adapters.signing.zj_hmac_sm3 import ZjHmacSm3

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


def test_a_scheme_that_signs_no_answers_says_so() -> None:
    assert CsbHmacSha1(Secrets("", b"k"), "1", 1).verify(answer()) is Verdict.UNSIGNED
    assert ZjHmacSm3(Secrets("", b"k"), answers_signed=False).verify(answer()) is Verdict.UNSIGNED


def test_secrets_are_not_printed() -> None:
    assert "demo" not in repr(EnvelopeSm3(Secrets("", b"demo-secret")))
