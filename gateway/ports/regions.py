"""地区平台: one province's platform, and all of them. Adapters implement these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gateway.domain.accumulators import Accumulators
from gateway.domain.bill import BillLine, VisitKind
from gateway.domain.dictionary import DictionaryRow
from gateway.domain.visit import Attendance, Insurance, Patient, PersonFound
from gateway.ports.calls import (
    Answer,
    CallContext,
    CancelOrder,
    KeptAnswer,
    PlannedCall,
    RegionLine,
    RegionSettlement,
    ReversalOrder,
    Verb,
    VisitedRow,
)
from gateway.ports.statements import (
    SettlementQuery,
    SettlementRecord,
    StatementOrder,
    StatementRow,
    StatementTotals,
    StatementVerdict,
)


class RegionGateway(Protocol):
    """One province's platform. No method raises for what the region or the network did."""

    def plan(self, kind: VisitKind, line_count: int) -> tuple[PlannedCall, ...]:
        """The messages that settle a visit, in order; the last one is the pivot."""

    def transaction(self, verb: Verb, kind: VisitKind) -> str:
        """This province's number for a verb."""

    async def find_person(self, ctx: CallContext, patient: Patient) -> Answer[PersonFound]:
        """人员基本信息 1101."""

    async def accumulators(
        self, ctx: CallContext, person: PersonFound, insurance: Insurance, day: date
    ) -> Answer[Accumulators]:
        """累计 5206 of the insurance year that holds `day`."""

    async def dictionary(
        self, ctx: CallContext, kind: str, day: date
    ) -> Answer[tuple[DictionaryRow, ...]]:
        """字典 1901: one whole dictionary as it is valid on `day`; `kind` in our spelling."""

    async def register(self, ctx: CallContext, att: Attendance) -> Answer[str]:
        """挂号 2201 / 入院 2401: answers the region's visit id."""

    async def describe(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        """就诊信息 2203 (outpatient)."""

    async def upload_lines(
        self, ctx: CallContext, att: Attendance, lines: tuple[BillLine, ...]
    ) -> Answer[tuple[RegionLine, ...]]:
        """费用明细 2204 / 2301."""

    async def discharge(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        """出院 2402."""

    async def predetermine(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        """预结算 2206 / 2303: nothing takes effect."""

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        """结算 2207 / 2304: takes effect at once."""

    async def cancel(self, ctx: CallContext, order: CancelOrder) -> Answer[RegionSettlement]:
        """结算撤销 2208 / 2305: the exact negative takes effect at once."""

    async def reverse(self, ctx: CallContext, order: ReversalOrder) -> Answer[None]:
        """冲正 2601: any answer is provisional."""

    async def tell_visited(self, ctx: CallContext, row: VisitedRow) -> Answer[None]:
        """Tell the *visited* region of a settlement (assumption; idempotent by
        settlement_no and the sign of the amounts)."""

    async def statement_totals(
        self, ctx: CallContext, totals: StatementTotals
    ) -> Answer[StatementVerdict]:
        """对总账 3201: whether the centre's sums are ours. Repeatable; nothing takes effect."""

    async def statement_detail(
        self, ctx: CallContext, order: StatementOrder
    ) -> Answer[tuple[StatementRow, ...]]:
        """对明细账: 9101 uploads our rows, 3202 compares, 9102 brings the result.

        Repeatable with new msgids; nothing takes effect. `ctx.timeout_s` holds for all three
        messages together and `ctx.msgid` is not sent. Balanced rows may or may not be in the
        result. An answer other than Accepted names its message first, e.g. `9102 timeout`;
        its exchange is that message's, that of Accepted is 9102's.
        """

    async def settlement_record(
        self, ctx: CallContext, query: SettlementQuery
    ) -> Answer[SettlementRecord]:
        """结算信息查询 5203: evidence for a person, never a source for the ledger."""

    def read_again(self, kept: KeptAnswer) -> Answer[RegionSettlement]:
        """A kept yes to a settle call, by today's profile and dictionaries. Sends nothing; NoAnswer
        where it cannot be read."""

    def health(self) -> str:
        """ "closed", "open" or "half_open": the breaker's state."""


class Regions(Protocol):
    """All provinces we serve."""

    def of(self, region: str) -> RegionGateway:
        """The platform of a region code's province. Raises Malformed if we do not serve it."""


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """What we know of our line to one province's platform."""

    province: str
    """First two digits of its area codes."""
    breaker: str
    """closed, open or half_open."""
    in_flight: int
    places: int
    """Calls that may be under way at once now: fewer while the platform comes back."""
    retries_left: int
    """Repeats that may be spent before answers earn more."""


class RegionStatuses(Protocol):
    """The platforms we are connected to, as they are at this moment; asks nobody."""

    def __call__(self) -> tuple[RegionStatus, ...]: ...
