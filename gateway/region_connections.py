"""接入设置: `[regions.NN]` of the settings → connections that the adapters' registry can use.

Everything that would keep a province from being spoken to is found here, before anything is opened:
an unknown province, a profile that is wrong, keys that its scheme needs, SM2 that is not there.
Not here: what a profile says (adapters/), whether a region is served (the domain's question).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from adapters import registry
from adapters.baseline.profile import ProfileError
from adapters.connection import Connection
from adapters.signing.scheme import SecretsMissing
from adapters.signing.schemes import NeedSm2
from adapters.sm.selection import SmUnavailable, need_sm2
from gateway.config import ConfigError, RegionSettings
from gateway.secret_files import read_secrets


def connections_of(regions: Mapping[str, RegionSettings], now: datetime) -> dict[str, Connection]:
    """Folder name → connection. Raises ConfigError (中文) naming the region and the remedy."""
    return {region.profile: connection_of(code, region, now) for code, region in regions.items()}


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
    connection = Connection(
        region.base_url, read_secrets(region.secrets_file), profile_file=region.profile_file
    )
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
    return connection
