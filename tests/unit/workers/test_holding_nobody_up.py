"""One thing that cannot be done must not keep the workers from all the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gateway.domain.claim_record import OutboxItem
from gateway.domain.errors import Conflict, NotFound
from gateway.workers.deliver_outbox import DeliverOutbox
from gateway.workers.resolve_claims import AGAIN_S, BATCH, ResolveClaims

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return self.at


class Log:
    """Implements telemetry.Logger: keeps the names of events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, **fields: Any) -> None:
        self.events.append(event)

    warning = error = info


class Due:
    """A store whose reader finds these things due."""

    def __init__(self, *things: Any) -> None:
        self._things = things
        self.postponed: list[tuple[str, str]] = []
        self.limits: list[int] = []

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    def postpone_outbox(self, item_id: str, attempts: int, due_at: datetime, cause: str) -> None:
        self.postponed.append((item_id, cause))

    def due_outbox(self, at: datetime, limit: int, **which: Any) -> tuple[Any, ...]:
        return self._things[:limit]

    def claims_needing_work(
        self, at: datetime, limit: int, *, left_out: frozenset[str], **which: Any
    ) -> tuple[Any, ...]:
        self.limits.append(limit)
        due = [claim for claim in self._things if claim.claim_id not in left_out]
        return tuple(due[:limit])

    def take_outbox(self, at: datetime, limit: int, **which: Any) -> tuple[Any, ...]:
        return self._things[:limit]


class Claim:
    def __init__(self, claim_id: str) -> None:
        self.claim_id, self.state = claim_id, "UNKNOWN"


class Tell:
    """Cannot tell of the first item."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def __call__(self, item: OutboxItem) -> bool:
        if item.item_id == "out_1":
            raise KeyError("its institution left the register")
        self.told.append(item.item_id)
        return True


async def test_an_item_that_cannot_be_told_is_postponed_and_the_others_are_told() -> None:
    items = [
        OutboxItem(f"out_{n}", "visited_settlement", "clm_1", "310118", NOON) for n in (1, 2, 3)
    ]
    tell, log = Tell(), Log()
    store: Any = Due(*items)
    teller: Any = tell
    clock: Any = Clock()
    deliver = DeliverOutbox(
        store=store, tell=teller, undo_admission=teller, clock=clock, logger=log
    )
    assert await deliver() == 2
    assert tell.told == ["out_2", "out_3"]
    assert store.postponed == [("out_1", "KeyError")]
    assert log.events == ["outbox_item_failed"]


async def test_a_claim_that_cannot_be_resolved_keeps_no_other_from_it() -> None:
    resolved: list[str] = []

    async def resolve(claim: Claim) -> Claim:
        if claim.claim_id == "clm_1":
            raise KeyError("a defect of ours")
        resolved.append(claim.claim_id)
        return claim

    store: Any = Due(Claim("clm_1"), Claim("clm_2"))
    resolver: Any = resolve
    clock: Any = Clock()
    log = Log()
    assert await ResolveClaims(store=store, resolve=resolver, clock=clock, logger=log)() == 2
    assert resolved == ["clm_2"]
    assert log.events == ["resolve_failed"]


async def test_many_claims_that_cannot_be_resolved_do_not_take_all_the_places() -> None:
    resolved: list[str] = []

    async def resolve(claim: Claim) -> Claim:
        if claim.claim_id.startswith("stuck"):
            raise NotFound("its institution left the register")
        resolved.append(claim.claim_id)
        return claim

    store: Any = Due(*(Claim(f"stuck-{n}") for n in range(BATCH)), Claim("sound"))
    resolver: Any = resolve
    clock: Any = Clock()
    log = Log()
    work = ResolveClaims(store=store, resolve=resolver, clock=clock, logger=log)
    await work()
    assert resolved == []
    await work()
    assert resolved == ["sound"]
    assert set(store.limits) == {BATCH}, "no more is read because some cannot be resolved"
    said = len(log.events)
    await work()
    assert len(log.events) == said, "nor is it said again in each round"
    clock.at += AGAIN_S
    await work()
    assert len(log.events) == said + BATCH, "after a while they are tried again"


async def test_a_claim_that_somebody_else_moved_is_looked_at_again_at_once() -> None:
    tried: list[str] = []

    async def resolve(claim: Claim) -> Claim:
        tried.append(claim.claim_id)
        raise Conflict("another gateway was quicker")

    store: Any = Due(Claim("clm_1"))
    resolver: Any = resolve
    clock: Any = Clock()
    work = ResolveClaims(store=store, resolve=resolver, clock=clock, logger=Log())
    await work()
    await work()
    assert tried == ["clm_1", "clm_1"]
