"""信封加密: how one value is sealed at rest, so that it opens only in its own place.

AES-256-GCM with a random 96-bit nonce. The additional data is table, row, field and key version,
each with its length before it, so that no ciphertext can be moved to another row or column. Bytes:
algorithm (1) ‖ key version (2) ‖ nonce (12) ‖ ciphertext and tag. Source: security.md §6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.store.errors import Undecipherable

AES_256_GCM = 0x01
KEY_VERSION = 1
"""Version of the keys that new values are sealed under."""
NONCE_SIZE = 12
_HEADER = bytes([AES_256_GCM]) + KEY_VERSION.to_bytes(2, "big")
_PREFIX = len(_HEADER) + NONCE_SIZE

Salt = Callable[[], bytes]
"""32 random bytes at each call (ports.Ids.salt)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives."""

    table: str
    row: str
    field: str


def seal(cipher: AESGCM, place: Place, value: bytes, salt: Salt) -> bytes:
    """The value sealed for this place."""
    nonce = salt()[:NONCE_SIZE]
    return _HEADER + nonce + cipher.encrypt(nonce, value, _additional(place, KEY_VERSION))


def unseal(cipher: AESGCM, place: Place, sealed: bytes) -> bytes:
    """The value. Raises Undecipherable, whatever is wrong."""
    version = int.from_bytes(sealed[1:3], "big")
    nonce = sealed[len(_HEADER) : _PREFIX]
    if len(nonce) != NONCE_SIZE or sealed[0] != AES_256_GCM:
        raise Undecipherable
    try:
        return cipher.decrypt(nonce, sealed[_PREFIX:], _additional(place, version))
    except InvalidTag:
        # The library's error would tell a moved value from a damaged one; nobody needs to know.
        raise Undecipherable from None


def _additional(place: Place, version: int) -> bytes:
    parts = (place.table, place.row, place.field, str(version))
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
