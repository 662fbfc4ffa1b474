"""Decimal texts of the wire: exact, never a float. How many decimals a field may have
is the domain's question.
"""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.rpc.convert.findings import Findings

TEXT_MAX = 24
"""Longest text: more digits than any field of the national interface has, and fewer than the 28 at
which Decimal rounds."""

_TEXT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


def decimal(found: Findings, field: str, value: str) -> Decimal | None:
    """The number, or None after adding REQUIRED or FORMAT."""
    if not value:
        found.add(field, "REQUIRED", "此项必填,请填写数字。")
        return None
    if len(value) > TEXT_MAX or not _TEXT.fullmatch(value):
        found.add(field, "FORMAT", "须为普通十进制数字,例如 12.50;不得含逗号、空格或指数。")
        return None
    return Decimal(value)
