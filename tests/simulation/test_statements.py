"""Exact stories of what a day's statement decides, and of what it leaves to a person."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.bill import VisitKind
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import Attention, ClaimRecord, Standing
from gateway.domain.errors import Malformed, NotFound, Refused
from gateway.journeys.take_back import Decision
from gateway.ports import (
    Answer,
    CallContext,
    Exchange,
    NoAnswer,
    StatementOrder,
    StatementRow,
    StatementTotals,
    StatementVerdict,
)
from gateway.rpc.convert.advice import advice
from gateway.rpc.convert.claims import decode_claim
from tests.simulation.conftest import Site
from tests.simulation.hospital import settle_command
from tests.simulation.process import RULES
from tests.simulation.region import Booked, Fate
from tests.simulation.test_crossings import Region, Stage, play
from tests.simulation.virtual_time import SimClock, passes

HOUR_S = 3600.0
MORNING_S = 17 * HOUR_S
"""From noon, when a story begins, to five in the morning."""


async def nothing() -> None:
    """Nothing happens."""


class Told(Region):
    """Each kind of call fares as it is told to; then it is well again."""

    def __init__(self, rng: random.Random, clock: SimClock) -> None:
        super().__init__(rng, clock)
        self._forgets, self._dated, self._classed = False, True, True
        self._unready = False
        self.fates: dict[str, list[Fate]] = {}
        self.asked: Counter[str] = Counter()
        self.away: set[str] = set()
        """统筹区 that answer no statement."""
        self.one_group = False
        """It does not tell clearing types and offices apart."""
        self.twice = False
        """Its statement has every row two times."""
        self._forced: Fate | None = None
        self.blind = False
        """Its statement has nothing of its own books: another group's, or not ready."""
        self.nameless = False
        """Its own rows come without the msgid that made them."""
        self.empty = False
        """Its detail is not made yet."""
        self.meanwhile: Callable[[], Awaitable[object]] = nothing
        """What happens elsewhere while a statement is on its way."""

    async def _call(
        self, ctx: CallContext, number: str, fates: Any, effect: Callable[[Fate], Any]
    ) -> Answer[Any]:
        self.asked[number] += 1
        waiting = self.fates.get(number)
        self._forced = waiting.pop(0) if waiting else None
        return await super()._call(ctx, number, fates, effect)

    def _fate(self, fates: dict[Fate, int]) -> Fate:
        fate, self._forced = self._forced, None
        return fate or super()._fate(fates)

    async def statement_detail(
        self, ctx: CallContext, order: StatementOrder
    ) -> Answer[tuple[StatementRow, ...]]:
        answer = await super().statement_detail(ctx, order)
        await self.meanwhile()
        return answer

    async def statement_totals(
        self, ctx: CallContext, totals: StatementTotals
    ) -> Answer[StatementVerdict]:
        if ctx.insured_region in self.away:
            return NoAnswer("timeout", Exchange("3201", b"{}", None))
        return await super().statement_totals(ctx, totals)

    def _of(self, ctx: CallContext, totals: StatementTotals) -> list[Booked]:
        key = totals.key
        if self.one_group:
            key = replace(key, clearing_type="11", clearing_office="330400")
        return self._books(ctx, replace(totals, key=key))

    def _detail(self, ctx: CallContext, order: StatementOrder) -> tuple[StatementRow, ...]:
        rows = super()._detail(ctx, order) * (2 if self.twice else 1)
        if self.empty:
            return ()
        if self.nameless:
            return tuple(replace(row, msgid="", settlement_id="Z1") for row in rows)
        return rows

    def _books(self, ctx: CallContext, totals: StatementTotals) -> list[Booked]:
        return [] if self.blind else super()._of(ctx, totals)


