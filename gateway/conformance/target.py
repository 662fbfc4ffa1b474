"""受检平台: what is tried: a platform's address and keys, our adapter for it, and the test people.

Values only. `connect` makes our client of the platform; trials of the trials themselves hand in a
broken one. Time and chance come from outside.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from adapters.signing.scheme import Secrets
from gateway.conformance.site import Site

Connect = Callable[[Connection, Clocks], NationalClient]


@dataclass(frozen=True, slots=True)
class Target:
    """One platform under trial."""

    profile: str
    """Folder name of the adapter, e.g. zhejiang."""
    url: str
    """The platform's own base URL; the relay stands in front of it."""
    secrets: Secrets = field(repr=False)
    site: Site
    connect: Connect
    clocks: Clocks
    first_number: int
    """Where visit and message numbers begin, so that two trials of one second do not meet."""
    profile_file: Path | None = None
    """A site's own sections over the shipped profile."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    state: Callable[[], Mapping[str, object]] | None = None
    """The stand-in's own books; None for a platform of somebody else's."""

    @property
    def now(self) -> datetime:
        """Aware UTC."""
        return self.clocks.now()
