"""zj-hmac-sm3: Zhejiang's gateway signs timestamp and body.

x-ca-signature = ts + ":" + HEX-UPPER(HMAC-SM3(secret, ts + "\\n" + body)), ts in milliseconds.
Source: one Zhejiang client of 2022, medium confidence. That answers are signed the same way is OUR
ASSUMPTION, so whether to ask for it is configuration (`answers_signed`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.signing.hmac_sm3 import HexCase, hmac_sm3, same
from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict

_HEADER = "x-ca-signature"
_STAMP = re.compile(r"[0-9]{10,13}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ZjHmacSm3:
    secrets: Secrets
    answers_signed: bool
    clock_unit_ms: int = 1
    skew_ms: int = 1_800_000
    """An answer's timestamp further off than this does not count as verified."""
    hex_case: HexCase = "upper"
    name: str = "zj-hmac-sm3"

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return {}

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        stamp = str(request.clock_ms // self.clock_unit_ms)
        return {
            "x-ca-key": self.secrets.key_id,
            _HEADER: signature(self.secrets.secret, stamp, request.body, self.hex_case),
        }

    def verify(self, answer: Answer) -> Verdict:
        if not self.answers_signed:
            return Verdict.UNSIGNED
        given = answer.headers.get(_HEADER, "")
        if not given:
            return Verdict.MISSING
        stamp, _, mac = given.partition(":")
        if not _STAMP.fullmatch(stamp):
            return Verdict.WRONG
        if abs(int(stamp) * self.clock_unit_ms - answer.clock_ms) > self.skew_ms:
            return Verdict.WRONG
        signed = stamp.encode() + b"\n" + answer.body
        for keys in self.secrets.live():
            if same(hmac_sm3(keys.secret, signed, self.hex_case), mac, self.hex_case):
                return Verdict.VERIFIED
        return Verdict.WRONG


def signature(secret: bytes, stamp: str, body: bytes, case: HexCase = "upper") -> str:
    """The header's whole value."""
    mac = hmac_sm3(secret, stamp.encode() + b"\n" + body, case)
    return f"{stamp}:{mac}"
