"""失效登记: the end of pending entries whose time is over, as entries of their own.

One transaction an entry, which looks again under the log's lock whether anything has resolved it
meanwhile: of several gateways one appends, the others find it done. No entry of a claim carries an
expiry: what became of a claim is known by its region alone (UNKNOWN), never by a clock. Times are
integer microseconds since 1970 UTC.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import bindparam, select

from gateway.domain.errors import InvariantViolated
from gateway.ports import Clock, Ids, Opening
from gateway.store.open_store import ClaimStore
from gateway.store.tables import CLAIM_ENTRY
from gateway.store.unit_of_work import UnitOfWork
from ledger.commitment import canonical_json
from ledger.expiry import Due, due
from ledger.journal import Entry, EntryKind
from ledger.reads import to_us

_CLAIM = select(CLAIM_ENTRY.c.claim_id).where(CLAIM_ENTRY.c.entry_id == bindparam("entry_id"))


class Expiries:
    """Implements workers.expire_pending.Expiring."""

    def __init__(self, store: ClaimStore, *, clock: Clock, ids: Ids) -> None:
        self._store, self._clock, self._ids = store, clock, ids

    async def due(self, *, after_us: int, now_us: int, most: int) -> list[Due]:
        """As ledger.expiry.due, on a snapshot."""
        return await self._store.snapshots.read(
            partial(due, after_us=after_us, now_us=now_us, most=most)
        )

    async def expire(self, item: Due) -> bool:
        """Whether we ended it; False where it was resolved already, or is not due by the clock any
        more. Raises InvariantViolated for an entry of a claim."""
        return await self._store.writer.submit(partial(self._expire, item))

    def _expire(self, item: Due, unit: UnitOfWork) -> bool:
        at = self._clock.now()
        fact = unit.tail.fact(item.entry_id)
        if fact is None or fact.resolved_by is not None or to_us(at) < item.expires_us:
            return False
        if unit.connection.execute(_CLAIM, {"entry_id": item.entry_id}).scalar() is not None:
            raise InvariantViolated("an entry of a claim carries an expiry")
        entry = Entry(self._ids.entry_id(), EntryKind.EXPIRED, resolves=item.entry_id)
        body = {
            "v": 1,
            "act": "EXPIRE",
            "entry_id": entry.entry_id,
            "kind": entry.kind.value,
            "resolves": item.entry_id,
            "expires_us": item.expires_us,
            "at": at.isoformat(),
        }
        unit.append_entry(
            entry,
            leaf_type="entry.expired",
            window=None,
            opening=Opening(unit.house_ref(), canonical_json(body)),
            at=at,
            funds=item.funds,
        )
        return True
