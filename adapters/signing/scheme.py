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


class Verdict(StrEnum):
    """What an answer's signature says."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    """The scheme signs no answers."""
    MISSING = "missing"
    """The scheme signs answers and this one carries no signature."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Secrets:
    """One key pair as a province gave it. Never printed."""

    key_id: str
    """access key, x-ca-key, paasid: public."""
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request whose bytes are final."""

    infno: str
    body: bytes
    clock_ms: int
    """Milliseconds since 1970, ours; a scheme that counts seconds divides."""
    nonce: str
    """Unique per request; only some schemes use it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer offers for verification."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    output_text: str
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
