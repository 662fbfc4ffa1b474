"""A scripted platform: a ports.RegionGateway with a state of its own, as bad as it may be.

Each call's fate is drawn from the seed: lost before or after its effect, refused, not delivered,
taking effect long after we gave up, answered after its time, answered with amounts that do not add
up. What has been sent takes effect whether or not its sender still lives. It does not know charging
batches: keeping them to one settlement each is ours. Its statements are honest, by its own clock.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.domain.accumulators import Accumulators
from gateway.domain.bill import BillLine, VisitKind
from gateway.domain.breakdown import Breakdown, Fund
from gateway.domain.business_day import SHANGHAI
from gateway.domain.dictionary import DictionaryRow
from gateway.domain.region import pooling_region_of
from gateway.domain.visit import (
    Attendance,
    Insurance,
    Patient,
    PersonFound,
    PersonKind,
    Scheme,
)
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    CancelOrder,
    Declined,
    Exchange,
    KeptAnswer,
    NoAnswer,
    NotDelivered,
    PlannedCall,
    RegionGateway,
    RegionLine,
    RegionSettlement,
    ReversalOrder,
    SettlementQuery,
    SettlementRecord,
    StatementOrder,
    StatementResult,
    StatementRow,
    StatementTotals,
    StatementVerdict,
    Verb,
    VisitedRow,
)
from tests.simulation.virtual_time import SimClock, passes


class Fate(StrEnum):
    """What becomes of one call."""

    FINE = "fine"
    LOST = "lost"
    """It never arrives."""
    REPLY_LOST = "reply_lost"
    ARRIVES_LATE = "arrives_late"
    """We have long given up when it takes effect."""
    ANSWERED_LATE = "answered_late"
    """Yes, but after its time: our process was paused."""
    REFUSED = "refused"
    NOT_DELIVERED = "not_delivered"
    BROKEN = "broken"
    """A yes with amounts that do not add up (settle), or that are no exact negative (cancel)."""
    DEFECT = "defect"
    """It takes effect, and our own adapter raises what it never should."""
    IDLE = "idle"
    """Yes, it says, and does nothing."""
    UNKNOWN_CODE = "unknown_code"
    """A yes with a code that decides where money is posted and that our dictionary lacks."""


_ASKING = {Fate.FINE: 60, Fate.LOST: 2, Fate.REFUSED: 1, Fate.NOT_DELIVERED: 2}
_REGISTERING = _ASKING | {Fate.REPLY_LOST: 4, Fate.ARRIVES_LATE: 2, Fate.ANSWERED_LATE: 2}
_MOVING = {
    Fate.FINE: 50, Fate.LOST: 4, Fate.REPLY_LOST: 6, Fate.ARRIVES_LATE: 5, Fate.ANSWERED_LATE: 5,
    Fate.REFUSED: 4, Fate.NOT_DELIVERED: 2, Fate.BROKEN: 2, Fate.DEFECT: 1,
}  # fmt: skip


_SETTLING = _MOVING | {Fate.UNKNOWN_CODE: 2}
_REVERSING = _MOVING | {Fate.IDLE: 8}
_CANCELLING = _MOVING | {Fate.FINE: 20, Fate.REFUSED: 20, Fate.NOT_DELIVERED: 6}


@dataclass(slots=True)
class AtRegion:
    """One settlement as the region has it."""

    msgid: str
    breakdown: Breakdown
    key: tuple[str, str]
    """清算类别 and 清算经办机构."""
    standing: str = "effective"
    """effective | cancelled | reversed"""


@dataclass(frozen=True, slots=True)
class Booked:
    """One row of the region's books: a settlement, or what takes one back."""

    msgid: str
    settlement_id: str
    visit_id: str
    person_no: str
    institution: str
    key: tuple[str, str]
    at: datetime
    breakdown: Breakdown
    refund: bool


