"""草稿: an entry with its leaf, as its maker hands it in; and what became of it.

Pure values. The leaf's commitment covers a body that lies elsewhere (ledger.commitment); the salt,
32 random bytes, is the seal's (ledger.seal).
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.journal import Entry
from ledger.leaf import Leaf
from ledger.limits import Warned
from ledger.outcomes import LeafMismatch


@dataclass(frozen=True, slots=True)
class Draft:
    """To be appended."""

    entry: Entry
    leaf: Leaf
    recorded_us: int
    """When it was recorded, in microseconds since 1970 UTC."""
    salt: bytes | None = None
    """Without one, the entry's rows are not sealed."""

    def __post_init__(self) -> None:
        """Raises LeafMismatch."""
        entry, leaf = self.entry, self.leaf
        if leaf.type != f"entry.{entry.kind.value}" or leaf.entry_id != entry.entry_id:
            raise LeafMismatch(f"the leaf is of {leaf.type} {leaf.entry_id}, not of this entry")
        if type(self.recorded_us) is not int or not 0 <= self.recorded_us < 1 << 62:
            raise ValueError("a time in the ledger is in microseconds since 1970 UTC")
        if self.salt is not None and type(self.salt) is not bytes:
            raise ValueError("a salt is 32 bytes")


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the leaf went. True once the caller has committed."""

    index: int
    leaf_hash: bytes
    leaf: bytes
    """The exact bytes in the log, seal included; a receipt carries them."""
    warnings: tuple[Warned, ...] = ()
    """Limits that only warn, and that the entry has passed."""
