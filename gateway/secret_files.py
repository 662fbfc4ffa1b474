"""签名密钥文件: one province's secrets, read from the TOML file that its settings name.

    access_key = "…"                 public: access key, x-ca-key, paasid or appCode
    secret = "…"                     SK, token or appSecret
    sm2_private_key = \"\"\"PEM\"\"\"      ours, to sign with; only for envelope-sm2
    sm2_platform_key = \"\"\"PEM\"\"\"     theirs, to verify with
    [previous]                       the same keys of the set before, while both are live
    valid_until = 2026-12-31         perhaps: its last day
    [next]                           the same keys of the set to come: an answer may be signed with
    valid_from = 2026-12-01          it already, we sign with it from that day on

Days are Shanghai's; a moment with its offset (2026-12-01T12:00:00+08:00) may stand instead.
Errors (中文) name the file and the key, and never a value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from adapters.baseline.clock_text import SHANGHAI
from adapters.signing.key_ring import KeyRing, ring
from adapters.signing.scheme import Secrets, Sm2Keys
from adapters.sm.keys import KeyUnusable, Sm2PrivateKey, Sm2PublicKey
from gateway.config import ConfigError

_NEEDED = {"access_key", "secret"}
_SM2 = {"sm2_private_key", "sm2_platform_key"}
_PREVIOUS, _NEXT = "previous", "next"


def read_secrets(path: Path) -> Secrets:
    """What the file holds as the set in use, whatever its dates say. Raises ConfigError."""
    return read_key_ring(path).stages[0].secrets


def read_key_ring(path: Path) -> KeyRing:
    """Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _refused(f"签名密钥文件 {path} 无法读取({type(error).__name__})") from error
    before, after = _part(table, _PREVIOUS, path), _part(table, _NEXT, path)
    current = _one(table, str(path))
    previous, upcoming, until = None, None, None
    if before is not None:
        where = f"{path} 的 [{_PREVIOUS}]"
        until = _moment(before.pop("valid_until", None), f"{where} 的 valid_until", ends=True)
        previous = _one(before, where)
    if after is not None:
        where = f"{path} 的 [{_NEXT}]"
        since = _moment(after.pop("valid_from", None), f"{where} 的 valid_from", ends=False)
        if since is None:
            raise _refused(f"签名密钥文件 {where} 缺少 valid_from:自哪天起用它签名")
        upcoming = (_one(after, where), since)
    return ring(current, previous, until, upcoming)


def _part(table: dict[str, Any], name: str, path: Path) -> dict[str, Any] | None:
    part = table.pop(name, None)
    if part is not None and not isinstance(part, dict):
        raise _refused(f"签名密钥文件 {path} 的 {name} 应写成一节 [{name}]")
    return part


def _moment(given: object, where: str, *, ends: bool) -> datetime | None:
    """A day's beginning in Shanghai, or its end; None where nothing is given."""
    if given is None:
        return None
    try:
        if isinstance(given, datetime) and given.tzinfo is not None:
            return given.astimezone(UTC)
        if isinstance(given, date) and not isinstance(given, datetime):
            day = given + timedelta(days=1) if ends else given
            return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)
    except OverflowError as error:
        said = "超出日历(没有期限的请不写这一项)"
        raise _refused(f"签名密钥文件 {where} {said}") from error
    raise _refused(f"签名密钥文件 {where} 应为日期(2026-12-01),或带时区的时刻")


def _one(table: Mapping[str, Any], where: str) -> Secrets:
    unknown = table.keys() - _NEEDED - _SM2
    if unknown:
        raise _refused(f"签名密钥文件 {where} 没有这个设置项:{'、'.join(sorted(unknown))}")
    given = {name: value for name, value in table.items() if isinstance(value, str)}
    if _NEEDED - given.keys() or given.keys() != table.keys():
        raise _refused(f"签名密钥文件 {where} 应有 access_key 与 secret 两项文本")
    # Whoever knows the empty key, and everybody does, could sign the platform's answers.
    if not all(given.values()):
        empty = "、".join(sorted(name for name, value in given.items() if not value))
        raise _refused(f"签名密钥文件 {where} 的 {empty} 是空的")
    if bool(_SM2 & given.keys()) and _SM2 - given.keys():
        missing = "、".join(sorted(_SM2 - given.keys()))
        raise _refused(f"签名密钥文件 {where} 缺少 {missing}:SM2 需要本方私钥与平台公钥")
    return Secrets(given["access_key"], given["secret"].encode(), _sm2(given, where))


def _sm2(given: Mapping[str, str], where: str) -> Sm2Keys | None:
    if not given.keys() >= _SM2:
        return None
    try:
        ours = Sm2PrivateKey.from_pem(given["sm2_private_key"].encode())
    except KeyUnusable as error:
        raise _refused(f"签名密钥文件 {where} 的 sm2_private_key:{error}") from error
    try:
        return Sm2Keys(ours, Sm2PublicKey.from_pem(given["sm2_platform_key"].encode()))
    except KeyUnusable as error:
        raise _refused(f"签名密钥文件 {where} 的 sm2_platform_key:{error}") from error


def _refused(text_zh: str) -> ConfigError:
    return ConfigError(text_zh, reason="SECRETS_UNREADABLE")
