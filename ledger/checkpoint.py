"""检查点: the log's promise of what it holds, one root for one size, signed.

Pure apart from Ed25519. A checkpoint is exactly three lines in a signed note: origin, size, root;
no extension line and no time, which nobody could audit. The origin is the name of the one key that
signs; a new log has a new origin. Whether a checkpoint may be signed is ledger.publish's concern.
Source: C2SP tlog-checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.merkle import EMPTY_ROOT, HASH_SIZE
from ledger.note import (
    KeyMalformed,
    LineSigner,
    NoteInvalid,
    NoteSigner,
    NoteVerifier,
    Verifier,
    b64,
    check_name,
    open_note,
    sign_note,
    split_note,
    unb64,
)

__all__ = [
    "Checkpoint",
    "KeyMalformed",
    "NoteInvalid",
    "NoteSigner",
    "NoteVerifier",
    "Verifier",
    "checkpoint_text",
    "issue_checkpoint",
    "open_checkpoint",
    "parse_checkpoint",
]

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed tree head."""

    origin: str
    size: int
    """Number of leaves."""
    root: bytes
    """32 bytes."""
    note: str
    """The note itself, verbatim, with every signature it came with."""


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The three lines that are signed."""
    check_name(origin)
    if size < 0 or len(root) != HASH_SIZE:
        raise ValueError("a checkpoint has a size and a root of 32 bytes")
    return f"{origin}\n{size}\n{b64(root)}\n"


def issue_checkpoint(
    size: int, root: bytes, signer: NoteSigner, others: Iterable[LineSigner] = ()
) -> Checkpoint:
    """A checkpoint in the signer's name, which `others` sign too. The caller has shown that it may
    be signed."""
    text = checkpoint_text(signer.name, size, root)
    return Checkpoint(signer.name, size, root, sign_note(text, [signer, *others]))


def open_checkpoint(
    note: str | bytes, log: Verifier, others: Iterable[Verifier] = ()
) -> Checkpoint:
    """The checkpoint, if the log itself has signed it and no known key's signature is bad.

    Raises NoteInvalid for a malformed note, a bad signature, or the checkpoint of another log.
    """
    text = _decoded(note)
    body, signed = open_note(text, [log, *others])
    if not any(v.name == log.name and v.key_id == log.key_id for v in signed):
        raise NoteInvalid(f"{log.name} has not signed the checkpoint")
    checkpoint = _parse(body, text)
    if checkpoint.origin != log.name:
        raise NoteInvalid("the checkpoint is of another log")
    return checkpoint


def parse_checkpoint(note: str | bytes) -> Checkpoint:
    """What the note says, NOT verified: for tools that show a checkpoint before they trust it."""
    text = _decoded(note)
    return _parse(split_note(text)[0], text)


def _parse(body: str, note: str) -> Checkpoint:
    lines = body.split("\n")
    if len(lines) != 4 or lines[3]:
        raise NoteInvalid("a checkpoint has exactly three lines: origin, size, root")
    origin, size_text, root_text = lines[:3]
    if not origin or not _SIZE.fullmatch(size_text):
        raise NoteInvalid("a checkpoint names an origin and a size in plain decimal")
    try:
        root = unb64(root_text)
    except ValueError as error:
        raise NoteInvalid("the root of a checkpoint is base64") from error
    if len(root) != HASH_SIZE:
        raise NoteInvalid("the root of a checkpoint has 32 bytes")
    size = int(size_text)
    if size == 0 and root != EMPTY_ROOT:
        raise NoteInvalid("the tree without leaves has one root only")
    return Checkpoint(origin, size, root, note)


def _decoded(note: str | bytes) -> str:
    if isinstance(note, str):
        return note
    try:
        return note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteInvalid("a note is UTF-8 text") from error
