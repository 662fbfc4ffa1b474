"""Every key of a profile is obeyed: another value changes what leaves, or what is believed."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adapters import wiring
from adapters.baseline.codec import NationalCodec
from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.profile import (
    Aliases,
    Conventions,
    Dictionary,
    Files,
    Profile,
    Timing,
    Wire,
)
from adapters.baseline.profile_section import Section
from adapters.baseline.profile_signing import SIGNING_KEYS, Encryption, Signing
from adapters.national_client import NationalClient
from adapters.outcome import Delivered
from adapters.signing import schemes
from adapters.signing.scheme import Outgoing, Secrets
from adapters.signing.zj_hmac_sm3 import signature
from adapters.sm.keys import Sm2PrivateKey
from adapters.sm.selection import need_sm2
from adapters.transport import Limits, Transport
from adapters.verdict import Read, Sent, judge, reading_of
from gateway.domain.bill import VisitKind
from gateway.ports import CancelOrder, NotDelivered
from tests.architecture.sources import HOME
from tests.stand_in_secrets import our_secrets, platform_secrets
from tests.unit.adapters.people import CLASSES, NOW, attendance, context
from tests.unit.adapters.recorded import PSN_TYPES, messages_of, shown

DAY = date(2025, 9, 10)
NOW_MS = (NOW - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
COMMON = {field.name for field in fields(Section)}
Observe = Callable[[str, Profile], object]


def shipped(province: str) -> Profile:
    return wiring.book_of(f"adapters.{province}").at(DAY)


def keys(province: str) -> Secrets:
    """Ours, with a secret that may also be an SM4 key: 32 hex digits."""
    ours = our_secrets(province)
    return replace(ours, secret=ours.secret[:32])


def speaking(province: str, profile: Profile) -> NationalCodec:
    secrets = keys(province)
    return CLASSES[province](
        profile,
        schemes.of(profile.signing, secrets, profile.name_zh),
        cipher=schemes.cipher_of(profile.encryption, secrets),
    )


def sent(province: str, profile: Profile) -> object:
    """Every message that leaves, with path and headers."""
    try:
        speak = speaking(province, profile)
        return [shown(speak, message) for message in messages_of(speak, province)]
    except UnsendableMessage as refused:
        return str(refused)


def planned(province: str, profile: Profile) -> object:
    """The messages of a stay with 250 lines."""
    client = NationalClient(lambda _: speaking(province, profile), transport(), lambda: NOW)
    return client.plan(VisitKind.INPATIENT, 250)


def transport() -> Transport:
    return Transport("http://127.0.0.1:1", Limits(), lambda: 0.0)


def answered(
    *,
    infcode: str = "0",
    told: str = "20250910103000000",
    plain: bool = False,
    forged: bool = False,
) -> Observe:
    """What is made of an answer as Shanghai's platform gives it, once it is the profile's word."""
    ours = platform_secrets("shanghai")
    private = Sm2PrivateKey.from_pem(ours["sm2_private_key"].encode())

    def observe(province: str, profile: Profile) -> object:
        shanghai = shipped("shanghai")
        cipher = schemes.cipher_of(shanghai.encryption, keys("shanghai"))
        assert cipher is not None
        output = '{"data":1}'
        signed = "another text" if forged else output
        cainfo = base64.b64encode(need_sm2("test").sign(private, signed.encode())).decode()
        body = (
            f'{{"infcode":"{infcode}","signtype":"SM2","cainfo":"{cainfo}","respond_time":"{told}",'
            f'"output":{output if plain else f"{chr(34)}{cipher.seal(output)}{chr(34)}"}}}'
        )
        return judged(province, profile, body)

    return observe


def gateway_says(code: str, text: str = "x") -> Observe:
    body = f'{{"code":{code},"message":"{text}"}}'
    return lambda province, profile: judged(province, profile, body)


def judged(
    province: str, profile: Profile, body: str, headers: Mapping[str, str] | None = None
) -> str:
    speak = speaking(province, profile)
    outcome = Delivered(200, headers or {}, body.encode(), 0)
    found = judge(
        outcome,
        Sent("2207", b"{}", NOW_MS),
        speak.scheme,
        profile.conventions,
        reading_of(profile, speak.cipher),
    )
    name = type(found).__name__
    return name if isinstance(found, Read) else f"{name} {getattr(found, 'cause', '')}".strip()


def zhejiang_signed(province: str, profile: Profile) -> object:
    """An answer signed as Zhejiang signs requests, in milliseconds."""
    body = '{"infcode":"0","output":{}}'
    header = signature(keys("zhejiang").secret, str(NOW_MS), b"{}")
    return judged(province, profile, body, {"x-ca-signature": header})


def cancelled(province: str, profile: Profile) -> object:
    """Which names of 2208's answer are read as ours."""
    message = speaking(province, profile).cancel(
        context(province), CancelOrder(VisitKind.OUTPATIENT, "900000001", "S1", "A1")
    )
    return dict(profile.aliases.names.get(message.infno, {}))


