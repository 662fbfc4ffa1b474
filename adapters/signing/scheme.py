"""What every signature profile answers: what to put in the envelope, in the headers, and whether
an answer is signed by who it should be.

CSB and TIF leave the body unsigned, and a replayed CSB request stays valid for 30 minutes: nothing
of ours may depend on the signature for uniqueness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey


class Verdict(StrEnum):
    """What an answer's signature says."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    """The scheme signs no answers."""
    MISSING = "missing"
    """The scheme signs answers and this one carries no signature."""
    WRONG = "wrong"


class SecretsMissing(Exception):
    """A scheme was chosen whose keys were not given; the text (中文) names the keys, no value."""


@dataclass(frozen=True, slots=True)
class Sm2Keys:
    """Ours to sign with, the platform's to verify with."""

    ours: Sm2PrivateKey
    platform: Sm2PublicKey


@dataclass(frozen=True, slots=True)
class Secrets:
    """One set of keys as a province gave it, and the sets before and after it while two are live.

    Requests are signed with this set; an answer may be signed with either. Never printed.
    """

    key_id: str
    """access key, x-ca-key, paasid, appCode: public."""
    secret: bytes = field(repr=False)
    """SK, token or appSecret, as the scheme calls it."""
    sm2: Sm2Keys | None = field(default=None, repr=False)
    """Only for envelope-sm2."""
    previous: Secrets | None = field(default=None, repr=False)
    """密钥轮换: the set that was current before; its own `previous` does not count."""
    upcoming: Secrets | None = field(default=None, repr=False)
    """The set that will be current next: the platform may use it before we do."""

    def live(self) -> tuple[Secrets, ...]:
        """The sets that an answer may be signed with, the current one first."""
        others = (self.previous, self.upcoming)
        return (self, *(other for other in others if other is not None))

    def sm2_keys(self) -> Sm2Keys:
        """Raises SecretsMissing."""
        if self.sm2 is None:
            raise SecretsMissing("缺少 SM2 密钥:sm2_private_key(本方)与 sm2_platform_key(平台)")
        return self.sm2


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request whose bytes are final."""

    infno: str
    body: bytes = field(repr=False)
    clock_ms: int
    """Milliseconds since 1970, ours; a scheme that counts seconds divides."""
    nonce: str
    """Unique per message; only some schemes use it."""
    sending: int = 0
    """Which sending of this client it is: a message that is sent again has another number."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer offers for verification."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    output_text: str = field(repr=False)
    signature: str
    """The envelope's cainfo, "" when absent."""
    signature_type: str
    """The envelope's signtype, "" when absent."""
    clock_ms: int


class Scheme(Protocol):
    """A signature profile with its secrets inside."""

    @property
    def name(self) -> str: ...

    def envelope(self, input_text: str) -> Mapping[str, str]:
        """Envelope fields to add, computed over the exact text of `input`."""
        ...

    def headers(self, request: Outgoing) -> Mapping[str, str]: ...

    def verify(self, answer: Answer) -> Verdict: ...
