"""各省仿真平台逐一检验: the quick rules on a stand-in of each declared province, one after another.

For the demonstration: apart from the system that it shows, on platforms of their own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from adapters import registry
from adapters.connection import Clocks
from gateway.conformance.on_sandbox import on_sandbox
from gateway.conformance.rules import ALL
from gateway.conformance.suite import Report, chosen, try_rules


async def try_every_stand_in(clocks: Clocks, random: Callable[[], bytes]) -> tuple[Report, ...]:
    """In the order of the registry."""
    reports = []
    for profile in registry.DECLARED.values():
        with tempfile.TemporaryDirectory(prefix="yrd-") as directory:
            async with on_sandbox(profile, Path(directory), clocks, random) as target:
                rules = chosen(ALL, quick=True)
                reports.append(await try_rules(target, rules, lambda _: None))
    return tuple(reports)
