"""见证签名: a witness's statement that a checkpoint extends all that it has seen of the log.

Pure apart from the algorithms (ledger.cosignature_kinds: Ed25519 and ML-DSA-44; the length of a
public key tells which). The signature covers a time and the three lines; an Ed25519 one does not
cover the name: one key for one witness. What a witness must check before it signs is not here
(adapters have a client, the stand-in platforms a server), nor who must have signed (ledger.policy).
Times are whole seconds since 1970 UTC. Source: C2SP tlog-cosignature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.cosignature_kinds import (
    COSIGNATURE,
    COSIGNATURE_MLDSA44,
    ED25519,
    KINDS,
    MLDSA44,
    SEED_SIZE,
    TIME_MAX,
    Kind,
    cosigned_message,
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

__all__ = [
    "COSIGNATURE",
    "COSIGNATURE_MLDSA44",
    "ED25519",
    "MLDSA44",
    "TIME_MAX",
    "Cosignature",
    "CosignatureVerifier",
    "Cosigner",
    "cosignatures",
    "cosigned_message",
    "read_answer",
    "read_times",
    "with_cosignatures",
]

LINES_MAX = 16
"""Most signature lines taken from one witness's answer."""


_BY_LENGTH = {kind.key_bytes: kind for kind in KINDS.values()}


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """A witness's public key with its name; a ledger.note.Verifier."""

    name: str
    public_key: bytes
    """32 bytes (Ed25519, RFC 8032) or 1312 (ML-DSA-44, FIPS 204)."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) not in _BY_LENGTH:
            raise KeyMalformed("a public key has 32 bytes (Ed25519) or 1312 (ML-DSA-44)")

    @classmethod
    def from_vkey(cls, vkey: str) -> CosignatureVerifier:
        """From name+hash+base64(0x04 ‖ key), or 0x06. Raises KeyMalformed."""
        name, kind, key = split_vkey(vkey.strip(), *KINDS)
        if len(key) != KINDS[kind].key_bytes:
            raise KeyMalformed(f"a key of type 0x{kind:02x} has {KINDS[kind].key_bytes} bytes")
        return cls(name=name, public_key=key)

    @property
    def kind(self) -> Kind:
        """Its algorithm."""
        return _BY_LENGTH[len(self.public_key)]

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.name, self.kind.type, self.public_key)

    @property
    def vkey(self) -> str:
        """The string by which others know this witness."""
        return join_key(self.name, self.key_id, self.kind.type, self.public_key)

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this witness signed the text, at whatever time it says."""
        kind = self.kind
        if len(signature) != 8 + kind.signature_bytes:
            return False
        at = int.from_bytes(signature[:8], "big")
        try:
            message = kind.message(self.name, at, text)
        except ValueError:
            return False
        return kind.verifies(self.public_key, signature[8:], message)


class Cosigner:
    """A witness's private key with its name. Its repr shows neither key nor seed."""

    __slots__ = ("_seed", "verifier")

    def __init__(self, name: str, seed: bytes, kind: Kind = ED25519) -> None:
        if len(seed) != SEED_SIZE:
            raise KeyMalformed("a seed has 32 bytes")
        self._seed = seed
        self.verifier = CosignatureVerifier(name=name, public_key=kind.public_of(seed))

    @classmethod
    def from_seed(cls, name: str, seed: bytes, kind: Kind = ED25519) -> Cosigner:
        """From 32 random bytes."""
        return cls(name, seed, kind)

    @classmethod
    def from_skey(cls, skey: str) -> Cosigner:
        """From PRIVATE+KEY+name+hash+base64(type ‖ seed), the form of a key file."""
        name, key_id, kind, seed = split_skey(skey.strip(), *KINDS)
        cosigner = cls(name, seed, KINDS[kind])
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
        return PRIVATE + join_key(known.name, known.key_id, known.kind.type, self._seed)

    def cosign(self, text: str, at: int) -> str:
        """The signature line over a checkpoint's text, with its newline."""
        known = self.verifier
        signature = known.kind.sign(self._seed, known.kind.message(known.name, at, text))
        stamped = at.to_bytes(8, "big") + signature
        return signature_line(known.name, known.key_id, stamped)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One verified cosignature."""

    witness: CosignatureVerifier
    at: int
    """When the witness says that it signed."""
    line: str
    """The signature line, with its newline."""


def cosignatures(note: str, witnesses: Iterable[CosignatureVerifier]) -> tuple[Cosignature, ...]:
    """The earliest dated cosignature of each of these witnesses that has signed the note.

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
        if at == 0 and witness.kind is MLDSA44:
            continue  # it says that it has seen the tree, and not that this was the largest
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
