"""结果: what an append may answer instead of an index, each by its own name.

Pure. A repeat is told what it repeats, and in which field it differs; the caller decides whether
that is a success. `LedgerDamaged` and its like mean that the books contradict themselves: stop and
run verify. Names after TigerBeetle's result codes.
"""

from __future__ import annotations


class LedgerError(Exception):
    """Root of all that the ledger's store and publisher raise."""


class AppendRefused(LedgerError):
    """The entry cannot be taken. Nothing was written; the caller's transaction is as it was."""


class EntryExists(AppendRefused):
    """The very same entry is already in the ledger: a repeat, harmless."""

    def __init__(self, entry_id: str, *, index: int, leaf_hash: bytes) -> None:
        super().__init__(f"entry {entry_id} exists at leaf {index}")
        self.entry_id = entry_id
        self.index = index
        self.leaf_hash = leaf_hash


class EntryExistsWithDifferent(AppendRefused):
    """Another entry has this id already. Ids are for ever: make a new one."""

    def __init__(self, entry_id: str, *, field: str, index: int) -> None:
        super().__init__(f"entry {entry_id} exists at leaf {index} with different {field}")
        self.entry_id = entry_id
        self.field = field
        """The first that differs: kind, resolves, reverses, linked, expires_us, legs, window, funds
        or commitment."""
        self.index = index


class PendingNotFound(AppendRefused):
    """`resolves` names no entry."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"there is no entry {entry_id} to resolve")
        self.entry_id = entry_id


class NotPending(AppendRefused):
    """`resolves` names an entry that never was pending."""

    def __init__(self, entry_id: str, *, kind: str) -> None:
        super().__init__(f"entry {entry_id} is {kind} and cannot be resolved")
        self.entry_id = entry_id
        self.kind = kind


class PendingAlreadyResolved(AppendRefused):
    """The pending entry has its one resolution."""

    def __init__(self, entry_id: str, *, resolved_by: str, kind: str) -> None:
        super().__init__(f"pending entry {entry_id} was {kind} by {resolved_by}")
        self.entry_id = entry_id
        self.resolved_by = resolved_by
        self.kind = kind
        """posted, voided or expired."""


class ReversedNotFound(AppendRefused):
    """`reverses` names no entry."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"there is no entry {entry_id} to reverse")
        self.entry_id = entry_id


class ReversedNotPosted(AppendRefused):
    """`reverses` names an entry that never took effect."""

    def __init__(self, entry_id: str, *, kind: str) -> None:
        super().__init__(f"entry {entry_id} is {kind}; only a posted entry can be reversed")
        self.entry_id = entry_id
        self.kind = kind


class AlreadyReversed(AppendRefused):
    """A posted entry has taken this one back already."""

    def __init__(self, entry_id: str, *, reversed_by: str) -> None:
        super().__init__(f"entry {entry_id} was reversed by {reversed_by}")
        self.entry_id = entry_id
        self.reversed_by = reversed_by


class ReversesDiffers(AppendRefused):
    """A posted entry takes back something else than the pending one that it resolves."""

    def __init__(self, entry_id: str, *, pending_reverses: str | None) -> None:
        super().__init__(f"entry {entry_id} and its pending entry reverse different entries")
        self.entry_id = entry_id
        self.pending_reverses = pending_reverses


class ExpiryPast(AppendRefused):
    """A pending entry would expire before it was recorded."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"entry {entry_id} would have expired before it was recorded")
        self.entry_id = entry_id


class BelowFloor(AppendRefused):
    """余额不足: a limit that blocks (ledger.limits) would be passed. The same entry may be tried
    again when the balance has risen: it was not taken, so its id is still free."""

    def __init__(self, limit_id: str, *, account: str, available_fen: int, floor_fen: int) -> None:
        super().__init__(
            f"limit {limit_id}: {account} would have {available_fen} fen, its floor is {floor_fen}"
        )
        self.limit_id = limit_id
        self.account = account
        self.available_fen = available_fen
        """What would be left with the entry."""
        self.floor_fen = floor_fen


class LinkBroken(AppendRefused):
    """The entries given as one chain do not name it as theirs, or name one given alone."""


class LimitExistsWithDifferent(AppendRefused):
    """Another limit has this id already. A limit is ended or replaced by a further one."""

    def __init__(self, limit_id: str, *, field: str) -> None:
        super().__init__(f"limit {limit_id} exists with different {field}")
        self.limit_id = limit_id
        self.field = field


class LeafMismatch(AppendRefused):
    """The leaf speaks of another entry or another kind than the one it came with."""


class HeadMoved(LedgerError):
    """Another writer appended in between: roll back and try again from the start."""


class LedgerNotInstalled(LedgerError):
    """The tables or the head row are missing: run the migrations."""


class LedgerDamaged(LedgerError):
    """Rows contradict each other. Nothing is signed or written on top of it: run verify."""


class ForkDetected(LedgerDamaged):
    """A checkpoint that was signed is not a prefix of what the tables hold."""


class RollbackDetected(LedgerDamaged):
    """The tables hold less than was once signed: a backup was restored, or a tail was lost."""


class PublisherRaced(LedgerError):
    """Another publisher signed a newer checkpoint in between; nothing to do but look again."""
