"""A trial of a stand-in platform in this process, for tests: which rules, which defects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from adapters.connection import Clocks
from adapters.sandbox.context import Rules
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.platform import Platform
from gateway.conformance.on_sandbox import on_sandbox
from gateway.conformance.rules import ALL
from gateway.conformance.suite import Report, chosen, try_rules
from gateway.conformance.target import Connect

NOW = datetime(2025, 9, 10, 2, 30, tzinfo=UTC)
"""10:30 in Shanghai."""
CLOCKS = Clocks(now=lambda: NOW, monotonic=time.monotonic)
# Real intervals: the one deadline that is short must run out while the relay holds the reply.


def random() -> bytes:
    """The same bytes each time: keys of a trial protect nobody."""
    return bytes(range(32))


async def trial(
    profile: str,
    directory: Path,
    *only: str,
    profile_file: Path | None = None,
    connect: Connect | None = None,
    rules: Rules | None = None,
    platform: type[Platform] = Platform,
    gatekeeper: type[Gatekeeper] = Gatekeeper,
) -> Report:
    """The rules named, or all of them."""
    picked = chosen(ALL, only=only)
    async with on_sandbox(
        profile,
        directory,
        CLOCKS,
        random,
        profile_file=profile_file,
        connect=connect,
        rules=rules,
        platform=platform,
        gatekeeper=gatekeeper,
    ) as target:
        return await try_rules(target, picked, lambda _: None)


def told(report: Report) -> Sequence[str]:
    """What did not simply hold, a line each."""
    return [f"{f.rule.id} {f.outcome} {f.text_zh}" for f in report.findings if f.text_zh]
