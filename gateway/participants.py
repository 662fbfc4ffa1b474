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
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    found: dict[str, Institution] = {}
    for number, row in enumerate(document.get("institution", []), start=1):
        institution = _institution(row, f"{path}: [[institution]] {number}")
        if institution.code in found:
            raise ConfigError(f"{path}: {institution.code} stands twice; keep one row")
        found[institution.code] = institution
    if not found:
        raise ConfigError(f"{path}: no [[institution]]; nobody could call")
    return found


def _institution(row: dict[str, Any], where: str) -> Institution:
    known = {"code", "name", "region", "level", "valid_from", "valid_until"}
    unknown = sorted(set(row) - known)
    if unknown:
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}")
    code, region = row.get("code", ""), row.get("region", "")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ConfigError(f"{where}: code must be 12 characters starting with H or P")
    if not isinstance(region, str) or not is_served(region):
        raise ConfigError(f"{where}: region {region!r} is not one we serve")
    try:
        level = HospitalLevel(row["level"])
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{where}: level must be primary, secondary or tertiary") from error
    start, end = row.get("valid_from"), row.get("valid_until")
    if not isinstance(start, date) or not (end is None or isinstance(end, date)):
        raise ConfigError(f"{where}: valid_from (and valid_until) must be TOML dates")
    return Institution(code, str(row.get("name", "")), region, level, start, end)