class Office:
    """A stage with a region that does as it is told, and days that pass."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        if not isinstance(stage.region, Told):
            raise AssertionError("a region that does as it is told was asked for")
        self.region = stage.region

    async def settle(self, number: int = 0) -> str:
        """Settle a batch; answers its claim's id."""
        command = settle_command(f"r{number}", number, VisitKind.OUTPATIENT)
        answer = await self.stage.process.settle(command, budget_s=20.0)
        return decode_claim(answer).claim_id

    async def lost(self, number: int = 0) -> str:
        """A settlement that took effect and whose answer was lost."""
        self.region.fates["2207"] = [Fate.REPLY_LOST]
        return await self.settle(number)

    async def pursue(self, claim_id: str) -> ClaimRecord:
        """What the worker does about it until nothing is left to be tried."""
        claim = await self.stage.stored(claim_id)
        while claim.work_due_at is not None:
            await passes(HOUR_S / 4)
            claim = await self.stage.process.resolve(claim)
        return claim

    async def morning(self, *, days: int = 1) -> int:
        """Five o'clock, and a round of statements; answers how many claims it moved."""
        now = self.stage.clock.now()
        five = now.replace(hour=21, minute=0, second=0, microsecond=0)
        left = (five - now).total_seconds() % 86_400.0 + 86_400.0 * (days - 1)
        await passes(left)
        return await self.stage.process.reconcile_claims()

    async def state(self, claim_id: str) -> ClaimState:
        return (await self.stage.stored(claim_id)).state

    def leaf(self, claim_id: str) -> dict[str, Any]:
        """The newest leaf's opening that names the claim."""
        found: dict[str, Any] = {}

        def look(reader: Any) -> None:
            for index in range(1000):
                opening = reader.opening(index)
                body = json.loads(opening[1]) if opening else {}
                if body.get("claim_id") == claim_id:
                    found.update({"latest": body})

        self.stage.process.look(look)
        latest: dict[str, Any] = found["latest"]
        return latest


def office(site: Site, story: Callable[[Office], Awaitable[None]]) -> None:
    """Play a story with a region that does as it is told."""
    play(site, lambda stage: story(Office(stage)), region=Told)


def test_a_lost_settlement_is_taken_back_and_the_days_statement_closes_it(site: Site) -> None:
    async def story(office: Office) -> None:
        claim = await office.pursue(await office.lost())
        assert claim.state is ClaimState.REVERSAL_SENT
        assert await office.stage.process.reconcile_claims() == 0
        assert await office.morning() == 1
        claim = await office.stage.stored(claim.claim_id)
        assert claim.state is ClaimState.VOIDED
        assert claim.found is not None
        assert claim.found.standing is Standing.TAKEN_BACK
        assert "对账确认" in advice(claim)
        leaf = office.leaf(claim.claim_id)
        assert leaf["statement"]["msgids"] == list(claim.found.msgids)
        assert leaf["statement"]["days"] == ["2026-11-24", "2026-11-24"]
        (msgid,) = claim.found.msgids
        kept = office.stage.process.look(lambda reader: reader.exchange(msgid))
        assert kept is not None

    office(site, story)


def test_what_stands_although_it_was_taken_back_is_taken_back_again(site: Site) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.lost()
        office.region.fates["2601"] = [Fate.IDLE]
        await office.pursue(claim_id)
        assert await office.morning() == 1
        claim = await office.stage.stored(claim_id)
        assert (claim.state, claim.take_backs) == (ClaimState.REVERSAL_SENT, 1)
        assert claim.settled is None
        claim = await office.pursue(claim_id)
        assert len(claim.messages) == 6
        assert await office.morning() == 1
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


@pytest.mark.parametrize("trouble", ["blind", "nameless", "empty"])
def test_a_statement_that_cannot_be_whole_ends_nothing(site: Site, trouble: str) -> None:
    async def story(office: Office) -> None:
        await office.settle(4)
        claim_id = await office.lost()
        office.region.fates["2601"] = [Fate.IDLE]
        await office.pursue(claim_id)
        setattr(office.region, trouble, True)
        assert await office.morning() == 0
        claim = await office.stage.stored(claim_id)
        assert (claim.state, claim.reconcile_attempts) == (ClaimState.REVERSAL_SENT, 1)
        setattr(office.region, trouble, False)
        assert await office.morning() == 1
        claim = await office.stage.stored(claim_id)
        assert claim.found is not None
        assert claim.found.standing is Standing.EFFECTIVE

    office(site, story)


