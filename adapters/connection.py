"""接入: what is given on site for one province: address, keys, certificates, and what its platform
wants otherwise than the profile that ships.

Values only. `tls` None means plain HTTP or the system's trust store, whichever the address says.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapters.signing.scheme import Secrets
from gateway.domain.dictionary import CodeTable, UnknownCode


def tell_nobody(code: UnknownCode) -> None:
    """For whoever keeps no list of unknown codes."""


@dataclass(frozen=True, slots=True)
class Live:
    """What may change while the process runs: asked for anew with each call."""

    keys_at: Callable[[datetime], Secrets]
    """The set in force at a moment; the same object while nothing changes."""
    tls: Callable[[], ssl.SSLContext | None]
    """For new connections; those there are end when they are idle."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One province's connection."""

    base_url: str
    """e.g. `https://10.0.0.1:8443`, without a path."""
    secrets: Secrets
    """Where nothing is `live`; else what was in force at the start."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    profile_file: Path | None = None
    """The site's own sections of the profile (docs/adding-a-province.md); None as it ships."""
    codes: CodeTable = field(default_factory=CodeTable, repr=False)
    """The province's own dictionaries as loaded by 1901."""
    tell_unknown: Callable[[UnknownCode], None] = field(default=tell_nobody, repr=False)
    """Told of each unknown code in an answer; must be quick and must not raise."""
    live: Live | None = field(default=None, repr=False)
    """None: keys and TLS stay as they are."""

    def keys_at(self, moment: datetime) -> Secrets:
        return self.secrets if self.live is None else self.live.keys_at(moment)

    def tls_now(self) -> ssl.SSLContext | None:
        return self.tls if self.live is None else self.live.tls()


@dataclass(frozen=True, slots=True)
class Clocks:
    """The readers of time, injected: nothing in adapters/ reads a clock of its own."""

    now: Callable[[], datetime]
    """Aware UTC."""
    monotonic: Callable[[], float]
    """Seconds."""
