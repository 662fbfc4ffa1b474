"""承诺: what the log says of a record without saying the record.

Pure. commitment = SHA-256("yrd.commit.v1\\0" ‖ salt ‖ body). The salt has 32 random bytes and lies
with the body, where both can be erased; without it, a body of few values could be guessed.
The body is canonical JSON, so that anyone can rebuild its bytes from what it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

SALT_SIZE = 32
"""Bytes of a salt."""
_PREFIX = b"yrd.commit.v1\x00"
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)


def commit(salt: bytes, body: bytes) -> bytes:
    """The commitment to `body`, 32 bytes."""
    if len(salt) != SALT_SIZE:
        raise ValueError("a salt has 32 bytes")
    return sha256(_PREFIX + salt + body).digest()


def canonical_json(value: object) -> bytes:
    """The one way to write this value: ASCII, keys sorted, no spaces.

    Takes objects with string keys, lists, strings, integers, true, false and null. Refuses every
    other type with ValueError, floats and Decimals above all: they have several spellings.
    """
    _check(value)
    return _ENCODER.encode(value).encode()


def _check(value: object) -> None:
    # Exact types: an IntEnum or a str subclass may be written in a way of its own.
    if value is None or type(value) in (str, int, bool):
        return
    if isinstance(value, Mapping):
        if type(value) is not dict or any(type(key) is not str for key in value):
            raise ValueError("canonical JSON has plain objects with string keys")
        for item in value.values():
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    else:
        raise ValueError(f"canonical JSON has no {type(value).__name__}")