def test_what_stands_after_every_attempt_is_a_persons_and_a_person_may_go_on(site: Site) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.lost()
        office.region.fates["2601"] = [Fate.IDLE] * 4
        for _ in range(4):
            await office.pursue(claim_id)
            await office.morning()
        claim = await office.stage.stored(claim_id)
        assert claim.attention is Attention.STILL_EFFECTIVE
        assert claim.reconcile_due is None
        assert await office.morning() == 0
        decision = Decision(claim_id, "operator-1", "电话核实后重试")
        await office.stage.process.take_back(decision)
        assert office.leaf(claim_id)["decided"] == {
            "operator": "operator-1", "reason": "电话核实后重试"
        }  # fmt: skip
        await office.pursue(claim_id)
        await office.morning()
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


@pytest.mark.parametrize(
    ("fate", "state", "says"),
    [
        (Fate.REPLY_LOST, ClaimState.REVERSED, "结算已撤销"),
        (Fate.LOST, ClaimState.SETTLED, "撤销未生效"),
    ],
)
def test_a_lost_cancellation_ends_as_its_own_row_says(
    site: Site, fate: Fate, state: ClaimState, says: str
) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.settle()
        office.region.fates["2208"] = [fate]
        await office.stage.reverse(claim_id, "v1")
        assert await office.state(claim_id) is ClaimState.REVERSAL_UNKNOWN
        assert await office.morning() == 1
        claim = await office.stage.stored(claim_id)
        assert claim.state is state
        assert says in advice(claim)
        assert "对账确认" in advice(claim)

    office(site, story)


def test_a_settlement_near_midnight_waits_until_both_days_are_closed(site: Site) -> None:
    async def story(office: Office) -> None:
        await passes(11.9 * HOUR_S)
        claim_id = await office.lost()
        office.region.fates["2601"] = [Fate.NOT_DELIVERED] * 60
        await office.morning()
        assert await office.state(claim_id) is ClaimState.UNKNOWN
        assert office.region.asked["9102"] == 0
        assert await office.morning() == 1
        claim = await office.stage.stored(claim_id)
        assert claim.found is not None
        assert (claim.found.first_day, claim.found.last_day) == ("2026-11-24", "2026-11-25")
        assert claim.found.standing is Standing.EFFECTIVE

    office(site, story)


@pytest.mark.parametrize("number", ["3201", "9102"])
def test_a_statement_that_was_not_got_changes_nothing_and_is_asked_for_again(
    site: Site, number: str
) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.lost()
        await office.pursue(claim_id)
        office.region.fates[number] = [Fate.REPLY_LOST]
        assert await office.morning() == 0
        claim = await office.stage.stored(claim_id)
        assert claim.state is ClaimState.REVERSAL_SENT
        assert claim.reconcile_attempts == 1
        assert claim.found is None
        assert await office.stage.process.reconcile_claims() == 0
        assert office.region.asked["3201"] == 1
        await passes(HOUR_S / 6)
        assert await office.stage.process.reconcile_claims() == 1
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


def test_a_region_that_gives_no_statement_delays_only_its_own_claims(site: Site) -> None:
    async def story(office: Office) -> None:
        jiaxing, suzhou = await office.lost(0), await office.lost(1)
        for claim_id in (jiaxing, suzhou):
            await office.pursue(claim_id)
        office.region.away = {"330400"}
        assert await office.morning() == 1
        assert await office.state(suzhou) is ClaimState.VOIDED
        for _ in range(12):
            await passes(HOUR_S)
            await office.stage.process.reconcile_claims()
        claim = await office.stage.stored(jiaxing)
        assert claim.attention is Attention.NO_STATEMENT
        office.region.away = set()
        await office.morning(days=2)
        assert await office.state(jiaxing) is ClaimState.VOIDED

    office(site, story)


