"""HMAC-SM3 (国密), the primitive two profiles share. Upper-case hex, as those provinces write it.

`cryptography` carries SM3; hashlib's depends on the OpenSSL it was linked to.
"""

from __future__ import annotations

import hmac
import re

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

_HEX = re.compile(r"[0-9A-F]{64}", re.ASCII)


def hmac_sm3(secret: bytes, message: bytes) -> str:
    """64 upper-case hex digits."""
    mac = HMAC(secret, hashes.SM3())
    mac.update(message)
    return mac.finalize().hex().upper()


def same(expected: str, given: str) -> bool:
    """Constant-time, and strict about case: the case is part of the profile."""
    return bool(_HEX.fullmatch(given)) and hmac.compare_digest(expected, given)