def bounds(province: str, profile: Profile) -> object:
    return wiring.limits(profile.timing), profile.timeout_ms("2304"), profile.timeout_ms("1101")


@dataclass(frozen=True)
class Case:
    """One key, another value for it, and where the difference is seen."""

    province: str
    key: str
    value: Any
    seen: Observe = sent


SM2_LATE = answered(told="20250910104000000")
CASES = [
    Case("shanghai", "wire.infver", "1.0"),
    Case("shanghai", "wire.recer_sys_code", "YBXT"),
    Case("shanghai", "wire.path", "/other"),
    Case("shanghai", "wire.paths", {"2207": "/other"}),
    Case("shanghai", "wire.visited_notice_path", "/other"),
    Case("anhui", "wire.variants", {"2207": "2207A"}),
    Case("jiangsu", "wire.extra_envelope", {"fixmedins_soft_fcty": "other"}),
    Case("anhui", "wire.number_style", "number"),
    Case("shanghai", "wire.number_style", "string"),
    Case("shanghai", "wire.operator_kind", "2"),
    Case("shanghai", "wire.operator", "other"),
    Case("shanghai", "wire.operator_name", "其他"),
    Case("shanghai", "wire.lines_per_upload", 50, planned),
    Case("anhui", "wire.lengths", {"psn_type": "6"}),
    Case("jiangsu", "signing.api_version", "2.0.0"),
    Case("jiangsu", "signing.clock_unit_ms", 1000),
    Case("jiangsu", "signing.signed_fields", ("_api_name", "_api_timestamp")),
    Case("zhejiang", "signing.clock_unit_ms", 1000),
    Case("zhejiang", "signing.hex_case", "lower"),
    Case("zhejiang", "signing.answers_signed", True, answered(plain=True)),
    Case("anhui", "signing.clock_unit_ms", 1),
    Case("anhui", "signing.hex_case", "upper"),
    Case("anhui", "signing.nonce_ttl_s", 0),
    Case("anhui", "signing.header_prefix", "x-rio-"),
    Case("anhui", "signing.signed_fields", ("token", "nonce", "timestamp")),
    Case("shanghai", "signing.scheme", "envelope-sm3"),
    Case("shanghai", "signing.identity", "somebody@else", answered()),
    Case("shanghai", "signing.answers_signed", False, answered(forged=True)),
    Case("shanghai", "signing.skew_ms", 60_000, SM2_LATE),
    Case("shanghai", "signing.answer_time", "", answered(told="20250910120000000")),
    Case("shanghai", "encryption.scheme", "none"),
    Case("shanghai", "encryption.mode", "cbc"),
    Case("shanghai", "encryption.mode", "gcm"),
    Case("shanghai", "encryption.spelling", "lower-hex"),
    Case("shanghai", "encryption.spelling", "base64"),
    Case("shanghai", "encryption.key_from", "secret"),
    Case("shanghai", "encryption.type_field", "encType"),
    Case("shanghai", "encryption.type_value", "sm4"),
    Case("shanghai", "encryption.answers_encrypted", False, answered(plain=True)),
    Case("shanghai", "conventions.success", ("200",), answered()),
    Case("shanghai", "conventions.refused", ("-2",), answered(infcode="-1")),
    Case("shanghai", "conventions.system_errors", ("-2",), answered(infcode="-2")),
    Case("jiangsu", "conventions.not_delivered_codes", ("403",), gateway_says("401")),
    Case("anhui", "conventions.replayed_texts", (), gateway_says("401", "签名随机数重复!")),
    Case("jiangsu", "aliases.names", {}, cancelled),
    Case("jiangsu", "files.file_bytes", "signed_bytes"),
    Case("jiangsu", "files.line_of_names", True),
    *(Case("jiangsu", f"timing.{key}", 7, bounds) for key in (
        "connect_timeout_ms", "read_timeout_ms", "concurrency", "queue_timeout_ms", "retry_budget",
        "failures_to_open", "open_ms",
    )),
    Case("jiangsu", "timing.timeouts_ms", {"1101": 7}, bounds),
]  # fmt: skip


