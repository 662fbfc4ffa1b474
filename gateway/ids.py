"""The only maker of ids and randomness: prefixed, time-ordered, never derived from a person.

An id is a prefix and 26 characters of Crockford base32: 48 bits of milliseconds, then 80 random
bits (the ULID layout), so that ids sort by time and two processes never meet.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 26
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SALT, _SALTS = 32, 128
_salts: list[bytes] = []
"""Fetched together: a call to the system costs as much as half of an append. `pop` and `extend` are
one step each, so that no two threads are given the same."""
os.register_at_fork(after_in_child=_salts.clear)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _base32(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        digits.append(ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(digits))


def made_at(made_id: str) -> datetime | None:
    """When an id of ours was made; None for what is none."""
    digits = made_id.rpartition("_")[2]
    if len(digits) != _DIGITS or set(digits) - set(ALPHABET):
        return None
    value = 0
    for digit in digits:
        value = value << 5 | ALPHABET.index(digit)
    # Two bits more than 128 fit into 26 digits; no id of ours has them.
    return _EPOCH + timedelta(milliseconds=value >> 80 & (1 << 48) - 1)


class SystemIds:
    """Ids from the operating system's randomness and the given clock."""

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now

    def _make(self, prefix: str) -> str:
        milliseconds = int(self._now().timestamp() * 1000)
        return f"{prefix}_{_base32((milliseconds << 80) | secrets.randbits(80), 26)}"

    def claim_id(self) -> str:
        return self._make("clm")

    def entry_id(self) -> str:
        return self._make("ent")

    def outbox_id(self) -> str:
        return self._make("out")

    def request_id(self) -> str:
        """For log correlation when the caller brought none."""
        return self._make("req")

    def salt(self) -> bytes:
        """32 bytes that nobody else is given, from any thread."""
        try:
            return _salts.pop()
        except IndexError:
            fresh = secrets.token_bytes(_SALT * _SALTS)
            salts = [fresh[at : at + _SALT] for at in range(0, len(fresh), _SALT)]
            salt = salts.pop()
            _salts.extend(salts)
            return salt

    def bytes(self, length: int) -> bytes:
        return secrets.token_bytes(length)
