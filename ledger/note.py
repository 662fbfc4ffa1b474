"""签名笺: C2SP signed notes. A text, an empty line, and the signatures of those who vouch for it.

Pure apart from Ed25519. Knows nothing of what the text says. A signature by an unknown key is
ignored; a signature by a known key that does not verify rejects the whole note. Only Ed25519
(type 0x01) is made here; other types fit the same Verifier shape. Source: C2SP signed-note.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

NOTE_MAX = 512 * 1024
"""Most characters of a note: 64 signatures of the largest post-quantum kind, and its text."""
SIGNATURES_MAX = 64
"""Most signature lines. The specification asks for at least 16."""
ED25519 = 0x01
"""Signature type byte."""

_DASH = "\u2014 "
PRIVATE = "PRIVATE+KEY+"
"""How the text of a private key begins."""


class NoteInvalid(Exception):
    """A note that is malformed or not signed as it must be. Says what fails."""


class KeyMalformed(ValueError):
    """A key string that cannot be used. Never quotes the string: it may be a private key."""


class Verifier(Protocol):
    """One known key."""

    @property
    def name(self) -> str:
        """Key name, as on the signature line."""

    @property
    def key_id(self) -> bytes:
        """The four bytes that begin its signatures."""

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""


class LineSigner(Protocol):
    """Whoever vouches for a text, in whatever kind of signature."""

    def signature_line(self, text: str) -> str:
        """— name base64(key id ‖ signature), with its newline."""


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """An Ed25519 public key with its name."""

    name: str
    public_key: bytes
    """32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != 32:
            raise KeyMalformed("an Ed25519 public key has 32 bytes")

    @classmethod
    def from_vkey(cls, vkey: str) -> NoteVerifier:
        """From name+hash+base64(type ‖ key). Raises KeyMalformed."""
        name, _, key = split_vkey(vkey.strip(), ED25519)
        return cls(name=name, public_key=key)

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.name, ED25519, self.public_key)

    @property
    def vkey(self) -> str:
        """The string by which others know this key."""
        return join_key(self.name, self.key_id, ED25519, self.public_key)

    def verifies(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


class NoteSigner:
    """An Ed25519 private key with its name. Its repr shows neither key nor seed."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = NoteVerifier(name=name, public_key=key.public_key().public_bytes_raw())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> NoteSigner:
        """From 32 random bytes."""
        if len(seed) != 32:
            raise KeyMalformed("an Ed25519 seed has 32 bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_skey(cls, skey: str) -> NoteSigner:
        """From PRIVATE+KEY+name+hash+base64(type ‖ seed), the form of a key file."""
        name, key_id, _, seed = split_skey(skey.strip(), ED25519)
        signer = cls.from_seed(name, seed)
        if signer.verifier.key_id != key_id:
            raise KeyMalformed("the signing key does not fit its hash")
        return signer

    @property
    def name(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    @property
    def skey(self) -> str:
        """The private key as a key file holds it. Never log it."""
        seed = self._key.private_bytes_raw()
        return PRIVATE + join_key(self.name, self.verifier.key_id, ED25519, seed)

    def signature_line(self, text: str) -> str:
        """— name base64(key id ‖ signature), with its newline."""
        return signature_line(self.name, self.verifier.key_id, self._key.sign(text.encode()))


def sign_note(text: str, signers: Iterable[LineSigner]) -> str:
    """The note with one signature line of each signer."""
    _check_text(text)
    return text + "\n" + "".join(signer.signature_line(text) for signer in signers)


def open_note(note: str, verifiers: Iterable[Verifier]) -> tuple[str, tuple[Verifier, ...]]:
    """(text, the known keys that signed it). Raises NoteInvalid unless at least one did and no
    known key's signature is bad."""
    text, lines = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: dict[tuple[str, bytes], Verifier] = {}
    for name, key_id, signature in lines:
        verifier = known.get((name, key_id))
        if verifier is None:
            continue  # MUST ignore, even if it shares a name or an id with a known key
        if not verifier.verifies(text, signature):
            raise NoteInvalid(f"the signature of {name} does not fit the text")
        signed[name, key_id] = verifier
    if not signed:
        raise NoteInvalid("no known key has signed the note")
    return text, tuple(signed.values())


def split_note(note: str) -> tuple[str, tuple[tuple[str, bytes, bytes], ...]]:
    """(text, its signatures as (name, key id, signature)), well formed but not verified."""
    if len(note) > NOTE_MAX:
        raise NoteInvalid(f"a note has at most {NOTE_MAX} characters")
    # The text may have empty lines of its own: the last one separates.
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise NoteInvalid("a note is a text, an empty line and signature lines")
    text, tail = note[: at + 1], note[at + 2 :]
    _check_text(text)
    lines = tail.split("\n")[:-1]
    if not 0 < len(lines) <= SIGNATURES_MAX:
        raise NoteInvalid(f"a note has 1 to {SIGNATURES_MAX} signature lines")
    return text, tuple(_signature(line) for line in lines)


def check_name(name: str) -> None:
    """Raises KeyMalformed unless `name` may stand on a signature line."""
    bad = any(char.isspace() or char == "+" or ord(char) < 0x20 for char in name)
    if not name or bad or not _is_utf8(name):
        raise KeyMalformed("a key name is not empty and has no space, plus or control character")


def b64(data: bytes) -> str:
    """Standard base64 (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """The inverse of b64, refusing every second spelling. Raises ValueError."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if b64(data) != text:
        raise ValueError("not the one base64 spelling of these bytes")
    return data


def _signature(line: str) -> tuple[str, bytes, bytes]:
    words = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(words) != 2:
        raise NoteInvalid("a signature line is a dash, a key name and base64")
    name, encoded = words
    try:
        check_name(name)
        data = unb64(encoded)
    except ValueError as error:
        raise NoteInvalid("a signature line is a dash, a key name and base64") from error
    if len(data) < 5:
        raise NoteInvalid("a signature is longer than its key id")
    return name, data[:4], data[4:]


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteInvalid("the text of a note ends with a newline")
    if any(char < " " and char != "\n" for char in text) or not _is_utf8(text):
        raise NoteInvalid("a note has no control character but the newline")


def _is_utf8(text: str) -> bool:
    return not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """One signature line, with its newline."""
    return f"{_DASH}{name} {b64(key_id + signature)}\n"


def key_id_of(name: str, kind: int, key: bytes) -> bytes:
    """The four bytes by which a signature names its key: SHA-256(name ‖ "\\n" ‖ type ‖ key)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def join_key(name: str, key_id: bytes, kind: int, key: bytes) -> str:
    """name+hash+base64(type ‖ key): of a public key its vkey."""
    return f"{name}+{key_id.hex()}+{b64(bytes([kind]) + key)}"


def split_vkey(vkey: str, *kinds: int) -> tuple[str, int, bytes]:
    """(name, type, key) of a public key of one of these types. Raises KeyMalformed."""
    name, key_id, kind, key = _parts(vkey, kinds)
    check_name(name)
    if key_id_of(name, kind, key) != key_id:
        raise KeyMalformed("the key does not fit its hash: copy the vkey again, whole")
    return name, kind, key


def split_skey(skey: str, *kinds: int) -> tuple[str, bytes, int, bytes]:
    """(name, key id, type, 32 bytes of seed) of a private key of one of these types.

    Raises KeyMalformed.
    """
    if not skey.startswith(PRIVATE):
        raise KeyMalformed("a signing key begins with PRIVATE+KEY")
    name, key_id, kind, seed = _parts(skey.removeprefix(PRIVATE), kinds)
    if len(seed) != 32:
        raise KeyMalformed("a signing key holds 32 bytes of seed")
    return name, key_id, kind, seed


def _parts(text: str, kinds: tuple[int, ...]) -> tuple[str, bytes, int, bytes]:
    # base64 may itself hold a plus, a name may not: split at the first two.
    name, _, rest = text.partition("+")
    key_hash, _, encoded = rest.partition("+")
    try:
        key_id, key = bytes.fromhex(key_hash), unb64(encoded)
    except ValueError as error:
        raise KeyMalformed("a key is name+hash+base64") from error
    if len(key_id) != 4 or key_id.hex() != key_hash or len(key) < 2:
        raise KeyMalformed("a key is name+hash+base64, with 4 bytes of hash and a type before it")
    if key[0] not in kinds:
        asked = " or ".join(f"0x{kind:02x}" for kind in kinds)
        raise KeyMalformed(f"keys of type 0x{key[0]:02x} are not understood here, only {asked}")
    return name, key_id, key[0], key[1:]
