"""One province's profile, codec and connection put together into a client.

A codec is built once per set of valid sections, not per call. Not here: which provinces there are
(registry.py), what one of them does differently (its codec.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from importlib.resources import files

from adapters.baseline.clock_text import SHANGHAI
from adapters.baseline.codec import NationalCodec
from adapters.baseline.profile import Profile, ProfileBook, Timing
from adapters.baseline.profile_file import load
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from adapters.signing import schemes
from adapters.signing.scheme import Scheme, Secrets
from adapters.transport import Limits, Transport

CodecClass = Callable[[Profile, Scheme], NationalCodec]


class Codecs:
    """The codec valid at a moment, by the business day in Shanghai."""

    def __init__(self, book: ProfileBook, codec_class: CodecClass, secrets: Secrets) -> None:
        self._book = book
        self._class = codec_class
        self._secrets = secrets
        self._day = date.min
        self._codec: NationalCodec | None = None

    def __call__(self, moment: datetime) -> NationalCodec:
        day = moment.astimezone(SHANGHAI).date()
        if self._codec is None or day != self._day:
            profile = self._book.at(day)
            self._codec = self._class(profile, schemes.of(profile.signing, self._secrets))
            self._day = day
        return self._codec


def book_of(package: str) -> ProfileBook:
    """The profile.toml of one province's package."""
    return load(files(package).joinpath("profile.toml").read_text("utf-8"))


def client(
    package: str, codec_class: CodecClass, connection: Connection, clocks: Clocks
) -> NationalClient:
    """Raises ProfileError when the profile is wrong or has nothing valid today."""
    codecs = Codecs(book_of(package), codec_class, connection.secrets)
    timing = codecs(clocks.now()).profile.timing
    transport = Transport(connection.base_url, limits(timing), clocks.monotonic, connection.tls)
    return NationalClient(codecs, transport, clocks.now)


def limits(timing: Timing) -> Limits:
    """A profile's milliseconds as the transport's bounds."""
    return Limits(
        connect_timeout_s=timing.connect_timeout_ms / 1000,
        concurrency=timing.concurrency,
        queue_timeout_s=timing.queue_timeout_ms / 1000,
        retry_budget=timing.retry_budget,
        failures_to_open=timing.failures_to_open,
        open_s=timing.open_ms / 1000,
    )
