"""csb-hmac-sha1: 服务网关 (Alibaba CSB) signs four headers; the body is not covered.

_api_signature = Base64(HMAC-SHA1(SK, "k=v&k=v" of the other four, keys sorted)). The timestamp is
13-digit milliseconds in the specification and 10-digit seconds in one client: the unit is
configuration, and so is which of the four are signed. Answers carry no signature. Source: Hunan
interface V1.3 (text); Jiangsu by one client, medium confidence. SHA-1 is theirs, not our choice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict

FIELDS = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")


@dataclass(frozen=True, slots=True)
class CsbHmacSha1:
    secrets: Secrets
    api_version: str
    clock_unit_ms: int
    """1 = the timestamp counts milliseconds, 1000 = seconds."""
    signed_fields: tuple[str, ...] = FIELDS
    name: str = "csb-hmac-sha1"

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return {}

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        sent = {
            "_api_name": request.infno,
            "_api_version": self.api_version,
            "_api_timestamp": str(request.clock_ms // self.clock_unit_ms),
            "_api_access_key": self.secrets.key_id,
        }
        signed = {name: sent[name] for name in self.signed_fields}
        return {**sent, "_api_signature": signature(self.secrets.secret, signed)}

    def verify(self, answer: Answer) -> Verdict:
        return Verdict.UNSIGNED


def signature(secret: bytes, signed: Mapping[str, str]) -> str:
    """The Base64 text over the sorted pairs."""
    text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    return base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha1).digest()).decode()
