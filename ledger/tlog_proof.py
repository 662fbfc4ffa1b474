"""证明文件: C2SP tlog-proof@v1, a proof of logging for checkers who know no more than the log.

Pure. The file is a sequence of lines: the format's name, optional extra data in base64, the index,
the inclusion proof, an empty line, and the checkpoint with its cosignatures, verbatim. `extra` is
authenticated by nothing; a receipt puts its leaf there, whose hash the proof then has to meet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.merkle import HASH_SIZE
from ledger.note import b64, unb64

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
PROOF_MAX = 64
"""Most hashes of a proof: the height of the largest tree."""
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


class TlogProofMalformed(ValueError):
    """A file that is no tlog-proof. Says what fails."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The parts of a proof file, not verified. `to_bytes` and `parse` are exact inverses."""

    index: int
    hashes: tuple[bytes, ...]
    """From the leaf's sibling upwards."""
    checkpoint: str
    """The signed note, verbatim."""
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """The file."""
        extra = [] if self.extra is None else [f"extra {b64(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(b64, self.hashes)]
        return ("".join(f"{line}\n" for line in lines) + "\n" + self.checkpoint).encode()

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Raises TlogProofMalformed for every other spelling."""
        try:
            head, empty, checkpoint = data.decode().partition("\n\n")
        except UnicodeDecodeError as error:
            raise TlogProofMalformed("it is no UTF-8 text") from error
        first, *lines = head.split("\n")
        if first != HEADER or not empty:
            raise TlogProofMalformed(f"it is not {HEADER} and an empty line before the checkpoint")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = _base64(lines.pop(0).removeprefix("extra "))
        index = _INDEX.fullmatch(lines[0]) if lines else None
        if index is None:
            raise TlogProofMalformed("it names no index")
        return cls(int(index[1]), _hashes(lines[1:]), checkpoint, extra)


def is_tlog_proof(data: bytes) -> bool:
    """Whether the file says that it is one."""
    return data.startswith(HEADER.encode() + b"\n")


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    found = tuple(_base64(line) for line in lines)
    if len(found) > PROOF_MAX or any(len(value) != HASH_SIZE for value in found):
        raise TlogProofMalformed(f"a proof has at most {PROOF_MAX} hashes of 32 bytes")
    return found


def _base64(text: str) -> bytes:
    try:
        return unb64(text)
    except ValueError as error:
        raise TlogProofMalformed("a line is no base64") from error
