"""舱壁: a province that is gone holds up nobody else, and comes back without a stampede.

The real workers, journey and breaker; platforms and database are in memory, time is virtual.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem
from gateway.journeys.pace import PaceLimits, Paces
from gateway.journeys.resolve_unknown import ResolveTimings, ResolveUnknown
from gateway.workers.deliver_outbox import DeliverOutbox
from gateway.workers.resolve_claims import MARKING, ResolveClaims, sending
from gateway.workers.rounds import Rounds
from tests.simulation.virtual_time import BEGIN, SimClock, VirtualLoop, passes
from tests.unit.rpc.samples import QINGPU
from tests.unit.workers.shelf import Platform, Platforms, Shelf, busiest, unknown
from tests.unit.workers.test_holding_nobody_up import Log

T = TypeVar("T")
SHANGHAI, ZHEJIANG = "310118", "330421"
PER_MINUTE, PLACES = 600, 16
LIMITS = PaceLimits(PLACES, PER_MINUTE)


def virtually(story: Callable[[SimClock], Coroutine[Any, Any, T]]) -> T:
    """A story on a loop whose time costs nothing; what it started ends with it."""
    loop = VirtualLoop()

    async def whole() -> T:
        try:
            return await story(SimClock(loop))
        finally:
            await end_all()

    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


async def end_all() -> None:
    """Every other task, in the middle of whatever it does."""
    mine = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not mine]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Ids:
    """Implements ports.Ids; one salt after another."""

    def __init__(self) -> None:
        self._count = 0

    def entry_id(self) -> str:
        return "ent_1"

    def salt(self) -> bytes:
        self._count += 1
        return (self._count * 2654435761 % 2**32).to_bytes(4) * 8


class House:
    """The workers of one process over what stays when it dies."""

    def __init__(self, shelf: Shelf, platforms: dict[str, Platform], clock: SimClock) -> None:
        store: Any = shelf
        regions: Any = Platforms(platforms)
        ids: Any = Ids()
        self.log = Log()
        self.paces = Paces(regions=regions, clock=clock, limits=lambda _: LIMITS)
        resolve = ResolveUnknown(
            store=store, regions=regions, institutions={QINGPU.code: QINGPU}, clock=clock,
            ids=ids, timings=ResolveTimings(timedelta(0), timedelta(seconds=60), 10),
            paces=self.paces,
        )  # fmt: skip
        self.workers = [
            Rounds(
                lane.region,
                ResolveClaims(
                    store=store, resolve=resolve, clock=clock, logger=self.log, lane=lane,
                    pace=self.paces.of(lane.region) if lane.region else None,
                ),
                pause_s=0.5,
                logger=self.log,
            )
            for lane in (MARKING, *(sending(province) for province in sorted(platforms)))
        ]  # fmt: skip

    def start(self) -> None:
        for worker in self.workers:
            worker.start()


def answered(shelf: Shelf) -> int:
    return sum(claim.reversal_answered for claim in shelf.claims.values())


def backlog(count: int, region: str) -> list[ClaimRecord]:
    return [unknown(number, region, BEGIN) for number in range(count)]


def test_a_province_that_never_answers_holds_up_no_2601_of_another() -> None:
    async def story(clock: SimClock) -> None:
        gone, well = Platform(clock), Platform(clock)
        gone.gone = True
        shelf = Shelf(*backlog(200, ZHEJIANG), *backlog(100, SHANGHAI))
        House(shelf, {"31": well, "33": gone}, clock).start()
        while len(well.reversed) < 100:
            await passes(0.5)
        # 100 at the growing rate of an undisturbed province; one call of the other takes 20 s.
        assert clock.monotonic() < 18.0
        assert gone.sent.total() <= PLACES, "its first calls are still waiting"

    virtually(story)


def test_what_is_known_without_a_region_is_said_whatever_the_regions_do() -> None:
    async def story(clock: SimClock) -> None:
        gone = Platform(clock)
        gone.gone = True
        shelf = Shelf(*backlog(50, ZHEJIANG))
        House(shelf, {"33": gone}, clock).start()
        await passes(3.0)
        late = unknown(99, ZHEJIANG, clock.now())
        shelf.put(replace(late, claim_id="clm_late", state=ClaimState.RECORDED))
        await passes(1.0)
        assert shelf.claims["clm_late"].state is ClaimState.UNKNOWN

    virtually(story)


def test_five_thousand_waiting_claims_come_back_slowly_within_the_budget_and_all_end() -> None:
    async def story(clock: SimClock) -> None:
        platform = Platform(clock)
        platform.gone = True
        shelf = Shelf(*backlog(5_000, ZHEJIANG))
        House(shelf, {"33": platform}, clock).start()
        await passes(600.0)
        spent = platform.sent.total()
        # First its places, then one call that tries each time the breaker lets one through.
        assert spent <= PLACES + 600 // 20 + 1
        assert answered(shelf) == 0
        platform.gone, platform.sent = False, type(platform.sent)()
        back_at = int(clock.monotonic())
        while answered(shelf) < 5_000:
            await passes(10.0)
        full_per_s = PER_MINUTE // 60
        first_10_s = sum(platform.sent[back_at + second] for second in range(10))
        assert first_10_s < 10 * full_per_s // 2, "it came back all at once"
        assert busiest(platform.sent, 1) <= 2 * full_per_s
        assert busiest(platform.sent, 60) <= PER_MINUTE + full_per_s
        assert platform.most_in_flight <= PLACES
        # The budget is used, too: 5,000 at 600 a minute are 500 s.
        assert clock.monotonic() - back_at < 800
        assert len(platform.reversed) == 5_000

    virtually(story)


def test_the_queue_is_the_database_a_process_may_die_at_any_moment() -> None:
    async def story(clock: SimClock) -> None:
        platform = Platform(clock)
        shelf = Shelf(*backlog(300, ZHEJIANG))
        lives = 0
        while answered(shelf) < 300:
            house = House(shelf, {"33": platform}, clock)
            house.start()
            await passes(7.0 + lives % 3 * 0.017)
            await end_all()
            lives += 1
            assert lives < 50
        assert lives > 3
        assert len(platform.reversed) == 300
        assert all(c.state is ClaimState.REVERSAL_SENT for c in shelf.claims.values())

    virtually(story)


def test_a_2601_that_never_left_is_no_attempt_but_lengthens_the_pause() -> None:
    async def story(clock: SimClock) -> None:
        platform = Platform(clock)
        platform.refusing = True
        shelf = Shelf(*backlog(1, ZHEJIANG))
        House(shelf, {"33": platform}, clock).start()
        await passes(2 * 3600.0)
        (claim,) = shelf.claims.values()
        assert claim.reversal_attempts == 0
        assert claim.work_due_at is not None, "it is tried again as long as it never left"
        # Doubling from a minute to an hour, half of it at least: about nine in two hours.
        assert 6 <= claim.reversal_undelivered < 12

    virtually(story)


def test_news_for_a_province_that_never_answers_hold_up_no_other_news() -> None:
    async def story(clock: SimClock) -> None:
        shelf = Shelf()
        for number in range(100):
            for region in (ZHEJIANG, SHANGHAI):
                item = OutboxItem(f"{region}_{number}", "visited_settlement", "c", region, BEGIN)
                shelf.items[item.item_id] = item
        told: list[str] = []
        never = asyncio.Event()

        async def tell(item: OutboxItem) -> bool:
            if item.region == ZHEJIANG:
                await never.wait()
            del shelf.items[item.item_id]
            told.append(item.item_id)
            return True

        regions: Any = Platforms({"31": Platform(clock), "33": Platform(clock)})
        paces = Paces(regions=regions, clock=clock, limits=lambda _: PaceLimits(PLACES, 6_000))
        store: Any = shelf
        teller: Any = tell
        for province in ("31", "33"):
            lane = DeliverOutbox(
                store=store, tell=teller, undo_admission=teller, clock=clock, logger=Log(),
                region=province, pace=paces.of(province),
            )  # fmt: skip
            Rounds(province, lane, pause_s=0.5, logger=Log()).start()
        while len(told) < 100:
            await passes(0.5)
        assert clock.monotonic() < 10.0
        assert all(item_id.startswith(SHANGHAI) for item_id in told)

    virtually(story)
