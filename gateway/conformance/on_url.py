"""在真实的测试平台上检验: a platform of somebody else's, by its address, keys and test people.

A trial settles, cancels and reverses: it is for test platforms. Nothing is sent unless the file of
the trial's people names this very address as one, in a person's own hand. Not here: the
environment's own no to production (the command).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters import registry
from adapters.connection import Clocks
from gateway.config import RegionSettings, RegionTls
from gateway.conformance.on_sandbox import connect_of
from gateway.conformance.site import SiteError, read_site
from gateway.conformance.target import Target
from gateway.region_connections import connection_of


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the command line says about a platform."""

    url: str
    secrets: Path
    people: Path
    profile_file: Path | None = None
    tls: RegionTls | None = None


def on_url(profile: str, given: Elsewhere, clocks: Clocks, first_number: int) -> Target:
    """Raises SiteError, ConfigError (中文)."""
    site = read_site(given.people)
    url = given.url.rstrip("/")
    if site.test_platform.rstrip("/") != url:
        raise SiteError(
            f"{given.people}:test_platform 应写明 {url} 是测试平台;"
            f"现写的是 {site.test_platform or '(空)'}。检验会真的结算与撤销,不能对生产平台执行。"
        )
    if not url.startswith(("http://", "https://")):
        raise SiteError(f"{url} 不是平台地址:应以 http:// 或 https:// 开头。")
    code = next(code for code, name in registry.DECLARED.items() if name == profile)
    region = RegionSettings.model_validate(
        {
            "base_url": url,
            "profile": profile,
            "secrets_file": given.secrets,
            "profile_file": given.profile_file,
            "tls": given.tls,
        }
    )
    connection = connection_of(code, region, clocks.now())
    return Target(
        profile=profile,
        url=url,
        secrets=connection.secrets,
        site=site,
        connect=connect_of(profile),
        clocks=clocks,
        first_number=first_number,
        profile_file=given.profile_file,
        tls=connection.tls,
    )
