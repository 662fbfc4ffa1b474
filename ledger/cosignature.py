"""见证签名: a witness's statement that a checkpoint extends all that it has seen of the log.

Pure apart from Ed25519 (type 0x04). The signature covers a time and the three lines, not the name:
one key for one witness. What a witness must check before it signs is not here (adapters have a
client, the stand-in platforms a server), nor who must have signed (ledger.policy). Times are whole
seconds since 1970 UTC. Source: C2SP tlog-cosignature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from ledger.note import (
    PRIVATE,
    KeyMalformed,
    NoteInvalid,
    check_name,
    join_key,
    key_id_of,
    signature_line,
    split_note,
    split_skey,
    split_vkey,
)

COSIGNATURE = 0x04
"""Signature type byte: Ed25519 over a timestamped message."""
TIME_MAX = 2**63 - 1
LINES_MAX = 16
"""Most signature lines taken from one witness's answer."""
_SIGNATURE_BYTES = 8 + 64


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """A witness's public key with its name; a ledger.note.Verifier."""

    name: str
    public_key: bytes
    """32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != 32:
            raise KeyMalformed("an Ed25519 public key has 32 bytes")

    @classmethod
    def from_vkey(cls, vkey: str) -> CosignatureVerifier:
        """From name+hash+base64(0x04 ‖ key). Raises KeyMalformed."""
        name, key = split_vkey(vkey.strip(), COSIGNATURE)
        return cls(name=name, public_key=key)

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.name, COSIGNATURE, self.public_key)

    @property
    def vkey(self) -> str:
        """The string by which others know this witness."""
        return join_key(self.name, self.key_id, COSIGNATURE, self.public_key)

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this witness signed the text, at whatever time it says."""
        if len(signature) != _SIGNATURE_BYTES:
            return False
        at = int.from_bytes(signature[:8], "big")
        if at > TIME_MAX:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(signature[8:], cosigned_message(text, at))
        except (InvalidSignature, ValueError):
            return False
        return True


class Cosigner:
    """A witness's private key with its name. Its repr shows neither key nor seed."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes_raw()
        self.verifier = CosignatureVerifier(name=name, public_key=public)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Cosigner:
        """From 32 random bytes."""
        if len(seed) != 32:
            raise KeyMalformed("an Ed25519 seed has 32 bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_skey(cls, skey: str) -> Cosigner:
        """From PRIVATE+KEY+name+hash+base64(0x04 ‖ seed), the form of a key file."""
        name, key_id, seed = split_skey(skey.strip(), COSIGNATURE)
        cosigner = cls.from_seed(name, seed)
        if cosigner.verifier.key_id != key_id:
            raise KeyMalformed("the signing key does not fit its hash")
        return cosigner

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    @property
    def skey(self) -> str:
        """The private key as a key file holds it. Never log it."""
        known = self.verifier
        return PRIVATE + join_key(
            known.name, known.key_id, COSIGNATURE, self._key.private_bytes_raw()
        )

    def cosign(self, text: str, at: int) -> str:
        """The signature line over a checkpoint's text, with its newline."""
        signature = self._key.sign(cosigned_message(text, at))
        stamped = at.to_bytes(8, "big") + signature
        return signature_line(self.verifier.name, self.verifier.key_id, stamped)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One verified cosignature."""

    witness: CosignatureVerifier
    at: int
    """When the witness says that it signed."""
    line: str
    """The signature line, with its newline."""


def cosigned_message(text: str, at: int) -> bytes:
    """What is signed: header, time, and the whole text of the checkpoint."""
    if not 0 <= at <= TIME_MAX:
        raise ValueError("the time of a cosignature is 0 … 2^63 - 1 seconds")
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosignatures(note: str, witnesses: Iterable[CosignatureVerifier]) -> tuple[Cosignature, ...]:
    """The earliest cosignature of each of these witnesses that has signed the note.

    Raises NoteInvalid for a malformed note, or when a known key's signature is bad.
    """
    text, lines = split_note(note)
    known = {(witness.name, witness.key_id): witness for witness in witnesses}
    found: dict[str, Cosignature] = {}
    for name, key_id, signature in lines:
        witness = known.get((name, key_id))
        if witness is None:
            continue  # unknown keys are nobody's business
        if not witness.verifies(text, signature):
            raise NoteInvalid(f"the cosignature of {name} does not fit the checkpoint")
        at = int.from_bytes(signature[:8], "big")
        earlier = found.get(witness.vkey)
        if earlier is None or at < earlier.at:
            line = signature_line(name, key_id, signature)
            found[witness.vkey] = Cosignature(witness=witness, at=at, line=line)
    return tuple(found.values())


def read_answer(note: str, answer: str, witness: CosignatureVerifier) -> tuple[Cosignature, ...]:
    """The witness's cosignature in its answer to `note` (C2SP tlog-witness); lines of unknown keys
    are ignored. Raises NoteInvalid when none is its own, or its own is bad."""
    text, _ = split_note(note)
    if answer.count("\n") > LINES_MAX:
        raise NoteInvalid(f"a witness answers with at most {LINES_MAX} signature lines")
    found = cosignatures(f"{text}\n{answer}", [witness])
    if not found:
        raise NoteInvalid(f"{witness.name} answered without a cosignature of its own")
    return found


def read_times(lines: str, witness: CosignatureVerifier) -> tuple[int, ...]:
    """When this witness says that it signed, by signature lines that are NOT verified."""
    _, found = split_note(f"x\n\n{lines}")
    mine = [s for name, key_id, s in found if (name, key_id) == (witness.name, witness.key_id)]
    return tuple(int.from_bytes(signature[:8], "big") for signature in mine)


def with_cosignatures(note: str, lines: Iterable[str]) -> str:
    """The note with these signature lines after its own, each once."""
    present = note[note.rfind("\n\n") + 2 :].splitlines(keepends=True)
    return note + "".join(dict.fromkeys(line for line in lines if line not in present))