def test_one_statement_is_asked_for_many_claims_of_a_day(site: Site) -> None:
    async def story(office: Office) -> None:
        ids = [await office.lost(number) for number in (0, 4, 6, 10)]
        for claim_id in ids:
            await office.pursue(claim_id)
        assert await office.morning() == 4
        assert office.region.asked["9102"] == 1
        assert {await office.state(claim_id) for claim_id in ids} == {ClaimState.VOIDED}

    office(site, story)


@pytest.mark.parametrize("one_group", [False, True])
def test_a_settlement_is_looked_for_in_every_group_and_counted_once(
    site: Site, one_group: bool
) -> None:
    async def story(office: Office) -> None:
        reconcile = office.stage.process.reconcile
        reconcile.rules = replace(RULES, clearing_offices={"330400": ("330498", "330499")})
        office.region.one_group = one_group
        claim_id = await office.lost()
        office.region.fates["2601"] = [Fate.IDLE]
        await office.pursue(claim_id)
        assert await office.morning() == 1
        assert office.region.asked["9102"] == 3
        claim = await office.stage.stored(claim_id)
        assert claim.found is not None
        assert claim.found.standing is Standing.EFFECTIVE
        assert len(claim.found.msgids) == 3

    office(site, story)


def test_a_settlement_in_review_is_taken_back_by_its_own_number_once_a_person_says_so(
    site: Site,
) -> None:
    async def story(office: Office) -> None:
        office.region.fates["2207"] = [Fate.BROKEN]
        claim_id = await office.settle()
        assert await office.state(claim_id) is ClaimState.REVIEW
        await office.morning()
        claim = await office.stage.stored(claim_id)
        assert (claim.state, claim.attention) == (ClaimState.REVIEW, Attention.DECIDE)
        with pytest.raises(Refused):
            await office.stage.process.read_again(Decision(claim_id, "operator-1", "重读"))
        await office.stage.process.take_back(Decision(claim_id, "operator-1", "金额有误"))
        await office.pursue(claim_id)
        assert office.region.state.cancels == [claim.region_settlement_id]
        await office.morning()
        claim = await office.stage.stored(claim_id)
        assert claim.state is ClaimState.VOIDED
        assert not claim.posted_entry_id

    office(site, story)


def test_a_lost_cancellation_of_a_review_is_followed_by_its_msgid_not_by_a_second_one(
    site: Site,
) -> None:
    async def story(office: Office) -> None:
        office.region.fates["2207"] = [Fate.BROKEN]
        claim_id = await office.settle()
        await office.stage.process.take_back(Decision(claim_id, "operator-1", "金额有误"))
        office.region.fates["2208"] = [Fate.LOST]
        claim = await office.pursue(claim_id)
        assert [m.transaction for m in claim.messages[-2:]] == ["2208", "2601"]
        await office.morning()
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


def test_an_answer_that_is_understood_by_now_is_read_again_and_posted(site: Site) -> None:
    async def story(office: Office) -> None:
        office.region.fates["2207"] = [Fate.UNKNOWN_CODE]
        claim_id = await office.settle()
        claim = await office.stage.stored(claim_id)
        assert claim.state is ClaimState.REVIEW
        whole = office.region.state.answered[claim.pivot_msgid]
        unread = replace(whole, broken=("UNKNOWN_CODE insutype=399",))
        office.region.state.answered[claim.pivot_msgid] = unread
        decision = Decision(claim_id, "operator-1", "已补充字典对照")
        with pytest.raises(Refused) as refused:
            await office.stage.process.read_again(decision)
        assert "UNKNOWN_CODE insutype=399" in refused.value.zh
        assert await office.state(claim_id) is ClaimState.REVIEW
        office.region.state.answered[claim.pivot_msgid] = whole
        claim = await office.stage.process.read_again(decision)
        assert claim.state is ClaimState.SETTLED
        assert claim.posted_entry_id
        assert claim.broken == ()
        assert office.leaf(claim_id)["decided"]["reason"] == "已补充字典对照"

    office(site, story)


