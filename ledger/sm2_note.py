"""国密签名行: an SM2 signature beside Ed25519 on a signed note. A type of our own, not a standard.

signed-note leaves type 0xff to kinds that it has no byte for, followed by a name of their own;
whoever does not know the key passes over the line. Public keys are 65 bytes (04, x, y), signatures
r ‖ s of 64; what is signed is that name and the note's text, so that no other message of the key's
can be taken for it, with the identity of GM/T 0009. Verifies only: who signs brings the line.
The tree stays SHA-256. Sources: C2SP signed-note, GM/T 0003.2-2012; docs/log.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.note import (
    KeyMalformed,
    NoteInvalid,
    check_name,
    join_key,
    key_id_of,
    split_note,
    split_vkey,
)
from ledger.sm2_curve import PointMalformed, read_point
from ledger.sm2_verify import DEFAULT_IDENTITY, verify

__all__ = ["DEFAULT_IDENTITY", "SM2_NOTE", "Sm2NoteVerifier", "Verify", "sm2_message", "sm2_signed"]

NAMED_TYPE = 0xFF
"""Signature type byte of kinds without a byte."""
SM2_NOTE = b"yrd.note-sm2-sm3.v1\x00"
"""Our name of this kind: it follows the type byte, and begins what is signed."""
KEY_SIZE = 65

Verify = Callable[[bytes, bytes, bytes, bytes], bool]
"""(public key of 65 bytes, message, signature of 64 bytes, identity)."""


def sm2_message(text: str) -> bytes:
    """What is signed."""
    return SM2_NOTE + text.encode()


@dataclass(frozen=True, slots=True)
class Sm2NoteVerifier:
    """An SM2 public key with its name. Implements ledger.note.Verifier."""

    name: str
    public_key: bytes
    """65 bytes: 04, x, y, on the curve."""
    check: Verify = field(default=verify, compare=False, repr=False)
    """How: our own verifier, or a faster one."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != KEY_SIZE:
            raise KeyMalformed("an SM2 public key has 65 bytes here")
        try:
            read_point(self.public_key)
        except PointMalformed as error:
            raise KeyMalformed(str(error)) from error

    @classmethod
    def from_vkey(cls, vkey: str, check: Verify = verify) -> Sm2NoteVerifier:
        """From name+hash+base64(0xff ‖ SM2_NOTE ‖ key). Raises KeyMalformed."""
        name, _, named = split_vkey(vkey.strip(), NAMED_TYPE)
        if not named.startswith(SM2_NOTE):
            raise KeyMalformed("keys of type 0xff are understood here only where they say SM2")
        return cls(name, named.removeprefix(SM2_NOTE), check)

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.name, NAMED_TYPE, SM2_NOTE + self.public_key)

    @property
    def vkey(self) -> str:
        """The string by which others know this key."""
        return join_key(self.name, self.key_id, NAMED_TYPE, SM2_NOTE + self.public_key)

    def verifies(self, text: str, signature: bytes) -> bool:
        return self.check(self.public_key, sm2_message(text), signature, DEFAULT_IDENTITY)


def sm2_signed(note: str, key: Sm2NoteVerifier) -> bool:
    """Whether this key has signed the note; False where it has no line there.

    Raises NoteInvalid for a malformed note, and for a line of this key that does not fit.
    """
    text, lines = split_note(note)
    mine = [signature for name, key_id, signature in lines if (name, key_id) == _of(key)]
    if not all(key.verifies(text, signature) for signature in mine):
        raise NoteInvalid(f"the SM2 signature of {key.name} does not fit the text")
    return bool(mine)


def _of(key: Sm2NoteVerifier) -> tuple[str, bytes]:
    return key.name, key.key_id
