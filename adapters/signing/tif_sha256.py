"""tif-sha256: Tencent TIF / RIO signs timestamp, token and nonce; the body is not covered.

x-tif-signature = HEX(SHA256(ts + token + nonce + ts)), ts in seconds; the far side allows 180 s and
wants a nonce unique for 10 minutes. A message may be sent twice (a lost read), so the nonce is the
message's plus the number of the sending. Upper case in Hebei, lower elsewhere: configuration.
Answers carry no signature. Source: several clients (formula solid, limits medium).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.signing.hmac_sm3 import HexCase
from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict

FIELDS = ("timestamp", "token", "nonce", "timestamp")


@dataclass(frozen=True, slots=True)
class TifSha256:
    secrets: Secrets
    hex_case: HexCase = "upper"
    header_prefix: str = "x-tif-"
    """x-rio- where the gateway is the older product."""
    clock_unit_ms: int = 1000
    nonce_ttl_s: int = 600
    """How long the far side remembers a nonce; 0 where it does not ask for a fresh one."""
    signed_fields: tuple[str, ...] = FIELDS
    """What is joined before hashing, in this order."""
    name: str = "tif-sha256"

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return {}

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        stamp = str(request.clock_ms // self.clock_unit_ms)
        nonce = f"{request.nonce}{request.sending}" if self.nonce_ttl_s else request.nonce
        signed = signature(self.secrets.secret, stamp, nonce, self.signed_fields)
        return {
            f"{self.header_prefix}paasid": self.secrets.key_id,
            f"{self.header_prefix}timestamp": stamp,
            f"{self.header_prefix}nonce": nonce,
            f"{self.header_prefix}signature": signed.upper() if self._upper else signed,
        }

    @property
    def _upper(self) -> bool:
        return self.hex_case == "upper"

    def verify(self, answer: Answer) -> Verdict:
        return Verdict.UNSIGNED


def signature(token: bytes, stamp: str, nonce: str, joined: tuple[str, ...] = FIELDS) -> str:
    """Lower-case hex."""
    parts = {"timestamp": stamp.encode(), "token": token, "nonce": nonce.encode()}
    return hashlib.sha256(b"".join(parts[name] for name in joined)).hexdigest()
