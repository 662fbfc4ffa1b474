"""在仿真平台上检验: start one province's stand-in on a free port, try the rules, stop it.

In this process, on a directory of the caller's. Not here: whether it may run at all (the stand-in
itself refuses a production environment).
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters import registry
from adapters.connection import Clocks
from adapters.sandbox import Sandbox
from adapters.sandbox.context import Rules
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.platform import Platform
from adapters.signing.scheme import Secrets
from adapters.sm.selection import sm2
from gateway.conformance.site import site_of
from gateway.conformance.target import Connect, Target
from gateway.demo.dev_keys import SIGN_BY_SM2, dev_secrets, weaker_profile
from gateway.policy_files import POLICY_DIR
from gateway.secret_files import read_secrets


@dataclass(frozen=True, slots=True)
class Ends:
    """The keys of both ends, made up for the length of a trial."""

    ours: Secrets
    theirs: Mapping[str, str]
    profile_file: Path | None
    """Where this machine has no SM2 that signs: what is spoken instead, as in a demonstration."""


def ends_of(
    profile: str, directory: Path, random: Callable[[], bytes], can_sm2: bool | None = None
) -> Ends:
    """`random` gives 32 random bytes a call; files go into `directory`; `can_sm2`: None asks this
    machine whether it signs with SM2."""
    signs = sm2().can_sign if can_sm2 is None else can_sm2
    ours, theirs = dev_secrets(profile, random, sm2=signs)
    file = directory / f"{profile}.secrets.toml"
    file.touch(mode=0o600)
    file.write_text(ours, encoding="ascii")
    weaker = None
    if profile in SIGN_BY_SM2 and not signs:
        weaker = directory / f"{profile}.profile.toml"
        weaker.write_text(weaker_profile(profile), encoding="utf-8")
    return Ends(read_secrets(file), tomllib.loads(theirs), weaker)


def connect_of(profile: str) -> Connect:
    """The adapter's own way to connect. Raises KeyError for a profile that there is not."""
    return {name: make for name, make in registry.PROVINCES.values()}[profile]


@asynccontextmanager
async def on_sandbox(
    profile: str,
    directory: Path,
    clocks: Clocks,
    random: Callable[[], bytes],
    *,
    profile_file: Path | None = None,
    can_sm2: bool | None = None,
    connect: Connect | None = None,
    rules: Rules | None = None,
    platform: type[Platform] = Platform,
    gatekeeper: type[Gatekeeper] = Gatekeeper,
) -> AsyncIterator[Target]:
    """A running stand-in as a target. `connect` to `gatekeeper` are for trials of the trials."""
    ends = ends_of(profile, directory, random, can_sm2)
    sandbox = Sandbox(
        province=profile,
        state_dir=directory,
        policies_dir=POLICY_DIR,
        secrets=ends.theirs,
        clock=clocks.now,
        rules=rules,
        platform=platform,
        gatekeeper=gatekeeper,
    )
    url = await sandbox.start()
    try:
        yield Target(
            profile=profile,
            url=url,
            secrets=ends.ours,
            profile_file=profile_file or ends.profile_file,
            site=site_of(profile),
            connect=connect or connect_of(profile),
            clocks=clocks,
            first_number=1,
            state=sandbox.state,
        )
    finally:
        await sandbox.stop()
