"""记账入口: entries of the ledger by themselves, many callers a commit.

For what moves money without being a claim: prepayments, expiries, corrections. Each call is one
entry or one chain, durable when it returns; hundreds of callers share one read, one statement and
one commit (gateway/store/writer.py). What belongs to a claim is appended in the claim's own
transaction instead (gateway/store/evidence.py). The body that a leaf commits to stays with whoever
made it: what `yrd verify` of a whole gateway is to find sound goes through a unit of work, which
keeps the opening under the house's key.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.store.floors import tell_crossed
from gateway.store.writer import GroupWriter
from ledger.store import Appended, Draft, append_alone, append_chain
from ledger.tail import Tail


class Appends:
    """The ledger's door for whoever brings an entry with its leaf."""

    def __init__(self, writer: GroupWriter[Any]) -> None:
        self._writer = writer

    async def append(self, draft: Draft) -> Appended:
        """Take one entry. Raises a subclass of AppendRefused, Overloaded or StorageUnavailable; a
        repeat raises EntryExists, which says where the first one stands."""
        work = partial(_alone, draft)
        appended = await self._writer.submit_direct(work, wishes=(draft.entry,))
        tell_crossed(appended.warnings)
        return appended

    async def append_linked(self, *drafts: Draft) -> tuple[Appended, ...]:
        """Take a chain whole or not at all; each entry names the first as `linked`."""
        work = partial(_chain, drafts)
        chain = await self._writer.submit_direct(work, wishes=[draft.entry for draft in drafts])
        for appended in chain:
            tell_crossed(appended.warnings)
        return chain


def _alone(draft: Draft, tail: Tail) -> Appended:
    return append_alone(tail, draft)


def _chain(drafts: tuple[Draft, ...], tail: Tail) -> tuple[Appended, ...]:
    return append_chain(tail, drafts)
