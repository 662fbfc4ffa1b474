"""默克尔树: RFC 6962 hashes, roots and proofs, made and checked.

Pure: bytes in, bytes out. Where the hashes lie is the caller's business: proofs are made from a
HashSource, and a log grows through a CompactRange that holds at most 64 hashes. SHA-256 only.
Making: RFC 6962 §2.1. Checking: RFC 9162 §2.1.3.2 and §2.1.4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
"""Bytes of one hash."""
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""

HashSource = Callable[[int, int], bytes]
"""(level, index) → hash of the perfect subtree over leaves [index·2^level, (index+1)·2^level)."""


class ProofInvalid(Exception):
    """A proof does not prove what it was given for. Says why, never what to do instead."""


def leaf_hash(data: bytes) -> bytes:
    """MTH of one leaf: SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root over all these leaf hashes."""
    tree = CompactRange()
    for value in leaf_hashes:
        tree.append(value)
    return tree.root()


class CompactRange:
    """The right edge of a tree: the roots of its perfect subtrees, largest first.

    Enough to append in O(log n) and to know the root, without any other hash of the tree.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise ValueError("a compact range has one hash for each bit set in its size")
        if any(len(value) != HASH_SIZE for value in self.hashes):
            raise ValueError("a compact range holds hashes of 32 bytes")

    def copy(self) -> CompactRange:
        """One that grows by itself."""
        made = CompactRange()
        made.size, made.hashes = self.size, self.hashes.copy()
        return made

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at index `size`."""
        hashes = self.hashes
        carry = self.size
        node = leaf
        while carry & 1:
            node = sha256(b"\x01" + hashes.pop() + node).digest()
            carry >>= 1
        hashes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Root of the tree so far."""
        return _fold(self.hashes)

    def to_bytes(self) -> bytes:
        """The hashes one after the other; the size is kept beside it."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> CompactRange:
        """The inverse of to_bytes. Raises ValueError when the length does not fit the size."""
        if len(data) % HASH_SIZE:
            raise ValueError("a compact range is a whole number of hashes")
        return cls(size, (data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))

    @classmethod
    def of_tree(cls, size: int, source: HashSource) -> CompactRange:
        """The range of an existing tree of this size."""
        return cls(size, _perfect_hashes(0, size, source))


def tree_root(size: int, source: HashSource) -> bytes:
    """Root of the tree of this size."""
    return _fold(_perfect_hashes(0, size, source))


def inclusion_proof(index: int, size: int, source: HashSource) -> tuple[bytes, ...]:
    """PATH(index, D[size]), from the leaf's sibling upwards (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    low, high = 0, size
    path: list[bytes] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, source))
            high = middle
        else:
            path.append(_range_hash(low, middle, source))
            low = middle
    path.reverse()
    return tuple(path)


def consistency_proof(first: int, second: int, source: HashSource) -> tuple[bytes, ...]:
    """PROOF(first, D[second]) (RFC 6962 §2.1.2). An empty first tree proves nothing: refused."""
    if not 0 < first <= second:
        raise ValueError(f"no consistency proof from size {first} to {second}")
    low, high = 0, second
    path: list[bytes] = []
    known = True  # whether D[low:first] is the very tree the verifier holds the root of
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            path.append(_range_hash(middle, high, source))
            high = middle
        else:
            path.append(_range_hash(low, middle, source))
            low = middle
            known = False
    if not known:
        path.append(_range_hash(low, high, source))
    path.reverse()
    return tuple(path)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """The leaf with this hash is at `index` of the tree (RFC 9162 §2.1.3.2), else ProofInvalid."""
    if not 0 <= index < size:  # (1)
        raise ProofInvalid(f"leaf {index} is not in a tree of {size}")
    _check_lengths((leaf, root, *proof))
    fn, sn, r = index, size - 1, leaf  # (2) (3)
    for p in proof:  # (4)
        if sn == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    if sn:  # (5)
        raise ProofInvalid("the proof is shorter than the tree is high")
    if r != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """The first tree is a prefix of the second (RFC 9162 §2.1.4.2), else ProofInvalid."""
    if not 0 < first <= second:
        raise ProofInvalid(f"nothing is consistent from size {first} to {second}")
    _check_lengths((first_root, second_root, *proof))
    if first == second:
        if proof or first_root != second_root:
            raise ProofInvalid("two trees of one size have one root and need no proof")
        return
    if not proof:  # (1)
        raise ProofInvalid("the proof is empty")
    path = list(proof)
    if first & (first - 1) == 0:  # (2)
        path.insert(0, first_root)
    fn, sn = first - 1, second - 1  # (3)
    while fn & 1:  # (4)
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]  # (5)
    for c in path[1:]:  # (6)
        if sn == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if fn & 1 or fn == sn:
            fr = node_hash(c, fr)
            sr = node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    if sn:  # (7)
        raise ProofInvalid("the proof is shorter than the tree is high")
    if fr != first_root:
        raise ProofInvalid("the proof leads to another first root")
    if sr != second_root:
        raise ProofInvalid("the proof leads to another second root")


def _check_lengths(hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofInvalid("every hash of a proof has 32 bytes")


def _split(count: int) -> int:
    """The largest power of two below `count` (which is at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(low: int, high: int, source: HashSource) -> bytes:
    return _fold(_perfect_hashes(low, high, source))


def _perfect_hashes(low: int, high: int, source: HashSource) -> list[bytes]:
    """Roots of the perfect subtrees of [low, high), largest first. In every range that RFC 6962's
    recursion makes, `low` is a multiple of each of them."""
    found: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        found.append(source(level, low >> level))
        low += 1 << level
    return found


def _fold(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root
