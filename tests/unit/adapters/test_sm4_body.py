"""A body that travels encrypted: signed first, opened before it is verified, kept in plain text."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.signing.scheme import Secrets, SecretsMissing
from adapters.signing.sm4_body import Mode, Sm4Body, Spelling, hall_key, keys_of
from adapters.sm.sm4 import DecryptionFailed
from adapters.verdict import Read
from tests.unit.adapters.people import attendance, codec, context
from tests.unit.adapters.test_profile_keys import answered, shipped, speaking

GOLDEN: dict[str, Any] = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "adapters" / "signing.toml").read_text("utf-8")
)
TEXT = '{"data":{"psn_name":"测试甲一","amount":12.30}}'
KEY = bytes(range(16))


@pytest.mark.parametrize("mode", ["ecb", "cbc", "gcm"])
@pytest.mark.parametrize("spelling", ["upper-hex", "lower-hex", "base64"])
def test_what_is_sealed_opens_to_the_same_text(mode: Mode, spelling: Spelling) -> None:
    body = Sm4Body((KEY,), mode, spelling)
    sealed = body.seal(TEXT)
    assert "psn_name" not in sealed
    assert body.open(sealed) == TEXT
    assert body.seal(TEXT) == sealed


@pytest.mark.parametrize("mode", ["ecb", "cbc", "gcm"])
@pytest.mark.parametrize("damaged", ["", "zz", "00", "00" * 16, "00" * 40])
def test_whatever_is_wrong_it_does_not_open(mode: Mode, damaged: str) -> None:
    with pytest.raises(DecryptionFailed):
        Sm4Body((KEY,), mode).open(damaged)


@pytest.mark.parametrize("mode", ["ecb", "cbc", "gcm"])
def test_the_key_before_still_opens_and_the_current_one_seals(mode: Mode) -> None:
    old, new = Sm4Body((KEY,), mode), Sm4Body((KEY[::-1], KEY), mode)
    assert new.open(old.seal(TEXT)) == TEXT
    with pytest.raises(DecryptionFailed):
        old.open(new.seal(TEXT))


def test_the_hall_s_key_derivation_gives_its_check_value() -> None:
    case = GOLDEN["sm4"][0]
    key = hall_key(case["app_code"], case["app_secret"].encode())
    assert key.decode() == case["key"]
    body = Sm4Body((key,))
    assert body.seal(case["text"]) == case["sealed"]
    assert body.open(case["sealed"]) == case["text"]


@pytest.mark.parametrize(
    ("secrets", "key_from", "said"),
    [
        (Secrets("short", b"s"), "app-secret", "至少 16 个字符"),
        (Secrets("k", b"not hex"), "secret", "32 位十六进制"),
        (Secrets("k", b"00"), "secret", "32 位十六进制"),
    ],
)
def test_a_key_that_cannot_be_had_is_named(secrets: Secrets, key_from: Any, said: str) -> None:
    with pytest.raises(SecretsMissing, match=said):
        keys_of(secrets, key_from)


def test_a_key_may_be_given_as_it_is() -> None:
    secrets = Secrets("k", KEY.hex().encode(), previous=Secrets("k", KEY[::-1].hex().encode()))
    assert keys_of(secrets, "secret") == (KEY, KEY[::-1])


def test_evidence_is_the_signed_plain_text_and_the_wire_shows_no_name() -> None:
    message = codec("shanghai").person(context("shanghai"), attendance().patient)
    kept, wire = json.loads(message.body), json.loads(message.sent)
    assert kept["input"]["data"]["psn_name"] == "测试甲一"
    assert isinstance(wire["input"], str)
    assert {**kept, "input": ""} == {**wire, "input": ""}
    assert "测试甲一" not in message.sent.decode()
    assert message.body != message.sent


def test_an_answer_under_another_key_is_no_answer_and_is_kept_as_it_came() -> None:
    shanghai = shipped("shanghai")
    other = replace(shanghai, encryption=replace(_encryption(shanghai), key_from="secret"))
    assert answered()("shanghai", shanghai) == Read.__name__
    assert answered()("shanghai", other) == "NoAnswer encryption_wrong"


def test_a_site_may_encrypt_where_the_profile_that_ships_does_not() -> None:
    """Jiangsu's envelope has enc_type already, empty; only the client's own layer is tried here."""
    encryption = replace(_encryption(shipped("shanghai")), mode="gcm", key_from="secret")
    jiangsu = replace(shipped("jiangsu"), encryption=encryption)
    speak = speaking("jiangsu", jiangsu)
    message = speak.person(context("jiangsu"), attendance().patient)
    assert json.loads(message.body)["enc_type"] == json.loads(message.sent)["enc_type"] == "SM4"
    assert speak.cipher is not None
    opened = speak.cipher.open(json.loads(message.sent)["input"])
    assert json.loads(opened) == json.loads(message.body)["input"]


def _encryption(profile: Any) -> Any:
    assert profile.encryption is not None
    return profile.encryption
