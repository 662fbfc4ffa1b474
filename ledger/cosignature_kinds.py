"""两种见证签名: Ed25519 (type 0x04), and ML-DSA-44 (0x06), which quantum computers do not break.

Pure apart from the algorithms. Ed25519 signs a header, a time and the whole text; ML-DSA-44 signs a
structure that holds the cosigner's name too, of the checkpoint's first three lines only. Private
keys are seeds of 32 bytes in both. Sources: C2SP tlog-cosignature, RFC 8032, FIPS 204.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.note import unb64

COSIGNATURE, COSIGNATURE_MLDSA44 = 0x04, 0x06
"""Signature type bytes."""
SEED_SIZE = 32
TIME_MAX = 2**63 - 1
_LABEL = b"subtree/v1\n\x00"
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """One algorithm and what it signs."""

    type: int
    key_bytes: int
    """Of a public key."""
    signature_bytes: int
    message: Callable[[str, int, str], bytes]
    """(cosigner's name, time, text of the checkpoint) → what is signed. Raises ValueError."""
    public_of: Callable[[bytes], bytes]
    """Seed → public key."""
    sign: Callable[[bytes, bytes], bytes]
    """(seed, message) → signature."""
    verifies: Callable[[bytes, bytes, bytes], bool]
    """(public key, signature, message)."""


def cosigned_message(text: str, at: int) -> bytes:
    """What Ed25519 signs: header, time, and the whole text of the checkpoint."""
    _check_time(at)
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def subtree_message(name: str, at: int, text: str) -> bytes:
    """What ML-DSA-44 signs: `cosigned_message` of the whole tree. Raises ValueError for a text that
    is no checkpoint."""
    _check_time(at)
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise ValueError("the text is no checkpoint: origin, size, root")
    root = unb64(lines[2])
    if len(root) != 32:
        raise ValueError("the root of a checkpoint has 32 bytes")
    return b"".join((
        _LABEL, _vector(name), _u64(at), _vector(lines[0]), _u64(0), _u64(int(lines[1])), root,
    ))  # fmt: skip


def _ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _mldsa44(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


ED25519 = Kind(
    type=COSIGNATURE,
    key_bytes=32,
    signature_bytes=64,
    message=lambda name, at, text: cosigned_message(text, at),
    public_of=lambda seed: (
        Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    ),
    sign=lambda seed, message: Ed25519PrivateKey.from_private_bytes(seed).sign(message),
    verifies=_ed25519,
)
MLDSA44 = Kind(
    type=COSIGNATURE_MLDSA44,
    key_bytes=1312,
    signature_bytes=2420,
    message=subtree_message,
    public_of=lambda seed: MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw(),
    sign=lambda seed, message: MLDSA44PrivateKey.from_seed_bytes(seed).sign(message),
    verifies=_mldsa44,
)
KINDS = {kind.type: kind for kind in (ED25519, MLDSA44)}


def _check_time(at: int) -> None:
    if not 0 <= at <= TIME_MAX:
        raise ValueError("the time of a cosignature is 0 … 2^63 - 1 seconds")


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _vector(text: str) -> bytes:
    """opaque<1..2^8-1> (RFC 8446 §3.4)."""
    data = text.encode()
    if not 0 < len(data) < 256:
        raise ValueError("a name or an origin has 1 to 255 bytes here")
    return bytes([len(data)]) + data
