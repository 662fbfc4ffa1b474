"""One province's profile, codec and connection put together into a client.

A codec is built once a day and with each change of keys, not per call; what a later day will need
is looked for at the start: a missing key or SM2 that is not there stops the start-up, not the first
call after midnight.
Not here: which provinces there are (registry.py), what one of them does differently (its codec.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from adapters.baseline.clock_text import SHANGHAI
from adapters.baseline.codec import NationalCodec
from adapters.baseline.dictionary_check import CodesOn, KnownCodes
from adapters.baseline.profile import Profile, ProfileBook, ProfileError, Timing
from adapters.baseline.profile_file import load, load_over
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from adapters.signing import schemes
from adapters.signing.scheme import Scheme, Secrets, SecretsMissing
from adapters.signing.schemes import NeedSm2
from adapters.signing.sm4_body import Sm4Body
from adapters.sm.keys import KeyUnusable
from adapters.sm.pairs import check_pair
from adapters.sm.provider import SmProvider
from adapters.sm.selection import need_sm2
from adapters.transport import Limits, Transport
from gateway.domain.dictionary import CodeTable


class CodecClass(Protocol):
    """NationalCodec or a province's class derived from it."""

    def __call__(
        self,
        profile: Profile,
        scheme: Scheme,
        known: KnownCodes,
        *,
        cipher: Sm4Body | None = None,
    ) -> NationalCodec: ...


class Codecs:
    """The codec valid at a moment, by the business day in Shanghai."""

    def __init__(
        self,
        book: ProfileBook,
        codec_class: CodecClass,
        keys_at: Callable[[datetime], Secrets],
        codes: CodeTable | None = None,
    ) -> None:
        """`keys_at`: the keys in force at a moment; `codes`: the province's own dictionaries, as
        far as they were loaded."""
        self._book = book
        self._codes = codes or CodeTable()
        self._class = codec_class
        self._keys_at = keys_at
        self._secrets: Secrets | None = None
        self._day = date.min
        self._codec: NationalCodec | None = None

    def __call__(self, moment: datetime) -> NationalCodec:
        day = moment.astimezone(SHANGHAI).date()
        secrets = self._keys_at(moment)
        if self._codec is None or day != self._day or secrets is not self._secrets:
            profile = self._book.at(day)
            self._codec = self._class(
                profile,
                schemes.of(profile.signing, secrets, profile.name_zh),
                CodesOn(self._codes, day),
                cipher=schemes.cipher_of(profile.encryption, secrets),
            )
            self._day, self._secrets = day, secrets
        return self._codec


def check(book: ProfileBook, secrets: Secrets, moment: datetime, sm2: NeedSm2 = need_sm2) -> None:
    """Everything that is in force at a moment or will be can be had.

    Raises ProfileError, SecretsMissing, SmUnavailable.
    """
    day = moment.astimezone(SHANGHAI).date()
    book.at(day)
    for signing, encryption in book.signings_from(day):
        schemes.of(signing, secrets, book.name_zh, sm2)
        if signing.scheme == "envelope-sm2":
            _check_pair(secrets, sm2(book.name_zh))
        schemes.cipher_of(encryption, secrets)


def _check_pair(secrets: Secrets, provider: SmProvider) -> None:
    """Two halves of different keys sign without complaint, and the platform believes nothing."""
    try:
        check_pair(provider, secrets.sm2_keys().ours)
    except KeyUnusable as error:
        raise SecretsMissing(f"sm2_private_key:{error}") from error


def book_of(package: str, over: Path | None = None) -> ProfileBook:
    """The profile.toml of one province's package, with a site's own sections laid over it.

    Raises ProfileError (中文) naming file, section and key.
    """
    shipped = load(files(package).joinpath("profile.toml").read_text("utf-8"), package)
    if over is None:
        return shipped
    try:
        text = over.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{over}:无法读取({type(error).__name__})") from error
    return load_over(shipped, text, str(over))


def client(
    package: str, codec_class: CodecClass, connection: Connection, clocks: Clocks
) -> NationalClient:
    """Raises ProfileError when the profile is wrong or has nothing valid today, SecretsMissing and
    SmUnavailable when what it asks for is not there."""
    book = book_of(package, connection.profile_file)
    check(book, connection.secrets, clocks.now())
    codecs = Codecs(book, codec_class, connection.keys_at, connection.codes)
    timing = codecs(clocks.now()).profile.timing
    transport = Transport(connection.base_url, limits(timing), clocks.monotonic, connection.tls_now)
    return NationalClient(codecs, transport, clocks.now, connection.tell_unknown)


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
