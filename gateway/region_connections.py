"""接入设置: `[regions.NN]` of the settings → connections that the adapters' registry can use.

Everything that would keep a province from being spoken to is found here, before anything is opened:
an unknown province, a profile that is wrong, keys that its scheme needs, SM2 that is not there.
Not here: what a profile says (adapters/), whether a region is served (the domain's question).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from adapters import registry
from adapters.baseline.profile import ProfileError
from adapters.connection import Connection, Live
from adapters.signing.key_ring import KeyRing
from adapters.signing.scheme import SecretsMissing
from adapters.signing.schemes import NeedSm2
from adapters.sm.selection import SmUnavailable, need_sm2
from gateway.config import ConfigError, RegionSettings
from gateway.region_tls import tls_context
from gateway.secret_files import read_key_ring
from gateway.watched_files import FileWatch


def connections_of(
    regions: Mapping[str, RegionSettings], now: datetime, watch: FileWatch | None = None
) -> dict[str, Connection]:
    """Folder name → connection. Raises ConfigError (中文) naming the region and the remedy.

    With `watch`, keys and certificates are those of the files as they lie there at each call.
    """
    return {
        region.profile: _followed(connection_of(code, region, now), code, region, now, watch)
        for code, region in regions.items()
    }


def connection_of(
    code: str, region: RegionSettings, now: datetime, sm2: NeedSm2 = need_sm2
) -> Connection:
    """One province's; `sm2` finds who signs. Raises ConfigError."""
    name = registry.DECLARED.get(code)
    if name is None:
        known = "、".join(f"{c}({n})" for c, n in registry.DECLARED.items())
        raise ConfigError(f"regions:没有省份 {code} 的适配器(可用 {known})")
    if region.profile != name:
        raise ConfigError(f"regions.{code}:profile 应为 {name},写的是 {region.profile}")
    ring = _usable_keys(code, region, name, now, sm2)
    return Connection(
        region.base_url,
        ring.at(now),
        tls=_usable_tls(code, region),
        profile_file=region.profile_file,
    )


def _usable_keys(
    code: str, region: RegionSettings, name: str, now: datetime, sm2: NeedSm2 = need_sm2
) -> KeyRing:
    """What the file holds, if every set of it has all that the profile's schemes need."""
    ring = read_key_ring(region.secrets_file)
    for stage in ring.stages:
        connection = Connection(region.base_url, stage.secrets, profile_file=region.profile_file)
        try:
            registry.check(name, connection, now, sm2)
        except ProfileError as error:
            raise ConfigError(f"regions.{code}:{error}", reason="PROFILE_INVALID") from error
        except SecretsMissing as error:
            text = f"regions.{code}:签名密钥文件 {region.secrets_file} {error}"
            raise ConfigError(text, reason="SECRETS_UNREADABLE") from error
        except SmUnavailable as error:
            text = str(error).removesuffix(f"[{SmUnavailable.reason}]")
            raise ConfigError(f"regions.{code}:{text}", reason=SmUnavailable.reason) from error
    return ring


def _usable_tls(code: str, region: RegionSettings) -> ssl.SSLContext | None:
    if region.tls is None:
        return None
    return tls_context(region.tls, f"regions.{code}.tls")


def _followed(
    connection: Connection,
    code: str,
    region: RegionSettings,
    now: datetime,
    watch: FileWatch | None,
) -> Connection:
    """The same, with what its files hold at each moment."""
    if watch is None:
        return connection
    keys = watch.watch(
        f"regions.{code}.secrets_file",
        [region.secrets_file],
        lambda: _usable_keys(code, region, region.profile, now),
    )
    tls: Callable[[], ssl.SSLContext | None] = connection.tls_now
    if region.tls is not None:
        files: list[Path] = region.tls.files()
        tls = watch.watch(f"regions.{code}.tls", files, lambda: _usable_tls(code, region))
    return replace(connection, live=Live(lambda moment: keys().at(moment), tls))
