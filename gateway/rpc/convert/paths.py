"""Field paths: what the core calls a field, as the caller of gRPC knows it."""

from __future__ import annotations

import re

_RENAMED = (
    # The core prices a bill; in the protos the bill's lines belong to the visit.
    (re.compile(r"^bill\."), "visit."),
    (re.compile(r"\.unit_price$"), ".unit_price_yuan"),
)


def caller_path(path: str) -> str:
    """`bill.lines[3].unit_price` → `visit.lines[3].unit_price_yuan`; others unchanged."""
    for pattern, replacement in _RENAMED:
        path = pattern.sub(replacement, path)
    return path
