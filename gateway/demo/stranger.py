"""外人: a stranger's check of a published log, from the formats' texts, with none of our code.

RFC 6962 §2.1, C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-tiles; of our own only
the files. Deliberately simple: it recomputes the whole tree from the tiles it may fetch.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Seen = tuple[int, bytes]
"""(size, root) of a checkpoint that was checked."""


class MirrorError(Exception):
    """The published log does not hold."""


def expect(held: bool, what: str) -> None:
    if not held:
        raise MirrorError(what)


class Mirror:
    """`public` is the log's prefix, `entries` where bundles are (None without access)."""

    def __init__(self, public: Path, entries: Path | None, vkey: str) -> None:
        self.public, self.entries, self.vkey = public, entries, vkey

    def check(self, previous: Seen | None = None, witnesses: tuple[str, ...] = ()) -> Seen:
        """Signatures, every tile of the tree, every entry, and the earlier checkpoint within it."""
        size, root = self.checkpoint(witnesses)
        hashes = self._level_zero(size)
        expect(root_of(hashes) == root, "the tiles do not lead to the signed root")
        self._upper_levels(size, hashes)
        if self.entries is not None:
            self._bundles(size, hashes)
        if previous is not None:
            expect(root_of(hashes[: previous[0]]) == previous[1], "the log is no extension")
        return size, root

    def checkpoint(self, witnesses: tuple[str, ...] = ()) -> Seen:
        """(size, root), if the log and each of these witnesses have signed."""
        note = (self.public / "checkpoint").read_text(encoding="utf-8")
        head, _, tail = note.rpartition("\n\n")
        text = head + "\n"
        lines = text.split("\n")
        expect(len(lines) == 4, "a checkpoint has three lines")
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
        expect(self.vkey.split("+")[0] == origin, "the checkpoint is of another log")
        for vkey in (self.vkey, *witnesses):
            expect(any(signed(line, vkey, text) for line in tail.splitlines()), f"no {vkey[:30]}")
        return size, root

    def _tile(self, root: Path, kind: str, index: int, width: int) -> bytes:
        digits = str(index)
        digits = "0" * (-len(digits) % 3) + digits
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        name = "/".join(["x" + group for group in groups[:-1]] + [groups[-1]])
        return (root / f"tile/{kind}/{name}{'' if width == 256 else f'.p/{width}'}").read_bytes()

    def _level_zero(self, size: int) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < size:
            width = min(256, size - len(found))
            data = self._tile(self.public, "0", len(found) // 256, width)
            expect(len(data) == 32 * width, "a tile is truncated")
            found += [data[i : i + 32] for i in range(0, len(data), 32)]
        return found

    def _upper_levels(self, size: int, hashes: list[bytes]) -> None:
        level = 1
        while size >> (8 * level):
            hashes = [root_of(hashes[i : i + 256]) for i in range(0, len(hashes) - 255, 256)]
            count = size >> (8 * level)
            expect(len(hashes) == count, "levels do not fit")
            for first in range(0, count, 256):
                row = hashes[first : first + 256]
                data = self._tile(self.public, str(level), first // 256, len(row))
                expect(data == b"".join(row), "an upper tile does not fit the one below")
            level += 1

    def _bundles(self, size: int, hashes: list[bytes]) -> None:
        expect(self.entries is not None, "no access")
        for first in range(0, size, 256):
            width = min(256, size - first)
            data = self._tile(self.entries or Path(), "entries", first // 256, width)
            for expected in hashes[first : first + width]:
                end = 2 + int.from_bytes(data[:2], "big")
                expect(len(data) >= end, "an entry bundle is truncated")
                leaf = hashlib.sha256(b"\x00" + data[2:end]).digest()
                expect(leaf == expected, "an entry does not fit its hash")
                data = data[end:]
            expect(not data, "an entry bundle has trailing bytes")


def signed(line: str, vkey: str, text: str) -> bool:
    """Whether the line is a good signature by this key; a bad one of its own is an error."""
    name, key_hash, encoded = vkey.split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    expect(key_id.hex() == key_hash, "not a vkey")
    dash, signer, data = line.split(" ")
    signature = base64.b64decode(data, validate=True)
    if dash != "\u2014" or signer != name or signature[:4] != key_id:
        return False
    message, signature = text.encode(), signature[4:]
    if key[0] == 4:
        at = int.from_bytes(signature[:8], "big")
        message, signature = f"cosignature/v1\ntime {at}\n".encode() + message, signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, message)
    except InvalidSignature as error:
        raise MirrorError(f"the signature of {name} does not fit") from error
    return True


def root_of(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1 over leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + root_of(hashes[:k]) + root_of(hashes[k:])).digest()
