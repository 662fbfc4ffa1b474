"""Exact stories of things that cross each other, each of them once a fault or nearly one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from gateway.domain.bill import VisitKind
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import (
    Conflict,
    DeadlinePassed,
    NotFound,
    RequestIdReused,
    StorageUnavailable,
)
from gateway.domain.visit import Attendance
from gateway.journeys.commands import ReverseCommand
from gateway.journeys.resolve_unknown import ResolveTimings, ResolveUnknown
from gateway.ports import (
    Accepted,
    Answer,
    Books,
    CallContext,
    CancelOrder,
    Declined,
    Exchange,
    NoAnswer,
    RegionSettlement,
    ReversalOrder,
)
from gateway.rpc.convert.advice import UNANSWERED
from gateway.rpc.convert.claims import decode_claim, encode_claim
from ledger.leaf import Leaf
from tests.simulation.conftest import Site
from tests.simulation.hospital import HOSPITAL, settle_command
from tests.simulation.process import Process, SimIds, StoreThread, Weather, run_virtually
from tests.simulation.region import ScriptedRegion
from tests.simulation.virtual_time import BEGIN, SimClock, VirtualLoop, passes
from yrd.claim.v1 import claim_pb2

T = TypeVar("T")
RAW = Exchange("2208", b"{}", b"{}")


class Region(ScriptedRegion):
    """Healthy, but for what a story asks of its next cancellations and settlements."""

    def __init__(self, rng: random.Random, clock: SimClock) -> None:
        super().__init__(rng, clock)
        self.healthy = True
        self.cancels_to_refuse = 0
        self.deductible_fen = 0
        self.silent = False
        self.lose_admission = False
        self.mute = False
        """No 2601 is answered."""
        self.same_number = ""
        """The 结算ID that every settlement gets."""
        self.when_settling: Callable[[], None] = lambda: None
        self.cancelling = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def register(self, ctx: CallContext, att: Attendance) -> Answer[str]:
        if self.lose_admission:
            return NoAnswer("timeout", RAW)
        return await super().register(ctx, att)

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        self.when_settling()
        if self.silent:
            return NoAnswer("timeout", RAW)
        answer = await super().settle(ctx, att)
        if isinstance(answer, Accepted) and self.same_number:
            return replace(answer, value=replace(answer.value, settlement_id=self.same_number))
        if isinstance(answer, Accepted) and self.deductible_fen:
            theirs = replace(answer.value.breakdown, deductible_fen=self.deductible_fen)
            return replace(answer, value=replace(answer.value, breakdown=theirs))
        return answer

    async def reverse(self, ctx: CallContext, order: ReversalOrder) -> Answer[None]:
        return NoAnswer("timeout", RAW) if self.mute else await super().reverse(ctx, order)

    async def cancel(self, ctx: CallContext, order: CancelOrder) -> Answer[RegionSettlement]:
        self.cancelling.set()
        await self.may_answer.wait()
        if self.cancels_to_refuse:
            self.cancels_to_refuse -= 1
            self.state.cancels.append(order.settlement_id)
            return Declined("-1", "已清算", RAW)
        return await super().cancel(ctx, order)


class Stage:
    """One process over one store, without its workers."""

    def __init__(
        self,
        site: Site,
        loop: VirtualLoop,
        kind: type[Process] = Process,
        region: type[Region] = Region,
    ) -> None:
        rng = random.Random(1)
        self.site, self.clock = site, SimClock(loop)
        self.ids = SimIds(rng, self.clock)
        self.region, self.weather = region(rng, self.clock), Weather(rng)
        self.thread = StoreThread()
        self.kind = kind
        self.process = self.open()

    def open(self, encode: Callable[[ClaimRecord], bytes] = encode_claim) -> Process:
        return self.kind(
            options=self.site.options, thread=self.thread, weather=self.weather, clock=self.clock,
            ids=self.ids, region=self.region, institutions={HOSPITAL.code: HOSPITAL},
            worker_pause_s=1.0, encode=encode,
        )  # fmt: skip

    def end(self) -> None:
        self.thread.run(self.process.opened.close())
        self.thread.end()

    async def settle(self, request_id: str = "r0", budget_s: float = 20.0) -> claim_pb2.Claim:
        command = settle_command(request_id, 0, VisitKind.OUTPATIENT)
        return decode_claim(await self.process.settle(command, budget_s=budget_s))

    async def reverse(
        self, claim_id: str, request_id: str, reason: str = "更正", budget_s: float = 20.0
    ) -> claim_pb2.Claim:
        command = ReverseCommand(HOSPITAL, request_id, claim_id, reason)
        return decode_claim(await self.process.reverse(command, budget_s=budget_s))

    async def stored(self, claim_id: str) -> ClaimRecord:
        claim = await self.process.read(lambda reader: reader.claim(claim_id))
        if claim is None:
            raise AssertionError("no such claim")
        return claim


def play(
    site: Site,
    story: Callable[[Stage], Awaitable[None]],
    kind: type[Process] = Process,
    region: type[Region] = Region,
) -> None:
    """Run one story in virtual time."""

    async def whole(loop: VirtualLoop) -> None:
        stage = Stage(site, loop, kind, region)
        try:
            await story(stage)
        finally:
            stage.end()

    run_virtually(whole)


def state(claim: claim_pb2.Claim) -> str:
    return claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")


def test_a_reversal_that_was_refused_is_found_again_after_another_one(site: Site) -> None:
    async def story(stage: Stage) -> None:
        claim_id = (await stage.settle()).claim_id
        stage.region.cancels_to_refuse = 1
        assert state(await stage.reverse(claim_id, "v1")) == "SETTLED"
        assert state(await stage.reverse(claim_id, "v2")) == "REVERSED"
        assert state(await stage.reverse(claim_id, "v1")) == "REVERSED"
        assert len(stage.region.state.cancels) == 2
        with pytest.raises(RequestIdReused):
            await stage.reverse(claim_id, "v1", reason="另一个原因")

    play(site, story)


def test_a_refused_reversal_repeated_after_a_second_refusal_cancels_nothing(site: Site) -> None:
    async def story(stage: Stage) -> None:
        claim_id = (await stage.settle()).claim_id
        stage.region.cancels_to_refuse = 2
        for request_id in ("v1", "v2", "v1", "v2"):
            assert state(await stage.reverse(claim_id, request_id)) == "SETTLED"
        assert len(stage.region.state.cancels) == 2

    play(site, story)


def test_a_worker_that_read_an_older_reversal_does_not_end_the_present_one(site: Site) -> None:
    async def story(stage: Stage) -> None:
        claim_id = (await stage.settle()).claim_id
        stage.region.cancels_to_refuse = 1
        stage.region.may_answer.clear()
        first = asyncio.ensure_future(stage.reverse(claim_id, "v1"))
        await stage.region.cancelling.wait()
        old = await stage.stored(claim_id)
        stage.region.may_answer.set()
        await first
        stage.region.may_answer.clear()
        stage.region.cancelling.clear()
        second = asyncio.ensure_future(stage.reverse(claim_id, "v2"))
        await stage.region.cancelling.wait()
        stage.clock.step(3600.0)
        with pytest.raises(Conflict):
            await stage.process.resolve(old)
        stage.region.may_answer.set()
        assert state(await second) == "REVERSED"

    play(site, story)


def test_a_repeat_is_told_the_stored_bytes_whatever_encodes_answers_today(site: Site) -> None:
    async def story(stage: Stage) -> None:
        command = settle_command("r0", 0, VisitKind.OUTPATIENT)
        first = await stage.process.settle(command, budget_s=20.0)
        stage.thread.run(stage.process.opened.close())
        stage.process = stage.open(encode=lambda claim: b"a later version's idea of " + first)
        assert await stage.process.settle(command, budget_s=20.0) == first

    play(site, story)


def test_a_null_in_a_cancellation_is_no_difference(site: Site) -> None:
    async def story(stage: Stage) -> None:
        stage.region.deductible_fen = 300
        claim_id = (await stage.settle()).claim_id
        assert state(await stage.reverse(claim_id, "v1")) == "REVERSED"
        assert (await stage.stored(claim_id)).broken == ()

    play(site, story)


class SlowDisk(Process):
    """Takes three seconds for each write when told to."""

    slow = False

    async def write(self, work: Callable[[Books], T]) -> T:
        result = await super().write(work)
        if self.slow:
            await passes(3.0)
        return result


def test_a_reversal_recorded_too_late_is_not_sent(site: Site) -> None:
    async def story(stage: Stage) -> None:
        claim_id = (await stage.settle()).claim_id
        if not isinstance(stage.process, SlowDisk):
            raise AssertionError("a slow disk was asked for")
        stage.process.slow = True
        told = await stage.reverse(claim_id, "v1", budget_s=2.0)
        assert state(told) in ("REVERSING", "SETTLED")
        await stage.process.reverse.running.drain()
        assert (await stage.stored(claim_id)).state == "SETTLED"
        assert stage.region.state.cancels == []

    play(site, story, SlowDisk)


class Outage(Process):
    """Its database takes nothing for half a minute after the region has answered."""

    until = 0.0

    async def write(self, work: Callable[[Books], T]) -> T:
        if asyncio.get_running_loop().time() < self.until:
            await passes(0.01)
            raise StorageUnavailable("the disk is full")
        return await super().write(work)


def test_a_regions_yes_outlives_half_a_minute_without_a_database(site: Site) -> None:
    async def story(stage: Stage) -> None:
        process = stage.process
        if not isinstance(process, Outage):
            raise AssertionError("an outage was asked for")
        until = asyncio.get_running_loop().time() + 30.0
        stage.region.when_settling = lambda: setattr(process, "until", until)
        told = await stage.settle()
        assert state(told) == "RECORDED"
        await process.settle.running.drain()
        assert (await stage.stored(told.claim_id)).state == "SETTLED"

    play(site, story, Outage)


def test_no_attempt_is_recorded_that_nobody_could_send(site: Site) -> None:
    async def story(stage: Stage) -> None:
        stage.region.silent = True
        claim = await stage.settle()
        assert state(claim) == "UNKNOWN"
        resolve = ResolveUnknown(
            store=stage.process, regions=stage.process.regions, institutions={},
            clock=stage.clock, ids=stage.ids,
            timings=ResolveTimings(timedelta(0), timedelta(seconds=1), 9),
        )  # fmt: skip
        stage.clock.step(60.0)
        before = await stage.stored(claim.claim_id)
        with pytest.raises(NotFound):
            await resolve(before)
        assert await stage.stored(claim.claim_id) == before

    play(site, story)


def test_a_claim_whose_reversals_stay_unanswered_is_counted_and_its_counter_told(
    site: Site,
) -> None:
    async def story(stage: Stage) -> None:
        stage.region.silent = stage.region.mute = True
        claim_id = (await stage.settle()).claim_id
        resolve = ResolveUnknown(
            store=stage.process, regions=stage.process.regions,
            institutions={HOSPITAL.code: HOSPITAL}, clock=stage.clock, ids=stage.ids,
            timings=ResolveTimings(timedelta(0), timedelta(seconds=1), 2),
        )  # fmt: skip
        for _ in range(4):
            stage.clock.step(3600.0)
            await resolve(await stage.stored(claim_id))
        claim = await stage.stored(claim_id)
        assert (claim.state, claim.reversal_attempts) == ("REVERSAL_SENT", 2)
        answer = await stage.process.read(lambda reader: reader.answer(claim_id))
        assert answer is not None and decode_claim(answer).advice_zh == UNANSWERED
        waiting = await stage.process.read(lambda reader: reader.awaiting_reconciliation(""))
        assert [(row.state, row.count) for row in waiting] == [("REVERSAL_SENT", 1)]

    play(site, story)


def test_two_claims_under_one_number_of_their_regions_are_told_apart(site: Site) -> None:
    async def story(stage: Stage) -> None:
        stage.region.same_number = "S0001"
        claims = []
        for number in (0, 1):
            command = settle_command(f"r{number}", number, VisitKind.OUTPATIENT)
            claims.append(decode_claim(await stage.process.settle(command, budget_s=20.0)))
        assert {claim.region_settlement_id for claim in claims} == {"S0001"}
        stage.process.start()
        await passes(30.0)
        await stage.process.stop()
        told = stage.region.state.told
        assert {key: len(rows) for key, rows in told.items()} == {
            (claim.claim_id, False): 1 for claim in claims
        }

    play(site, story)


def test_an_admission_whose_reply_was_lost_is_taken_back_and_the_answer_stays(site: Site) -> None:
    async def story(stage: Stage) -> None:
        stage.region.lose_admission = True
        command = settle_command("r0", 0, VisitKind.INPATIENT)
        told = await stage.process.settle(command, budget_s=20.0)
        claim = decode_claim(told)
        assert (state(claim), claim.messages[0].outcome) == ("VOIDED", "no_answer")
        stage.process.start()
        await passes(30.0)
        assert stage.region.state.reversed_msgids == []
        await passes(60.0)
        assert stage.region.state.reversed_msgids == [claim.messages[0].msgid]
        await stage.process.stop()
        assert await stage.process.settle(command, budget_s=20.0) == told

    play(site, story)


def test_a_reversal_in_the_next_month_leaves_the_settlement_in_its_own_window(site: Site) -> None:
    async def story(stage: Stage) -> None:
        claim = await stage.settle()
        stage.clock.step(timedelta(days=10).total_seconds())
        reversed_claim = await stage.reverse(claim.claim_id, "v1")
        assert (claim.window, reversed_claim.window) == ("2026-11", "2026-11")
        leaves = stage.thread.run(stage.process.opened.log.leaves(0, 10))
        windows = [Leaf.parse(leaf).window for leaf in leaves]
        assert windows == [None, "2026-11", None, "2026-12"]

    play(site, story)


def test_the_last_second_of_a_month_is_shanghais(site: Site) -> None:
    async def story(stage: Stage) -> None:
        # The claim is posted some virtual second or two after the step.
        stage.clock.step((datetime(2026, 11, 30, 15, 59, 50, tzinfo=UTC) - BEGIN).total_seconds())
        assert (await stage.settle("r0")).window == "2026-11"
        await passes(10.0)
        command = settle_command("r1", 1, VisitKind.OUTPATIENT)
        told = decode_claim(await stage.process.settle(command, budget_s=20.0))
        assert told.window == "2026-12"

    play(site, story)


class SlowQueue(Process):
    """Lets each write wait for its turn when told to."""

    wait_s = 0.0

    async def write(self, work: Callable[[Books], T]) -> T:
        await passes(self.wait_s)
        return await super().write(work)


def test_an_intent_that_waited_too_long_for_its_turn_is_not_recorded(site: Site) -> None:
    async def story(stage: Stage) -> None:
        process = stage.process
        if not isinstance(process, SlowQueue):
            raise AssertionError("a slow queue was asked for")
        process.wait_s = 3.0
        with pytest.raises(DeadlinePassed):
            await stage.settle("r0", budget_s=2.0)
        process.wait_s = 0.0
        claim = await stage.settle("r0")
        process.wait_s = 3.0
        with pytest.raises(DeadlinePassed):
            await stage.reverse(claim.claim_id, "v1", budget_s=2.0)
        assert (await stage.stored(claim.claim_id)).state == "SETTLED"

    play(site, story, SlowQueue)
