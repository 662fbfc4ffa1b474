"""SM3 杂凑与 HMAC-SM3, of `cryptography`: hashlib's SM3 depends on the OpenSSL it was linked to.

Source: GB/T 32905-2016, GM/T 0042-2015.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC


def sm3(data: bytes) -> bytes:
    """32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """32 bytes. Compare with hmac.compare_digest."""
    mac = HMAC(key, hashes.SM3())
    mac.update(message)
    return mac.finalize()
