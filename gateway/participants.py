"""参与机构: which institutions may call, from `participants.toml`. Refuses a row it cannot
trust."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from gateway.config import ConfigError
from gateway.domain.bill import HospitalLevel
from gateway.domain.region import is_served
from gateway.domain.visit import Institution

_CODE = re.compile(r"[HP][0-9A-Z]{11}", re.ASCII)


def load_institutions(path: Path) -> dict[str, Institution]:
    """Code → institution. Raises ConfigError naming file, row and remedy."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} 无法读取({error})", reason="PARTICIPANTS_UNREADABLE") from error
    found: dict[str, Institution] = {}
    for number, row in enumerate(document.get("institution", []), start=1):
        institution = _institution(row, f"{path} 第 {number} 个 [[institution]]")
        if institution.code in found:
            raise _invalid(f"{path}:{institution.code} 出现两次,请只保留一项")
        found[institution.code] = institution
    if not found:
        raise _invalid(f"{path} 中没有 [[institution]]:没有机构可以调用")
    return found


def _invalid(text_zh: str) -> ConfigError:
    return ConfigError(text_zh, reason="PARTICIPANTS_INVALID")


def _institution(row: dict[str, Any], where: str) -> Institution:
    known = {"code", "name", "region", "level", "valid_from", "valid_until"}
    unknown = sorted(set(row) - known)
    if unknown:
        raise _invalid(f"{where}:没有字段 {'、'.join(unknown)}")
    code, region = row.get("code", ""), row.get("region", "")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise _invalid(f"{where}:code 应为 12 位、以 H 或 P 开头的机构编号")
    if not isinstance(region, str) or not is_served(region):
        raise _invalid(f"{where}:region {region!r} 不是本系统服务的地区")
    try:
        level = HospitalLevel(row["level"])
    except (KeyError, ValueError) as error:
        raise _invalid(f"{where}:level 应为 primary、secondary 或 tertiary") from error
    start, end = row.get("valid_from"), row.get("valid_until")
    if not isinstance(start, date) or not (end is None or isinstance(end, date)):
        raise _invalid(f"{where}:valid_from(及 valid_until)应为日期,如 2026-01-01")
    return Institution(code, str(row.get("name", "")), region, level, start, end)
