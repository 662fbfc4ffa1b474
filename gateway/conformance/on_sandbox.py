"""在仿真平台上检验: start one province's stand-in on a free port, try the rules, stop it.

In this process, on a directory of the caller's. Not here: whether it may run at all (the stand-in
itself refuses a production environment).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from adapters import registry
from adapters.connection import Clocks
from adapters.sandbox import Sandbox
from adapters.sandbox.context import Rules
from adapters.signing.scheme import Secrets
from gateway.conformance.site import site_of
from gateway.conformance.target import Connect, Target
from gateway.policy_files import POLICY_DIR

ACCESS_KEY, SECRET = "conformance-ak", "conformance-secret"
"""Both ends are ours, for the length of a trial: nothing is kept secret by these."""


def connect_of(profile: str) -> Connect:
    """The adapter's own way to connect. Raises KeyError for a profile that there is not."""
    return {name: make for name, make in registry.PROVINCES.values()}[profile]


@asynccontextmanager
async def on_sandbox(
    profile: str,
    directory: Path,
    clocks: Clocks,
    *,
    connect: Connect | None = None,
    rules: Rules | None = None,
    secrets: Mapping[str, str] | None = None,
) -> AsyncIterator[Target]:
    """A running stand-in as a target. `connect` and `rules` are for trials of the trials."""
    given = secrets or {"access_key": ACCESS_KEY, "secret": SECRET}
    sandbox = Sandbox(
        province=profile,
        state_dir=directory,
        policies_dir=POLICY_DIR,
        secrets=given,
        clock=clocks.now,
        rules=rules,
    )
    url = await sandbox.start()
    try:
        yield Target(
            profile=profile,
            url=url,
            secrets=Secrets(given["access_key"], given["secret"].encode()),
            site=site_of(profile),
            connect=connect or connect_of(profile),
            clocks=clocks,
            first_number=1,
            state=sandbox.state,
        )
    finally:
        await sandbox.stop()
