"""另行签名的客户端: our adapter, but signing wrongly, or asking for no signature of an answer.

A relay has no platform's key, so what it altered cannot be signed again; how such an answer is
*read* is tried with the signature's check taken out, and that the check is there is a rule of its
own (C29). Requests that a platform must turn away are built by the adapter itself, and only signed
in another way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.baseline.codec import NationalCodec
from adapters.national_client import NationalClient
from adapters.signing.scheme import Answer, Outgoing, Scheme, Verdict


@dataclass(frozen=True, slots=True)
class Believing:
    """A scheme that signs as the real one and takes every answer for unsigned."""

    real: Scheme

    @property
    def name(self) -> str:
        return self.real.name

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return self.real.envelope(input_text)

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        return self.real.headers(request)

    def verify(self, answer: Answer) -> Verdict:
        return Verdict.UNSIGNED


@dataclass(frozen=True, slots=True)
class Missigning:
    """A scheme that signs with the keys of `wrong`, and another text than is sent."""

    wrong: Scheme

    @property
    def name(self) -> str:
        return self.wrong.name

    def envelope(self, input_text: str) -> Mapping[str, str]:
        return self.wrong.envelope(input_text + " ")

    def headers(self, request: Outgoing) -> Mapping[str, str]:
        return self.wrong.headers(replace(request, body=request.body + b" "))

    def verify(self, answer: Answer) -> Verdict:
        return self.wrong.verify(answer)


def believing(client: NationalClient) -> NationalClient:
    """The same client over the same connection, asking for no signature."""
    return signing_by(client, Believing)


def signing_by(client: NationalClient, other: Callable[[Scheme], Scheme]) -> NationalClient:
    """The same client over the same connection, with another scheme in place of its own."""

    def codec_at(moment: datetime) -> NationalCodec:
        codec = copy.copy(client.codec_at(moment))
        codec.scheme = other(codec.scheme)
        return codec

    return client.reading_with(codec_at)
