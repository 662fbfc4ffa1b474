"""国密自检: whether an implementation of SM2 does what the standards print.

The vectors are in vectors.json beside this file, each with its standard. A provider that fails is
not used (adapters.sm.selection).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from adapters.sm import sm4
from adapters.sm.encoding import der_to_raw
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.provider import SmProvider
from adapters.sm.sm3 import hmac_sm3, sm3
from ledger.sm2_curve import read_point
from ledger.sm2_verify import identity_digest, message_digest, verify


class SelfTestFailed(Exception):
    """The text (中文) names the step that failed."""


@cache
def vectors() -> Mapping[str, Any]:
    """The values that the standards print."""
    text = files("adapters.sm").joinpath("vectors.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def self_test(provider: SmProvider) -> None:
    """Raises SelfTestFailed. The order is that of the checks' weight, not of their cost."""
    sample = vectors()["sm2"]
    public = Sm2PublicKey(bytes.fromhex(sample["public_key"]))
    message, identity = sample["msg_ascii"].encode(), sample["id_ascii"].encode()
    signature = bytes.fromhex(sample["sig_raw"])
    # (a) The standard's signature is good (GM/T 0003.5-2012 附录 A).
    _must(provider.verify(public, message, signature, identity) is True, "标准签名验证不通过")
    # (b) With one byte of the message changed it is not.
    changed = bytes([message[0] ^ 1]) + message[1:]
    _must(provider.verify(public, changed, signature, identity) is False, "改动的报文竟验证通过")
    # (c) ZA and e are the printed ones: of our own verifier, which (d) relies on.
    point = read_point(public.point)
    za, e = identity_digest(point, identity), message_digest(point, message, identity)
    _must(za.hex() == sample["za"] and e.hex() == sample["e"], "ZA 或 e 与标准不符")
    _must(der_to_raw(bytes.fromhex(sample["sig_der"])) == signature, "DER 编码与标准不符")
    # (d) A signature of its own is good by a second implementation.
    if provider.can_sign:
        private = Sm2PrivateKey(public, bytes.fromhex(sample["d"]))
        own = provider.sign(private, message, identity)
        _must(verify(public.point, message, own, identity), "自己的签名验证不通过")
    # (e) SM3 and SM4.
    _must(_sm3_fits(), "SM3 与标准不符")
    _must(_sm4_fits(), "SM4 与标准不符")


def _sm3_fits() -> bool:
    plain = all(
        sm3(bytes.fromhex(known["msg_hex"])).hex() == known["digest"] for known in vectors()["sm3"]
    )
    return plain and all(
        hmac_sm3(bytes.fromhex(known["key"]), known["msg_ascii"].encode()).hex() == known["mac"]
        for known in vectors()["hmac_sm3"]
    )


def _sm4_fits() -> bool:
    for known in vectors()["sm4_ecb"]:
        key, plain = bytes.fromhex(known["key"]), bytes.fromhex(known["pt"])
        made = sm4.national_hall_ecb_encrypt(key, plain)
        if made[: sm4.BLOCK].hex() != known["ct"]:
            return False
    for known in vectors()["sm4_gcm"]:
        key, nonce, aad, plain = (bytes.fromhex(known[k]) for k in ("key", "iv", "aad", "pt"))
        sealed = bytes.fromhex(known["ct"] + known["tag"])
        if sm4.gcm_encrypt(key, nonce, plain, aad) != sealed:
            return False
        if sm4.gcm_decrypt(key, nonce, sealed, aad) != plain:
            return False
    return True


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SelfTestFailed(otherwise)
