"""A Merkle tree written the slow way, straight from RFC 6962 §2.1, to compare the fast one with."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


class Tree:
    """All hashes of a list of leaves; callable as a HashSource."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.hashes = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
        self._known: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        return self._mth(index << level, (index + 1) << level)

    def root(self, size: int) -> bytes:
        return self._mth(0, size)

    def _mth(self, low: int, high: int) -> bytes:
        if not 0 <= low <= high <= len(self.hashes):
            raise IndexError("outside the tree")
        if (low, high) not in self._known:
            self._known[low, high] = self._hash(low, high)
        return self._known[low, high]

    def _hash(self, low: int, high: int) -> bytes:
        count = high - low
        if count == 0:
            return sha256(b"").digest()
        if count == 1:
            return self.hashes[low]
        k = 1
        while k * 2 < count:
            k *= 2
        return sha256(b"\x01" + self._mth(low, low + k) + self._mth(low + k, high)).digest()
