"""HMAC-SM3 (国密) as hex text, the primitive two profiles share. The case is the profile's."""

from __future__ import annotations

import hmac
import re
from typing import Literal, TypeAlias

from adapters.sm import sm3

HexCase: TypeAlias = Literal["upper", "lower"]
_HEX = re.compile(r"[0-9A-F]{64}", re.ASCII)
_LOWER_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def hmac_sm3(secret: bytes, message: bytes, case: HexCase = "upper") -> str:
    """64 hex digits."""
    text = sm3.hmac_sm3(secret, message).hex()
    return text.upper() if case == "upper" else text


def same(expected: str, given: str, case: HexCase = "upper") -> bool:
    """Constant-time, and strict about case: the case is part of the profile."""
    shape = _HEX if case == "upper" else _LOWER_HEX
    return bool(shape.fullmatch(given)) and hmac.compare_digest(expected, given)
