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
class Connection:
    """One province's connection."""

    base_url: str
    """e.g. `https://10.0.0.1:8443`, without a path."""
    secrets: Secrets
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    profile_file: Path | None = None
    """The site's own sections of the profile (docs/adding-a-province.md); None as it ships."""
    codes: CodeTable = field(default_factory=CodeTable, repr=False)
    """The province's own dictionaries as loaded by 1901."""
    tell_unknown: Callable[[UnknownCode], None] = field(default=tell_nobody, repr=False)
    """Told of each unknown code in an answer; must be quick and must not raise."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The readers of time, injected: nothing in adapters/ reads a clock of its own."""

    now: Callable[[], datetime]
    """Aware UTC."""
    monotonic: Callable[[], float]
    """Seconds."""
