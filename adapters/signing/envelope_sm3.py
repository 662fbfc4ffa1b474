"""envelope-sm3: cainfo and signtype of the envelope cover `input`, and of the answer `output`.

cainfo = HEX(HMAC-SM3(secret, the exact UTF-8 bytes of the member's text as it stands in the body)),
signtype "SM3". The national text only says that input and output are to be signed; the algorithm
and the canonical form are OUR ASSUMPTION (the raw-text rule avoids re-serialising numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.signing.hmac_sm3 import HexCase, hmac_sm3, same
from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict

SIGN_TYPE = "SM3"


@dataclass(frozen=True, slots=True)
class EnvelopeSm3:
    secrets: Secrets
    answers_signed: bool = True
    hex_case: HexCase = "upper"
    name: str = "envelope-sm3"

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return {
            "cainfo": hmac_sm3(self.secrets.secret, input_text.encode(), self.hex_case),
            "signtype": SIGN_TYPE,
        }

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        return {}

    def verify(self, answer: Answer) -> Verdict:
        if not self.answers_signed:
            return Verdict.UNSIGNED
        if not answer.signature:
            return Verdict.MISSING
        # A weaker or empty signtype must not switch the check off.
        if answer.signature_type != SIGN_TYPE:
            return Verdict.WRONG
        signed = answer.output_text.encode()
        for keys in self.secrets.live():
            expected = hmac_sm3(keys.secret, signed, self.hex_case)
            if same(expected, answer.signature, self.hex_case):
                return Verdict.VERIFIED
        return Verdict.WRONG
