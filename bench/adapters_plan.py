"""How long the adapters' bench measures what."""

from __future__ import annotations

from dataclasses import dataclass

PROVINCES = ("jiangsu", "anhui", "zhejiang", "shanghai")
"""One for each signing scheme: CSB, TIF, HMAC-SM3, SM2 with SM4 bodies."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """Calls to a slow region, beside those to another one."""

    in_flight: int
    """Calls that the slow region has taken and not answered."""
    turnover_per_s: int
    """Of them answered and followed by the next, in the second kind of round."""
    rounds: int
    seconds: float
    """Of measuring in each half of a round."""


@dataclass(frozen=True, slots=True)
class Plan:
    alone: int
    """Times that each of a visit's six calls is made without a platform."""
    beside: int
    """Times that each is made over HTTP, in turn with its baseline."""
    rounds: int
    """Of both."""
    isolation: Isolation
    sm2_s: float
    """Of signing and of verifying, for each provider."""


PLAIN = Plan(300, 100, 5, Isolation(2000, 100, 7, 3.0), 1.0)
FULL = Plan(1000, 400, 9, Isolation(2000, 100, 15, 5.0), 3.0)
QUICK = Plan(50, 30, 2, Isolation(2000, 100, 2, 1.0), 0.2)
