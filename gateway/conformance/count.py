"""有效结算数: how many settlements of one visit a platform holds, by its own words.

A settlement counts one, what takes it back counts minus one; so 0 is "nothing took effect", 1 is
"once", 2 is somebody's money paid twice, and -1 is money given back twice. Two sources: the
platform's statement (3201/3202), which every platform has, and the stand-in's state, which only a
stand-in shows. Not here: what the number should be (the rules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeGuard

from gateway.conformance.answers import said
from gateway.conformance.rule import Broken, NotRun
from gateway.domain.business_day import business_day
from gateway.domain.visit import Attendance
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    OurRow,
    RegionGateway,
    RegionSettlement,
    StatementKey,
    StatementOrder,
    StatementRow,
    StatementTotals,
    StatementVerdict,
)

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Visited:
    """One visit of a trial, or several, as far as counting needs them."""

    visit_ids: frozenset[str]
    msgids: frozenset[str]
    """Every message that may have settled it, cancelled it or reversed it."""
    inpatient: bool


class Count(Protocol):
    """One way of asking a platform."""

    async def effective(self, visited: Visited) -> int:
        """Raises NotRun where the platform cannot say, Broken where it says nonsense."""


class StateCount:
    """By the stand-in's own state."""

    def __init__(self, state: Callable[[], Document]) -> None:
        self._state = state

    async def effective(self, visited: Visited) -> int:
        rows = self._state().get("settlements")
        if not isinstance(rows, Sequence):
            raise NotRun("仿真平台没有给出结算记录")
        found = [r for r in rows if _is_of(r, visited.visit_ids)]
        return sum(_sign(row) for row in found)


def _sign(row: Document) -> int:
    # By the amounts, not by what a row cancels: what takes a cancellation back is positive again.
    amounts = row.get("amounts")
    total = amounts.get("total_fen") if isinstance(amounts, Mapping) else None
    if not isinstance(total, int):
        raise NotRun("仿真平台没有给出结算金额")
    return -1 if total < 0 else 1


def _is_of(row: object, visit_ids: frozenset[str]) -> TypeGuard[Document]:
    return isinstance(row, Mapping) and not visit_ids.isdisjoint(map(str, row.values()))


class StatementCount:
    """By 3202: an empty file goes up, so each row of the centre comes back with its msgid."""

    def __init__(
        self,
        region: RegionGateway,
        context: Callable[[], CallContext],
        keys: dict[bool, StatementKey],
    ) -> None:
        """`keys` outlive this: inpatient or not → key, as learned from settlements."""
        self._region = region
        self._context = context
        self._keys = keys

    def learn(self, settled: RegionSettlement, att: Attendance, now: datetime) -> None:
        """Clearing type and office as the platform itself writes them."""
        day = business_day(settled.settled_at or now)
        self._keys[att.visit.kind.is_inpatient] = StatementKey(
            att.insurance.scheme_code,
            settled.clearing_type_code,
            settled.clearing_office,
            day,
            day,
        )

    def knows(self, *, inpatient: bool) -> bool:
        return inpatient in self._keys

    def key(self, *, inpatient: bool) -> StatementKey:
        """Raises NotRun before anything was settled."""
        key = self._keys.get(inpatient)
        if key is None:
            raise NotRun("尚无一笔成功的结算,不知道清算类别与经办机构")
        return key

    async def effective(self, visited: Visited) -> int:
        rows = await self.rows(self.key(inpatient=visited.inpatient))
        ours = [row for row in rows if row.msgid in visited.msgids]
        return sum(-1 if row.refund else 1 for row in ours)

    async def rows(
        self, key: StatementKey, ours: tuple[OurRow, ...] = ()
    ) -> tuple[StatementRow, ...]:
        """The centre's result against `ours`; with none, everything that the centre has."""
        msgids = (self._context().msgid, self._context().msgid, self._context().msgid)
        totals = totals_of(replace(key, scheme_code=""), ours)
        order = StatementOrder(totals, ours, msgids)
        return _rows(await self._region.statement_detail(self._context(), order))

    async def verdict(self, totals: StatementTotals) -> StatementVerdict:
        """3201. Raises Broken without a readable yes or no."""
        answer = await self._region.statement_totals(self._context(), totals)
        if isinstance(answer, Accepted):
            return answer.value
        raise Broken(f"对总账(3201)没有得到结果:{said(answer)}")


def totals_of(key: StatementKey, ours: tuple[OurRow, ...]) -> StatementTotals:
    """Sums over rows; what neither fund nor account paid was paid in cash."""
    total, fund, account = (
        sum(row.total_fen for row in ours),
        sum(row.fund_fen for row in ours),
        sum(row.account_fen for row in ours),
    )
    return StatementTotals(
        key, total, fund, account, total - fund - account, len(ours), refund=None
    )


def _rows(answer: Answer[tuple[StatementRow, ...]]) -> tuple[StatementRow, ...]:
    if isinstance(answer, Accepted):
        return answer.value
    raise Broken(f"对账明细(3202)没有得到结果:{said(answer)}")
