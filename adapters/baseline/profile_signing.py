"""签名与加密: the two sections of a profile that say how a province protects its messages.

Values only. What each scheme does is in adapters/signing; which keys it reads stands here, so that
the reader of the file can refuse a key that would look as if it were obeyed. Times as named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from adapters.baseline.profile_section import Section

SchemeName: TypeAlias = Literal[
    "csb-hmac-sha1", "tif-sha256", "zj-hmac-sm3", "envelope-sm3", "envelope-sm2"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing(Section):
    """签名: which signature profile, and how it is tuned. SIGNING_KEYS says what tunes which."""

    scheme: SchemeName
    answers_signed: bool
    skew_ms: int = 1_800_000
    """时钟偏差: a request whose time is further off is not sent, an answer's is not believed."""
    answer_time: str = "respond_time"
    """The answer's member that carries its time (yyyyMMddHHmmss, with or without milliseconds); ""
    where none is to be judged."""
    clock_unit_ms: int = 1
    """1 = a signature's timestamp counts milliseconds, 1000 = seconds."""
    nonce_ttl_s: int = 0
    """How long the far side remembers a nonce; 0 where it wants none that is fresh."""
    hex_case: Literal["upper", "lower"] = "upper"
    header_prefix: str = "x-tif-"
    signed_fields: tuple[str, ...] = ()
    """What the signature covers, in the scheme's own words; empty = as the scheme's source says."""
    api_version: str = ""
    identity: str = "1234567812345678"
    """用户标识 of SM2."""


SIGNING_KEYS: Mapping[SchemeName, tuple[frozenset[str], frozenset[str]]] = {
    "csb-hmac-sha1": (frozenset({"api_version", "clock_unit_ms"}), frozenset({"signed_fields"})),
    "tif-sha256": (
        frozenset({"clock_unit_ms", "nonce_ttl_s", "hex_case"}),
        frozenset({"signed_fields", "header_prefix"}),
    ),
    "zj-hmac-sm3": (frozenset({"clock_unit_ms"}), frozenset({"hex_case"})),
    "envelope-sm3": (frozenset(), frozenset({"hex_case"})),
    "envelope-sm2": (frozenset(), frozenset({"identity"})),
}
"""Scheme → the keys it needs and those it may have, beyond what every scheme has."""
SIGNED_FIELDS: Mapping[SchemeName, frozenset[str]] = {
    "csb-hmac-sha1": frozenset({"_api_access_key", "_api_name", "_api_timestamp", "_api_version"}),
    "tif-sha256": frozenset({"timestamp", "token", "nonce"}),
}
"""What `signed_fields` may name."""
SIGNS_ANSWERS = frozenset({"zj-hmac-sm3", "envelope-sm3", "envelope-sm2"})
"""The schemes that could verify an answer; with the others `answers_signed` cannot be true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption(Section):
    """报文加密: whether the texts of `input` and `output` travel as SM4 ciphertext."""

    scheme: Literal["none", "sm4"]
    mode: Literal["ecb", "cbc", "gcm"] = "ecb"
    key_from: Literal["app-secret", "secret"] = "app-secret"
    """app-secret: derived from access_key and secret as the national hall does; secret: 32 hex."""
    spelling: Literal["upper-hex", "lower-hex", "base64"] = "upper-hex"
    type_field: str = "enc_type"
    """The envelope's member that says so, with `type_value`."""
    type_value: str = "SM4"
    answers_encrypted: bool = True
    """A plain answer is then no answer."""
