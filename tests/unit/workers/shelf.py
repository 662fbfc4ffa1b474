"""Thousands of unknown claims in memory, and platforms that are well, slow or gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from heapq import nsmallest
from itertools import count
from typing import Any

from adapters.breaker import Breaker
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.ports import Accepted, Answer, CallContext, Exchange, NoAnswer, NotDelivered
from gateway.ports import Verb as Said
from tests.simulation.virtual_time import SimClock, passes
from tests.unit.rpc import samples

EXCHANGE = Exchange("2601", b"{}", b"{}")


def unknown(number: int, insured_region: str, at: datetime) -> ClaimRecord:
    """A claim whose reply was lost."""
    return replace(
        samples.claim(ClaimState.UNKNOWN, claim_id=f"clm_{insured_region}_{number:05d}"),
        insured_region=insured_region,
        work_due_at=at,
        updated_at=at,
        region_settlement_id="",
        pivot_msgid=f"H00310000001{number:018d}",
        pivot_transaction="2207",
    )


class Shelf:
    """Implements ports.Store, Books and BooksReader as far as the worker needs them. It is what
    stays when the worker dies."""

    def __init__(self, *claims: ClaimRecord) -> None:
        self.claims = {claim.claim_id: claim for claim in claims}
        self._waiting = {claim.claim_id: claim for claim in claims if claim.work_due_at is not None}
        self.items: dict[str, OutboxItem] = {}
        self._numbers: Iterator[int] = count()

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    def claim(self, claim_id: str) -> ClaimRecord | None:
        return self.claims.get(claim_id)

    def claims_needing_work(
        self,
        at: datetime,
        limit: int,
        *,
        region: str,
        states: frozenset[ClaimState],
        left_out: frozenset[str],
    ) -> tuple[ClaimRecord, ...]:
        due = [
            (claim.work_due_at, claim.claim_id)
            for claim in self._waiting.values()
            if claim.work_due_at is not None
            and claim.work_due_at <= at
            and claim.insured_region.startswith(region)
            and claim.state in states
            and claim.claim_id not in left_out
        ]
        return tuple(self._waiting[claim_id] for _, claim_id in nsmallest(limit, due))

    def next_msgids(self, institution: str, wanted: int, at: datetime) -> tuple[str, ...]:
        return tuple(f"M{next(self._numbers):029d}" for _ in range(wanted))

    def record_messages(self, claim_id: str, messages: tuple[PlannedMessage, ...]) -> None:
        pass

    def record_exchange(self, *evidence: object) -> None:
        pass

    def append_evidence(self, entry_id: str, **leaf: object) -> int:
        return next(self._numbers)

    def update_claim(self, claim: ClaimRecord, *, expected_version: int) -> None:
        assert self.claims[claim.claim_id].version == expected_version
        self.put(claim)

    def put(self, claim: ClaimRecord) -> None:
        self.claims[claim.claim_id] = self._waiting[claim.claim_id] = claim
        if claim.work_due_at is None:
            del self._waiting[claim.claim_id]

    def due_outbox(self, at: datetime, limit: int, *, region: str) -> tuple[OutboxItem, ...]:
        due = [i for i in self.items.values() if i.due_at <= at and i.region.startswith(region)]
        return tuple(due[:limit])

    def take_outbox(
        self, at: datetime, limit: int, *, until: datetime, region: str
    ) -> tuple[OutboxItem, ...]:
        taken = self.due_outbox(at, limit, region=region)
        self.items |= {item.item_id: replace(item, due_at=until) for item in taken}
        return taken


class Platform:
    """One province's platform with the real breaker before it: answers in 50 ms, or is gone (each
    call waits 20 s in vain)."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self.breaker = Breaker(clock.monotonic, failures_to_open=5, open_s=10.0)
        self.gone = False
        self.refusing = False
        """No connection comes about, and the breaker does not know it yet."""
        self.in_flight = self.most_in_flight = 0
        self.sent: Counter[int] = Counter()
        """Calls that left us, by second."""
        self.reversed: set[str] = set()

    def transaction(self, verb: Said, kind: object) -> str:
        return "2601" if verb is Said.REVERSE else "2208"

    def health(self) -> str:
        return self.breaker.state.value

    async def reverse(self, ctx: CallContext, order: Any) -> Answer[None]:
        if self.refusing or not self.breaker.admit():
            return NotDelivered("breaker_open", EXCHANGE)
        self.sent[int(self._clock.monotonic())] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await passes(20.0 if self.gone else 0.05)
        finally:
            self.in_flight -= 1
        if self.gone:
            self.breaker.failed()
            return NoAnswer("timeout", EXCHANGE)
        self.breaker.succeeded()
        self.reversed.add(order.original_msgid)
        return Accepted(None, EXCHANGE)


class Platforms:
    """Implements ports.Regions by the province's digits."""

    def __init__(self, platforms: dict[str, Platform]) -> None:
        self._platforms = platforms

    def of(self, region: str) -> Any:
        return self._platforms[region[:2]]


def busiest(sent: Counter[int], seconds: int) -> int:
    """Most calls in so many seconds in a row."""
    first, last = min(sent), max(sent)
    windows = range(first, max(first, last - seconds + 1) + 1)
    return max(sum(sent[at + i] for i in range(seconds)) for at in windows)