def test_a_statement_that_contradicts_itself_is_a_persons(site: Site) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.lost()
        await office.pursue(claim_id)
        office.region.twice = True
        await office.morning()
        claim = await office.stage.stored(claim_id)
        assert claim.state is ClaimState.REVERSAL_SENT
        assert claim.attention is Attention.AMBIGUOUS
        assert "经办人员" in advice(claim)
        assert await office.morning() == 0
        office.region.twice = False
        await office.stage.process.take_back(Decision(claim_id, "operator-1", "已核实"))
        await office.pursue(claim_id)
        await office.morning()
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


def test_a_verified_yes_that_the_statement_lacks_is_a_persons_and_no_void_claim(site: Site) -> None:
    async def story(office: Office) -> None:
        office.region.fates["2207"] = [Fate.UNKNOWN_CODE]
        claim_id = await office.settle()
        office.region.blind = True
        assert await office.morning() == 1
        claim = await office.stage.stored(claim_id)
        assert (claim.state, claim.attention) == (ClaimState.REVIEW, Attention.AMBIGUOUS)
        assert claim.found is not None
        office.region.blind = False
        await office.stage.process.take_back(Decision(claim_id, "operator-1", "已核实"))
        await office.pursue(claim_id)
        await office.morning()
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


def test_a_cancellation_that_nobody_here_can_decide_is_asked_about_until_it_is_corrected(
    site: Site,
) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.settle()
        office.region.fates["2208"] = [Fate.REPLY_LOST]
        await office.stage.reverse(claim_id, "v1")
        office.region.twice = True
        assert await office.morning() == 1
        told = await office.stage.stored(claim_id)
        assert (told.state, told.attention) == (
            ClaimState.REVERSAL_UNKNOWN, Attention.AMBIGUOUS,
        )  # fmt: skip
        assert await office.morning() == 0
        again = await office.stage.stored(claim_id)
        assert (again.updated_at, again.attention) == (told.updated_at, Attention.AMBIGUOUS)
        office.region.twice = False
        assert await office.morning(days=2) == 1
        assert await office.state(claim_id) is ClaimState.REVERSED

    office(site, story)


def test_a_claim_that_moved_while_its_statement_was_asked_for_is_left_alone(site: Site) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.lost()
        read = await office.stage.stored(claim_id)
        office.region.meanwhile = lambda: office.stage.process.resolve(read)
        assert await office.morning() == 0
        claim = await office.stage.stored(claim_id)
        assert (claim.state, claim.found) == (ClaimState.REVERSAL_SENT, None)
        office.region.meanwhile = nothing
        await office.stage.process.reconcile.put_off([read])
        assert await office.stage.stored(claim_id) == claim
        assert await office.morning() == 1
        assert await office.state(claim_id) is ClaimState.VOIDED

    office(site, story)


def test_a_decision_needs_a_reason_and_something_to_decide(site: Site) -> None:
    async def story(office: Office) -> None:
        claim_id = await office.settle()
        for act in (office.stage.process.take_back, office.stage.process.read_again):
            with pytest.raises(Refused):
                await act(Decision(claim_id, "operator-1", "试一下"))
            with pytest.raises(Malformed):
                await act(Decision(claim_id, "operator-1", ""))
            with pytest.raises(Malformed):
                await act(Decision(claim_id, "", "试一下"))
            with pytest.raises(NotFound):
                await act(Decision("clm_none", "operator-1", "试一下"))
        assert await office.state(claim_id) is ClaimState.SETTLED

    office(site, story)
