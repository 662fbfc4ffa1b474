"""tif-sha256: Tencent TIF / RIO signs timestamp, token and nonce; the body is not covered.

x-tif-signature = HEX(SHA256(ts + token + nonce + ts)), ts in seconds; the far side allows 180 s and
wants a nonce unique for 10 minutes. Upper case in Hebei, lower elsewhere: configuration. Answers
carry no signature. Source: several clients (formula solid, limits medium). No province here uses it
by default; it is a plug-in for the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict


@dataclass(frozen=True, slots=True)
class TifSha256:
    secrets: Secrets
    upper_case: bool = True
    header_prefix: str = "x-tif-"
    name: str = "tif-sha256"

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return {}

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        seconds = str(request.clock_ms // 1000)
        signed = signature(self.secrets.secret, seconds, request.nonce)
        return {
            f"{self.header_prefix}paasid": self.secrets.key_id,
            f"{self.header_prefix}timestamp": seconds,
            f"{self.header_prefix}nonce": request.nonce,
            f"{self.header_prefix}signature": signed if self.upper_case else signed.lower(),
        }

    def verify(self, answer: Answer) -> Verdict:
        return Verdict.UNSIGNED


def signature(token: bytes, seconds: str, nonce: str) -> str:
    """Upper-case hex."""
    stamp = seconds.encode()
    return hashlib.sha256(stamp + token + nonce.encode() + stamp).hexdigest().upper()
