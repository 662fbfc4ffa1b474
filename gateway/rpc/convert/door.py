"""The door: what reading a request needs to know besides the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.person import IdMode
from gateway.domain.visit import Institution


@dataclass(frozen=True, slots=True)
class Door:
    """Who knocks, when, and in which world we are."""

    institution: Institution
    now: datetime
    """Aware UTC: nothing in a request is later than this (but for the allowed skew)."""
    id_mode: IdMode
