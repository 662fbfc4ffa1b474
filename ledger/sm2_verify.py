"""SM2 验签: whether an SM2 signature with SM3 fits a message, a public key and an identity.

Verify-only and pure Python, so that whoever checks a log needs nothing but this package; it never
sees a private key, because it is not constant-time. Signatures are raw: r ‖ s, exactly 64 bytes.
Sources: GM/T 0003.2-2012 (GB/T 32918.2-2016) clauses 5.5 and 7.1, GM/T 0009-2012 (identity).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SM3, Hash

from ledger.sm2_curve import SIZE, A, B, G, N, Point, combine, read_point

DEFAULT_IDENTITY = b"1234567812345678"
"""GM/T 0009-2012 clause 10; both ends must agree on it."""
SIGNATURE_SIZE = 2 * SIZE
IDENTITY_MAX = 0xFFFF // 8 - 1
"""ENTL counts the identity's bits in two bytes; OpenSSL takes one byte less than would fit."""


def verify(public_key: bytes, message: bytes, signature: bytes, identity: bytes) -> bool:
    """Whether the signature (64 bytes) is this key's over the message, made with this identity.

    False for a signature that is malformed or out of range; raises PointMalformed for a public key
    and ValueError for an identity that nobody can have.
    """
    point = read_point(public_key)
    digest = message_digest(point, message, identity)
    numbers = read_signature(signature)
    if numbers is None:
        return False
    r, s = numbers
    # (5) t = (r + s) mod n, not 0; (6) x1 of s·G + t·P; (7) r = (e + x1) mod n.
    found = combine(s, (r + s) % N, point)
    return found is not None and (int.from_bytes(digest, "big") + found[0]) % N == r


def read_signature(signature: bytes) -> tuple[int, int] | None:
    """(r, s) of 64 bytes, None unless 1 ≤ r, s < n and r + s ≠ 0 (mod n)."""
    if len(signature) != SIGNATURE_SIZE:
        return None
    r, s = int.from_bytes(signature[:SIZE], "big"), int.from_bytes(signature[SIZE:], "big")
    if not (1 <= r < N and 1 <= s < N) or r + s == N:
        return None
    return r, s


def message_digest(point: Point, message: bytes, identity: bytes) -> bytes:
    """e = SM3(ZA ‖ M)."""
    return _sm3(identity_digest(point, identity) + message)


def identity_digest(point: Point, identity: bytes) -> bytes:
    """ZA = SM3(ENTL ‖ ID ‖ a ‖ b ‖ Gx ‖ Gy ‖ Px ‖ Py), ENTL in bits."""
    check_identity(identity)
    numbers = (A, B, *G, *point)
    return _sm3(
        (8 * len(identity)).to_bytes(2, "big")
        + identity
        + b"".join(number.to_bytes(SIZE, "big") for number in numbers)
    )


def check_identity(identity: bytes) -> None:
    """Raises ValueError unless a signer can have it."""
    if not 0 < len(identity) <= IDENTITY_MAX:
        raise ValueError(f"an SM2 identity has 1 to {IDENTITY_MAX} bytes")


def _sm3(data: bytes) -> bytes:
    # Not hashlib's: whether that has SM3 depends on the OpenSSL it was linked to.
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()
