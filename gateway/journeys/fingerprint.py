"""What makes two requests "the same body": canonical JSON of the parsed command, defaults left out.

Fields that a later version adds with a default do not change the fingerprint of an old request,
so a replay is recognised for as long as the ledger lives. Only a keyed hash of it is stored.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from gateway.domain.visit import Institution
from ledger.commitment import canonical_json

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


def fingerprint(command: object) -> bytes:
    """Canonical bytes of a command: sorted keys, no white space, exact decimals, UTC times."""
    return canonical_json(_plain(command))


def _plain(value: Any) -> Json:
    match value:
        case None | bool() | int():
            return value
        case Institution():
            # Who asks is its code; its register entry may change without changing the request.
            return value.code
        case Enum():
            return str(value.value)
        case str():
            return value
        case Decimal():
            # 1.50 and 1.5 are the same amount, so they are the same body.
            return format(value.normalize(), "f")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case tuple() | list():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value):
            return {
                f.name: _plain(getattr(value, f.name))
                for f in fields(value)
                if f.default is MISSING or getattr(value, f.name) != f.default
            }
    raise TypeError(f"a command holds no {type(value).__name__}")
