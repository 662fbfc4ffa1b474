"""Which signature profile a province's configuration names: the one list of plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from adapters.baseline.profile_signing import Encryption, Signing
from adapters.signing import csb_hmac_sha1, tif_sha256
from adapters.signing.csb_hmac_sha1 import CsbHmacSha1
from adapters.signing.envelope_sm2 import EnvelopeSm2
from adapters.signing.envelope_sm3 import EnvelopeSm3
from adapters.signing.scheme import Scheme, Secrets
from adapters.signing.sm4_body import Sm4Body, keys_of
from adapters.signing.tif_sha256 import TifSha256
from adapters.signing.zj_hmac_sm3 import ZjHmacSm3
from adapters.sm.provider import SmProvider
from adapters.sm.selection import need_sm2

NeedSm2: TypeAlias = Callable[[str], SmProvider]
"""A peer's name → an SM2 provider that signs. Raises SmUnavailable naming the peer."""


def of(signing: Signing, secrets: Secrets, peer: str = "", sm2: NeedSm2 = need_sm2) -> Scheme:
    """A province's scheme with its keys inside. Raises SmUnavailable, SecretsMissing."""
    match signing.scheme:
        case "csb-hmac-sha1":
            return CsbHmacSha1(
                secrets,
                signing.api_version,
                signing.clock_unit_ms,
                signing.signed_fields or csb_hmac_sha1.FIELDS,
            )
        case "tif-sha256":
            return TifSha256(
                secrets,
                signing.hex_case,
                signing.header_prefix,
                signing.clock_unit_ms,
                signing.nonce_ttl_s,
                signing.signed_fields or tif_sha256.FIELDS,
            )
        case "zj-hmac-sm3":
            return ZjHmacSm3(
                secrets,
                signing.answers_signed,
                signing.clock_unit_ms,
                signing.skew_ms,
                signing.hex_case,
            )
        case "envelope-sm3":
            return EnvelopeSm3(secrets, signing.answers_signed, signing.hex_case)
        case "envelope-sm2":
            secrets.sm2_keys()
            return EnvelopeSm2(
                secrets, sm2(peer), signing.answers_signed, signing.identity.encode()
            )


def cipher_of(encryption: Encryption | None, secrets: Secrets) -> Sm4Body | None:
    """A province's body encryption, None where bodies travel plain. Raises SecretsMissing."""
    if encryption is None:
        return None
    keys = keys_of(secrets, encryption.key_from)
    return Sm4Body(keys, encryption.mode, encryption.spelling)