def changed(case: Case) -> Profile:
    profile = shipped(case.province)
    section, _, key = case.key.partition(".")
    if case.key == "encryption.scheme":
        return replace(profile, encryption=None)  # what the book makes of "none"
    if case.key == "timing.read_timeout_ms":
        profile = replace(profile, timing=replace(profile.timing, timeouts_ms={}))
    return replace(profile, **{section: replace(getattr(profile, section), **{key: case.value})})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.province} {case.key}")
def test_another_value_makes_a_difference(case: Case) -> None:
    before = shipped(case.province)
    assert case.seen(case.province, before) == case.seen(case.province, before)
    assert case.seen(case.province, before) != case.seen(case.province, changed(case))


def test_no_key_is_without_a_case() -> None:
    kinds = {"wire": Wire, "signing": Signing, "encryption": Encryption, "files": Files}
    kinds |= {"conventions": Conventions, "aliases": Aliases, "timing": Timing}
    keys = {
        f"{name}.{field.name}"
        for name, kind in kinds.items()
        for field in fields(kind)
        if field.name not in COMMON
    }
    assert keys == {case.key for case in CASES}


def test_the_page_about_adding_a_province_names_every_section_and_key() -> None:
    page = (HOME / "docs" / "adding-a-province.md").read_text("utf-8")
    kinds = [Wire, Signing, Encryption, Conventions, Dictionary, Aliases, Files, Timing]
    assert all(f"[[{kind.__name__.lower()}]]" in page for kind in kinds)
    named = set(re.findall(r"[a-z_]+", page))
    assert {field.name for kind in kinds for field in fields(kind)} - {"names"} <= named
    assert set(SIGNING_KEYS) <= set(re.findall(r"`([a-z0-9-]+)`", page))


def test_an_answer_is_believed_as_the_profile_says() -> None:
    shanghai = shipped("shanghai")
    assert answered()("shanghai", shanghai) == "Read"
    assert answered(infcode="-1")("shanghai", shanghai) == "Declined"
    assert "not encrypted" in str(answered(plain=True)("shanghai", shanghai))
    assert "stale_answer" in str(answered(told="20250910110001")("shanghai", shanghai))
    assert "stale_answer" in str(answered(told="20250910095959")("shanghai", shanghai))
    assert answered(told="")("shanghai", shanghai) == "Read"
    assert "not a time" in str(answered(told="2025-09-10")("shanghai", shanghai))


def test_zhejiang_s_signed_answers_need_their_signature() -> None:
    zhejiang = shipped("zhejiang")
    signing = replace(zhejiang.signing, answers_signed=True)
    assert zhejiang_signed("zhejiang", zhejiang) == "Read"
    found = zhejiang_signed("zhejiang", replace(zhejiang, signing=signing))
    assert found == "NoAnswer signature_wrong"


@pytest.mark.parametrize(("late_s", "cause"), [(180, "closed"), (181, "stale_request +181000 ms")])
async def test_a_request_outside_the_window_never_leaves(late_s: int, cause: str) -> None:
    speak = speaking("anhui", shipped("anhui"))
    line = transport()
    await line.close()
    client = NationalClient(lambda _: speak, line, lambda: NOW + timedelta(seconds=late_s))
    answer = await client.find_person(context("anhui"), attendance().patient)
    assert isinstance(answer, NotDelivered)
    assert answer.cause == cause


def test_a_message_that_is_sent_again_has_another_nonce() -> None:
    speak = speaking("anhui", shipped("anhui"))
    message = speak.person(context("anhui"), attendance(psn_type=PSN_TYPES["anhui"]).patient)
    seen = {
        speak.scheme.headers(
            Outgoing(message.infno, message.sent, NOW_MS, context("anhui").msgid, sending)
        )["x-tif-nonce"]
        for sending in range(3)
    }
    assert len(seen) == 3
