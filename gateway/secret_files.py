"""签名密钥文件: one province's secrets, read from the TOML file that its settings name.

    access_key = "…"                 public: access key, x-ca-key, paasid or appCode
    secret = "…"                     SK, token or appSecret
    sm2_private_key = \"\"\"PEM\"\"\"      ours, to sign with; only for envelope-sm2
    sm2_platform_key = \"\"\"PEM\"\"\"     theirs, to verify with
    [previous]                       the same keys of the set before, while both are live

Errors (中文) name the file and the key, and never a value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.signing.scheme import Secrets, Sm2Keys
from adapters.sm.keys import KeyUnusable, Sm2PrivateKey, Sm2PublicKey
from gateway.config import ConfigError

_NEEDED = {"access_key", "secret"}
_SM2 = {"sm2_private_key", "sm2_platform_key"}
_PREVIOUS = "previous"


def read_secrets(path: Path) -> Secrets:
    """Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(f"签名密钥文件 {path} 无法读取({type(error).__name__})") from error
    before = table.pop(_PREVIOUS, None)
    current = _one(table, str(path))
    if before is None:
        return current
    if not isinstance(before, dict):
        raise _refused(f"签名密钥文件 {path} 的 {_PREVIOUS} 应写成一节 [{_PREVIOUS}]")
    return replace(current, previous=_one(before, f"{path} 的 [{_PREVIOUS}]"))


def _one(table: Mapping[str, Any], where: str) -> Secrets:
    unknown = table.keys() - _NEEDED - _SM2
    if unknown:
        raise _refused(f"签名密钥文件 {where} 没有这个设置项:{'、'.join(sorted(unknown))}")
    given = {name: value for name, value in table.items() if isinstance(value, str)}
    if _NEEDED - given.keys() or given.keys() != table.keys():
        raise _refused(f"签名密钥文件 {where} 应有 access_key 与 secret 两项文本")
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