@dataclass(slots=True)
class RegionState:
    """What the region knows, and what we watch it for."""

    settlements: dict[str, AtRegion] = field(default_factory=dict)
    booked: list[Booked] = field(default_factory=list)
    """Added to, never edited: what its statements are made of."""
    msgids: list[str] = field(default_factory=list)
    """Every message that left us, of any kind."""
    yes: dict[str, str] = field(default_factory=dict)
    """msgid → settlement id, of every yes that somebody lived to read."""
    cancels: list[str] = field(default_factory=list)
    """Settlement ids that we asked to cancel, once a message."""
    answered: dict[str, RegionSettlement] = field(default_factory=dict)
    """msgid → the yes to a settlement, as whoever knows every code reads it."""
    told: defaultdict[tuple[str, bool], list[VisitedRow]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(settlement_no, negative) → every row that told of it."""
    reversed_msgids: list[str] = field(default_factory=list)
    """Originals that a 2601 named and got an answer for, a yes or a no."""
    never: set[str] = field(default_factory=set)
    """msgids that were reversed before they arrived."""


class ScriptedRegion(RegionGateway):
    """One platform for everybody."""

    def __init__(self, rng: random.Random, clock: SimClock) -> None:
        self.state = RegionState()
        self.healthy = False
        self._rng, self._clock = rng, clock
        self._remembers = rng.random() < 0.5
        """Whether a 2601 stops an original that arrives after it: not stated anywhere."""
        self._forgets = rng.random() < 0.3
        """Whether a 2601 takes the row out of the books instead of adding a negative: likewise."""
        self._unready = rng.random() < 0.3
        """On bad days its detail is empty where it was not made yet; its totals are right."""
        self._skew = timedelta(seconds=rng.uniform(-300.0, 300.0))
        self._dated, self._classed = rng.random() < 0.7, rng.random() < 0.7
        """Whether its answers give 结算时间, and 清算类别 with its office."""

    # --- the port -------------------------------------------------------------------------------

    def plan(self, kind: VisitKind, line_count: int) -> tuple[PlannedCall, ...]:
        if kind.is_inpatient:
            verbs = (Verb.REGISTER, Verb.UPLOAD_LINES, Verb.DISCHARGE, Verb.SETTLE)
        else:
            verbs = (Verb.REGISTER, Verb.DESCRIBE, Verb.UPLOAD_LINES, Verb.SETTLE)
        return tuple(PlannedCall(v, self.transaction(v, kind), 0, line_count) for v in verbs)

    def transaction(self, verb: Verb, kind: VisitKind) -> str:
        return {
            Verb.REGISTER: "2201", Verb.DESCRIBE: "2203", Verb.UPLOAD_LINES: "2204",
            Verb.DISCHARGE: "2402", Verb.SETTLE: "2207", Verb.CANCEL: "2208", Verb.REVERSE: "2601",
        }[verb]  # fmt: skip

    async def find_person(self, ctx: CallContext, patient: Patient) -> Answer[PersonFound]:
        insurance = Insurance(
            Scheme.EMPLOYEE, "310", PersonKind.ACTIVE, "11", ctx.insured_region, True, 100_000
        )
        person = PersonFound("P1", patient.id_number, patient.name, None, (insurance,))
        return await self._call(ctx, "1101", _ASKING, lambda _: person)

    async def accumulators(
        self, ctx: CallContext, person: PersonFound, insurance: Insurance, day: date
    ) -> Answer[Accumulators]:
        return await self._call(ctx, "5206", _ASKING, lambda _: Accumulators())

    async def dictionary(
        self, ctx: CallContext, kind: str, day: date
    ) -> Answer[tuple[DictionaryRow, ...]]:
        return await self._call(ctx, "1901", _ASKING, lambda _: ())

    async def register(self, ctx: CallContext, att: Attendance) -> Answer[str]:
        return await self._call(ctx, "2201", _REGISTERING, lambda _: f"V{ctx.msgid}")

    async def describe(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        return await self._call(ctx, "2203", _ASKING, lambda _: None)

    async def upload_lines(
        self, ctx: CallContext, att: Attendance, lines: tuple[BillLine, ...]
    ) -> Answer[tuple[RegionLine, ...]]:
        return await self._call(ctx, "2204", _ASKING, lambda _: ())

    async def discharge(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        return await self._call(ctx, "2402", _ASKING, lambda _: None)

    async def predetermine(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        raise NotImplementedError("no estimate is asked for here")

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        return await self._call(ctx, "2207", _SETTLING, lambda fate: self._settle(ctx, att, fate))

    async def cancel(self, ctx: CallContext, order: CancelOrder) -> Answer[RegionSettlement]:
        self.state.cancels.append(order.settlement_id)
        return await self._call(
            ctx, "2208", _CANCELLING, lambda fate: self._cancel(ctx, order, fate)
        )

    async def reverse(self, ctx: CallContext, order: ReversalOrder) -> Answer[None]:
        answer = await self._call(
            ctx, "2601", _REVERSING, lambda fate: self._reverse(ctx, order, fate)
        )
        if isinstance(answer, Accepted | Declined):
            self.state.reversed_msgids.append(order.original_msgid)
        return answer

    async def tell_visited(self, ctx: CallContext, row: VisitedRow) -> Answer[None]:
        return await self._call(ctx, "3260", _MOVING, lambda _: self._tell(row))

    async def statement_totals(
        self, ctx: CallContext, totals: StatementTotals
    ) -> Answer[StatementVerdict]:
        return await self._call(ctx, "3201", _ASKING, lambda _: self._verdict(ctx, totals))

    async def statement_detail(
        self, ctx: CallContext, order: StatementOrder
    ) -> Answer[tuple[StatementRow, ...]]:
        return await self._call(ctx, "9102", _ASKING, lambda _: self._detail(ctx, order))

    async def settlement_record(
        self, ctx: CallContext, query: SettlementQuery
    ) -> Answer[SettlementRecord]:
        return await self._call(ctx, "5203", _ASKING, lambda _: self._record(query))

    def read_again(self, kept: KeptAnswer) -> Answer[RegionSettlement]:
        """As the profile of today reads it: it knows every code by now."""
        return Accepted(self.state.answered[kept.msgid], kept.exchange)

    def health(self) -> str:
        return "closed"

    # --- what takes effect ----------------------------------------------------------------------

    def _settle(self, ctx: CallContext, att: Attendance, fate: Fate) -> RegionSettlement | str:
        if ctx.msgid in self.state.never:
            return "reversed before it came"
        total = att.bill.total_fen
        fund, account = att.in_scope_fen * 7 // 10, 100
        breakdown = Breakdown(
            total_fen=total, own_pay_fen=att.own_pay_fen, over_limit_fen=att.over_limit_fen,
            pre_self_pay_fen=att.pre_self_pay_fen, in_scope_fen=att.in_scope_fen, deductible_fen=0,
            funds=((Fund.POOLED, fund),), account_fen=account, family_account_fen=0,
            cash_fen=total - fund - account + (1 if fate is Fate.BROKEN else 0),
        )  # fmt: skip
        settlement_id = f"S{len(self.state.settlements):04d}"
        found = AtRegion(ctx.msgid, breakdown, _key(ctx, att.visit.kind))
        self.state.settlements[settlement_id] = found
        person = att.person.person_no
        self._book(ctx, found, settlement_id, att.region_visit_id, person, breakdown)
        answer = self._answer(found, settlement_id, att.region_visit_id, breakdown)
        self.state.answered[ctx.msgid] = answer
        if fate is Fate.UNKNOWN_CODE:
            return replace(answer, broken=("UNKNOWN_CODE insutype=399",))
        return answer

    def _cancel(self, ctx: CallContext, order: CancelOrder, fate: Fate) -> RegionSettlement | str:
        found = self.state.settlements.get(order.settlement_id)
        if found is None or found.standing != "effective":
            return "nothing to cancel"
        found.standing = "cancelled"
        self._take_back(ctx, found)
        negative = found.breakdown.negated()
        if fate is Fate.BROKEN:
            negative = replace(negative, cash_fen=negative.cash_fen - 1)
        # A null here is not a 0 (I8): it says nothing of the deductible.
        return replace(
            self._answer(found, f"{order.settlement_id}C", order.visit_id, negative),
            not_given=("deductible_fen",),
        )

    def _reverse(self, ctx: CallContext, order: ReversalOrder, fate: Fate) -> None:
        if fate is Fate.IDLE:
            return
        for found in self.state.settlements.values():
            if found.msgid == order.original_msgid and found.standing == "effective":
                found.standing = "reversed"
                if self._forgets:
                    self.state.booked = [r for r in self.state.booked if r.msgid != found.msgid]
                else:
                    self._take_back(ctx, found)
                return
        if self._remembers:
            self.state.never.add(order.original_msgid)

    def _tell(self, row: VisitedRow) -> None:
        self.state.told[row.settlement_no, row.total_fen < 0].append(row)

    # --- its statements -------------------------------------------------------------------------

    def _book(
        self, ctx: CallContext, found: AtRegion, settlement_id: str, visit_id: str, person_no: str,
        what: Breakdown,
    ) -> None:  # fmt: skip
        self.state.booked.append(
            Booked(
                ctx.msgid, settlement_id, visit_id, person_no, ctx.institution.code, found.key,
                self._now(), what, refund=what.total_fen < 0,
            )
        )  # fmt: skip

    def _now(self) -> datetime:
        return self._clock.now() + self._skew

    def _take_back(self, ctx: CallContext, found: AtRegion) -> None:
        """The negative row, under an id of its own and the msgid of what made it."""
        was = next(row for row in self.state.booked if row.msgid == found.msgid)
        negative = found.breakdown.negated()
        self._book(ctx, found, f"{was.settlement_id}C", was.visit_id, was.person_no, negative)

    def _of(self, ctx: CallContext, totals: StatementTotals) -> list[Booked]:
        """By the day on which it took effect here; this region has one scheme."""
        key = (totals.key.clearing_type, totals.key.clearing_office)
        return [
            row
            for row in self.state.booked
            if row.institution == ctx.institution.code
            and row.key == key
            and totals.key.first_day <= row.at.astimezone(SHANGHAI).date() <= totals.key.last_day
            and totals.refund in (None, row.refund)
        ]

    def _record(self, query: SettlementQuery) -> SettlementRecord | str:
        for row in self.state.booked:
            if row.settlement_id == query.settlement_id:
                what = row.breakdown
                return SettlementRecord(
                    row.settlement_id, row.visit_id, row.person_no, row.msgid, row.at, row.refund,
                    "", "", "", what.total_fen, what.fund_total_fen, what.account_fen,
                    what.cash_fen,
                )  # fmt: skip
        return "no such settlement"

    def _verdict(self, ctx: CallContext, totals: StatementTotals) -> StatementVerdict:
        amounts = [row.breakdown for row in self._of(ctx, totals)]
        balanced = (totals.total_fen, totals.fund_fen, totals.account_fen) == (
            sum(amount.total_fen for amount in amounts),
            sum(amount.fund_total_fen for amount in amounts),
            sum(amount.account_fen for amount in amounts),
        )
        return StatementVerdict(balanced, "0" if balanced else "1", "平" if balanced else "不平")

    def _detail(self, ctx: CallContext, order: StatementOrder) -> tuple[StatementRow, ...]:
        """Differences only. A row that only the region has comes without its ids."""
        if self._unready and not self.healthy and self._rng.random() < 0.5:
            return ()
        ours = {row.settlement_id: row for row in order.rows}
        found: list[StatementRow] = []
        for row in self._of(ctx, order.totals):
            amounts = (
                row.breakdown.total_fen, row.breakdown.fund_total_fen, row.breakdown.account_fen
            )  # fmt: skip
            told = ours.pop(row.settlement_id, None)
            if told is None:
                found.append(
                    StatementRow(
                        row.msgid, "", "", row.person_no, "1", row.refund, "", *amounts,
                        StatementResult.CENTRE_MORE,
                    )
                )  # fmt: skip
            elif (told.total_fen, told.fund_fen, told.account_fen) != amounts:
                found.append(
                    StatementRow(
                        row.msgid, row.settlement_id, row.visit_id, row.person_no, "3", row.refund,
                        "", *amounts, StatementResult.DIFFER,
                    )
                )  # fmt: skip
        found += [
            StatementRow(
                "", row.settlement_id, row.visit_id, row.person_no, "2", row.refund, "",
                row.total_fen, row.fund_fen, row.account_fen, StatementResult.OURS_MORE,
            )
            for row in ours.values()
        ]  # fmt: skip
        return tuple(found)

    def _answer(
        self, found: AtRegion, settlement_id: str, visit_id: str, amounts: Breakdown
    ) -> RegionSettlement:
        at = self._now() if self._dated else None
        kind, office = found.key if self._classed and amounts.total_fen > 0 else ("", "")
        return RegionSettlement(settlement_id, visit_id, amounts, at, kind, office)

    # --- how it fares ---------------------------------------------------------------------------

    async def _call(
        self,
        ctx: CallContext,
        number: str,
        fates: dict[Fate, int],
        effect: Callable[[Fate], Any],
    ) -> Answer[Any]:
        self.state.msgids.append(ctx.msgid)
        exchange = Exchange(number, b"{}", b"{}")
        if ctx.timeout_s <= 0:
            return NotDelivered("no_time_left", exchange)
        fate = self._fate(fates)
        way = self._rng.uniform(0.01, 0.3)
        if fate is Fate.NOT_DELIVERED:
            await passes(min(way, ctx.timeout_s))
            return NotDelivered("connection_refused", exchange)
        if fate is Fate.REFUSED:
            await passes(min(way, ctx.timeout_s))
            return Declined("-1", "拒付", exchange)
        if fate is Fate.ARRIVES_LATE:
            way = ctx.timeout_s + self._rng.uniform(0.1, 90.0)
        done: list[Any] = []
        if fate is not Fate.LOST:
            # A timer of the world's: it goes off whether or not the caller still lives.
            asyncio.get_running_loop().call_later(way, lambda: done.append(effect(fate)))
        return await self._reply(ctx, fate, way, done, exchange)

    async def _reply(
        self, ctx: CallContext, fate: Fate, way: float, done: list[Any], exchange: Exchange
    ) -> Answer[Any]:
        if fate is Fate.ANSWERED_LATE:
            way = ctx.timeout_s + self._rng.uniform(0.1, 60.0)
        elif way + 0.01 >= ctx.timeout_s or fate in (Fate.LOST, Fate.REPLY_LOST):
            broken_off = self._rng.uniform(0.0, ctx.timeout_s)
            await passes(self._rng.choice((ctx.timeout_s, broken_off)))
            return NoAnswer("timeout", exchange)
        await passes(way + 0.01)
        if fate is Fate.DEFECT:
            raise RuntimeError("a defect of the adapter")
        (value,) = done
        if isinstance(value, str) and number_refuses(exchange.transaction):
            return Declined("-1", value, exchange)
        if exchange.transaction == "2207":
            self.state.yes[ctx.msgid] = value.settlement_id
        return Accepted(value, exchange)

    def _fate(self, fates: dict[Fate, int]) -> Fate:
        if self.healthy:
            return Fate.FINE
        return self._rng.choices(list(fates), weights=list(fates.values()))[0]


def _key(ctx: CallContext, kind: VisitKind) -> tuple[str, str]:
    return "21" if kind.is_inpatient else "11", pooling_region_of(ctx.insured_region)


def number_refuses(number: str) -> bool:
    """Whether a text in place of a value is this transaction's refusal."""
    return number in ("2207", "2208", "5203")
