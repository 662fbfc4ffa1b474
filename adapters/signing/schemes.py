"""Which signature profile a province's configuration names: the one list of plug-ins."""

from __future__ import annotations

from adapters.baseline.profile import Signing
from adapters.signing.csb_hmac_sha1 import CsbHmacSha1
from adapters.signing.envelope_sm3 import EnvelopeSm3
from adapters.signing.scheme import Scheme, Secrets
from adapters.signing.tif_sha256 import TifSha256
from adapters.signing.zj_hmac_sm3 import ZjHmacSm3


def of(signing: Signing, secrets: Secrets) -> Scheme:
    """A province's scheme with its keys inside."""
    match signing.scheme:
        case "csb-hmac-sha1":
            return CsbHmacSha1(secrets, signing.api_version, signing.clock_unit_ms)
        case "tif-sha256":
            return TifSha256(secrets, signing.upper_case)
        case "zj-hmac-sm3":
            return ZjHmacSm3(
                secrets, signing.answers_signed, signing.clock_unit_ms, signing.skew_ms
            )
        case "envelope-sm3":
            return EnvelopeSm3(secrets, signing.answers_signed)
