"""envelope-sm2: cainfo and signtype of the envelope cover `input`, and of the answer `output`.

cainfo = Base64(r ‖ s, 64 bytes) of SM2 with SM3 over the exact UTF-8 bytes of the member's text as
it stands in the signed envelope, signtype "SM2". The national text only says that input and output
are to be signed: algorithm, form and identity are OUR ASSUMPTION, so they are configuration. Where
the body is encrypted too, that comes after signing (sm4_body.py).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.signing.scheme import Answer, Outgoing, Secrets, Verdict
from adapters.sm.provider import DEFAULT_IDENTITY, SmProvider, SmProviderBroken

SIGN_TYPE = "SM2"


@dataclass(frozen=True, slots=True)
class EnvelopeSm2:
    secrets: Secrets
    provider: SmProvider = field(repr=False)
    """One that can sign: whoever makes the scheme has asked."""
    answers_signed: bool = True
    identity: bytes = DEFAULT_IDENTITY
    """用户标识, ours when we sign, theirs when they do."""
    name: str = "envelope-sm2"

    def envelope(self, input_text: str) -> Mapping[str, str]:
        ours = self.secrets.sm2_keys().ours
        signature = self.provider.sign(ours, input_text.encode(), self.identity)
        return {"cainfo": base64.b64encode(signature).decode(), "signtype": SIGN_TYPE}

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
        try:
            signature = base64.b64decode(answer.signature, validate=True)
        except ValueError:
            return Verdict.WRONG
        try:
            return self._verdict(answer.output_text.encode(), signature)
        except SmProviderBroken:
            # What could not be verified is not verified: the claim is unknown, its bytes are kept.
            return Verdict.WRONG

    def _verdict(self, signed: bytes, signature: bytes) -> Verdict:
        for keys in self.secrets.live():
            platform = keys.sm2 and keys.sm2.platform
            if platform and self.provider.verify(platform, signed, signature, self.identity):
                return Verdict.VERIFIED
        return Verdict.WRONG
