"""见证人: a platform as a witness of other people's logs (C2SP tlog-witness, add-checkpoint).

It cosigns a checkpoint only if that extends the last one it cosigned of the same log, and has
written down the new one, fsynced, before it answers. What contradicts it is refused and shouted
about in the log. Its own code from the specification's text: nothing is shared with the gateway
whose log it watches, so that its word means something. Times come from the caller.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

PROOF_MAX = 63
BODY_MAX = 256 * 1024
_COSIGNATURE, _PLAIN = b"\x04", b"\x01"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cosigned (
  origin TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL           -- verbatim: should the log ever deny it
) STRICT"""
_log = logging.getLogger("yrd.sandbox.witness")


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    text: str = ""
    content_type: str = "text/plain"


class _Refused(Exception):
    """The request ends here, with this reply."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(status, text + "\n")


@dataclass(frozen=True, slots=True)
class _Request:
    old: int
    proof: list[bytes]
    note: str
    text: str
    """What the log has signed: all before the empty line."""
    signatures: list[tuple[str, bytes]]
    """(key name, 4 bytes of key id and the signature)."""
    origin: str
    size: int
    root: bytes


class PlatformWitness:
    """One platform's key and memory; one at a time."""

    def __init__(self, *, name: str, directory: Path, logs: Iterable[str]) -> None:
        """`logs` are the vkeys of the logs it watches. Makes its key on first use."""
        self.name = name
        self._logs: dict[str, str] = {}
        for vkey in logs:
            self.watch(vkey)
        self._key = _own_key(directory / "witness.key")
        self._db = sqlite3.connect(directory / "witness.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)

    @property
    def vkey(self) -> str:
        """name+hash+base64(0x04 ‖ key)."""
        key = _COSIGNATURE + self._key.public_key().public_bytes_raw()
        return f"{self.name}+{_key_id(self.name, key).hex()}+{base64.b64encode(key).decode()}"

    def watch(self, vkey: str) -> None:
        """One more log, or one that goes on under another key and name."""
        self._logs[vkey.split("+", 1)[0]] = vkey

    def close(self) -> None:
        self._db.close()

    def add_checkpoint(self, body: bytes, now: datetime) -> Reply:
        """Check, write down, cosign."""
        try:
            request = _read(body)
            self._check_signature(request)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                reply = self._within(request)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            # The answer exists only once this is on disk: a witness that forgets is none.
            self._db.execute("COMMIT")
        except _Refused as refused:
            return refused.reply
        return reply or self._cosign(request, now)

    def last_size(self, origin: str) -> int:
        """Size of the last checkpoint cosigned of this log; 0 if there is none."""
        return self._last(origin)[0]

    def _within(self, request: _Request) -> Reply | None:
        size, root = self._last(request.origin)
        if request.old > request.size:
            raise _Refused(400, "the old size is larger than the checkpoint")
        if request.old != size:
            if request.size < size:
                _shout("ROLLED BACK?", request, size)
            return Reply(409, f"{size}\n", "text/x.tlog.size")
        if request.size == size and request.root != root:
            _shout("FORK: two trees of one size", request, size)
            return Reply(409, f"{size}\n", "text/x.tlog.size")
        if not _extends(request, root):
            _shout("FORK: no extension of what was cosigned", request, size)
            raise _Refused(422, "the consistency proof does not hold")
        self._db.execute(
            "INSERT INTO cosigned VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "size = excluded.size, root = excluded.root, note = excluded.note",
            (request.origin, request.size, request.root, request.note),
        )
        return None

    def _last(self, origin: str) -> tuple[int, bytes]:
        row = self._db.execute(
            "SELECT size, root FROM cosigned WHERE origin = ?", (origin,)
        ).fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, hashlib.sha256(b"").digest())

    def _check_signature(self, request: _Request) -> None:
        vkey = self._logs.get(request.origin)
        if vkey is None:
            raise _Refused(404, "this log is not watched here")
        key = base64.b64decode(vkey.split("+", 2)[2])
        mine = _key_id(request.origin, key)
        good = False
        for name, signature in request.signatures:
            if name == request.origin and signature[:4] == mine:
                good = _verifies(key[1:], signature[4:], request.text.encode())
                if not good:
                    break
        if not good or key[:1] != _PLAIN:
            raise _Refused(403, "no key of this log has signed the checkpoint")

    def _cosign(self, request: _Request, now: datetime) -> Reply:
        at = int(now.timestamp())
        message = f"cosignature/v1\ntime {at}\n{request.text}".encode()
        key = _COSIGNATURE + self._key.public_key().public_bytes_raw()
        signature = _key_id(self.name, key) + at.to_bytes(8, "big") + self._key.sign(message)
        return Reply(200, f"\u2014 {self.name} {base64.b64encode(signature).decode()}\n")


def _read(body: bytes) -> _Request:
    malformed = _Refused(400, "not an add-checkpoint request")
    try:
        text = body.decode()
        head, empty, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        signed, separator, tail = note.rpartition("\n\n")
        lines = (signed + "\n").split("\n")
        old, proof = _number(first.removeprefix("old ")), [_base64(line) for line in hashes]
        size, root = _number(lines[1]), _base64(lines[2])
        signatures = list(_signatures(tail))
    except (ValueError, IndexError) as error:
        raise malformed from error
    whole = first.startswith("old ") and empty and separator and tail.endswith("\n") and lines[0]
    if not whole or len(hashes) > PROOF_MAX or any(len(h) != 32 for h in [*proof, root]):
        raise malformed
    return _Request(old, proof, note, signed + "\n", signatures, lines[0], size, root)


def _signatures(tail: str) -> Iterator[tuple[str, bytes]]:
    for line in tail.removesuffix("\n").split("\n"):
        dash, name, encoded = line.split(" ")
        if dash != "\u2014":
            raise ValueError("no signature line")
        yield name, _base64(encoded)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError("no size")
    return int(text)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _extends(request: _Request, root: bytes) -> bool:
    """RFC 6962 §2.1.2 read backwards: what old root and what new root does this proof describe?"""
    if request.old == 0:
        empty = request.size == 0 and request.root == root
        return not request.proof and (request.size > 0 or empty)
    path = iter(request.proof)
    try:
        old, new = _roots(request.old, request.size, root, True, path)
    except StopIteration:
        return False
    return next(path, None) is None and old == root and new == request.root


def _roots(
    old: int, new: int, root: bytes, complete: bool, path: Iterator[bytes]
) -> tuple[bytes, bytes]:
    if old == new:
        known = root if complete else next(path)
        return known, known
    left_size = 1 << ((new - 1).bit_length() - 1)
    if old <= left_size:
        old_root, left = _roots(old, left_size, root, complete, path)
        return old_root, _node(left, next(path))
    old_right, new_right = _roots(old - left_size, new - left_size, root, False, path)
    left = next(path)
    return _node(left, old_right), _node(left, new_right)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _key_id(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def _verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _shout(what: str, request: _Request, size: int) -> None:
    _log.error(
        "%s: log %s shows %d leaves, root %s, after %d were cosigned. Nothing is cosigned; keep "
        "this and ask the log's operator. %r",
        what, request.origin, request.size, request.root.hex(), size, request.note,
    )  # fmt: skip


def _own_key(path: Path) -> Ed25519PrivateKey:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii")))
    except FileNotFoundError:
        made = Ed25519PrivateKey.generate()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
        file.write(made.private_bytes_raw().hex())
        file.flush()
        os.fsync(file.fileno())
    return made
