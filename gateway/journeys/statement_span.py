"""对账日: which closed days of the centre, and which of its statements, can decide a claim.

Pure. A statement counts by the centre's 结算时间. Where no answer told it only bounds are known: a
message takes effect after it was sent and, we assume, within a grace after we stopped waiting. What
is stated nowhere (skew, grace, hour, clearing types and offices of what was never answered) is
configuration.
Not here: what a statement then says (standing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from gateway.domain.bill import VisitKind
from gateway.domain.business_day import SHANGHAI, business_day
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import InvariantViolated
from gateway.domain.msgid import sent_at
from gateway.domain.region import pooling_region_of
from gateway.domain.visit import Scheme

_TYPES = MappingProxyType(
    {
        VisitKind.OUTPATIENT: ("11",),
        VisitKind.EMERGENCY: ("11",),
        VisitKind.INPATIENT: ("21",),
    }
)
"""clr_type 11 门诊, 21 住院: the same in both published dictionaries (HN, JX)."""
_SCHEMES = MappingProxyType({Scheme.EMPLOYEE: "310", Scheme.RESIDENT: "390"})
"""insutype 310 职工, 390 居民: the same in both published dictionaries (HN, JX)."""


APART = timedelta(days=1)
"""At most so far lies the centre's time of a settlement from ours; more is nobody's clock."""


@dataclass(frozen=True, slots=True)
class StatementRules:
    """How statements are asked for. All of it ours: the interface says none of it."""

    hour: int = 4
    """From this hour (Asia/Shanghai) of the next day on, a day's statement is asked for."""
    skew: timedelta = timedelta(minutes=10)
    """How far the centre's clock may be from ours."""
    grace: timedelta = timedelta(minutes=30)
    """How long after we stopped waiting a message may still take effect."""
    retry: timedelta = timedelta(minutes=10)
    """After a statement that was not got; doubles, up to an hour."""
    attempts_max: int = 10
    """Then a person is told; it is still asked for, once a day."""
    take_backs_max: int = 3
    """How often what stands at the region is taken back before a person has to look."""
    refunds_count: bool = True
    """Whether a refund counts in fixmedins_setl_cnt [unverified]."""
    clearing_types: Mapping[VisitKind, tuple[str, ...]] = field(default_factory=lambda: _TYPES)
    clearing_offices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """统筹区 → 清算经办机构 beside the 统筹区's own code [unverified]."""
    scheme_codes: Mapping[Scheme, str] = field(default_factory=lambda: _SCHEMES)

    def pause(self, attempts: int) -> timedelta:
        """How long after this many vain attempts the next one is due."""
        if attempts >= self.attempts_max:
            return timedelta(days=1)
        return min(self.retry * (1 << min(attempts - 1, 10)), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Span:
    """Days of the centre, inclusive."""

    first: date
    last: date

    def closes(self, hour: int) -> datetime:
        """When its statement may be asked for, in Asia/Shanghai."""
        return datetime.combine(self.last + timedelta(days=1), time(hour), SHANGHAI)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one region for one institution; claims with the same question share it."""

    institution: str
    pooling_region: str
    span: Span
    keys: tuple[tuple[str, str], ...]
    """(清算类别, 清算经办机构): only who is in none of them is absent."""


def question(claim: ClaimRecord, rules: StatementRules) -> Question:
    """What has to be asked to decide this claim."""
    pool = pooling_region_of(claim.insured_region)
    known = claim.clearing_type_code
    types = (known,) if known else tuple(rules.clearing_types[claim.visit_kind])
    own = claim.clearing_office
    offices = (own,) if own else (pool, *rules.clearing_offices.get(pool, ()))
    keys = tuple((kind, office) for kind in types for office in offices)
    return Question(claim.institution_code, pool, span(claim, rules), keys)


def span(claim: ClaimRecord, rules: StatementRules) -> Span:
    """The days in which the messages that matter for this claim may have taken effect.

    Raises InvariantViolated for a claim without a pivot.
    """
    msgids = [message.msgid for message in claim.messages]
    if claim.pivot_msgid not in msgids:
        raise InvariantViolated("a claim without a pivot has nothing to reconcile")
    pivot = msgids.index(claim.pivot_msgid)
    # A lost cancellation is decided by its own row alone, and a claim may have had several.
    first = pivot + 1 if claim.state is ClaimState.REVERSAL_UNKNOWN else pivot
    stamps = [sent_at(msgid) for msgid in msgids[first:]] or [claim.updated_at]
    ends = [*stamps, claim.attempt_deadline]
    days = [
        business_day(min(stamps) - rules.skew),
        business_day(max(ends) + rules.grace + rules.skew),
    ]
    cancelling = claim.state is ClaimState.REVERSAL_UNKNOWN
    told = claim.reversal_settled_at if cancelling else claim.region_settled_at
    if told is not None and days[0] - APART <= business_day(told) <= days[1] + APART:
        days.append(business_day(told))  # it has said itself on which day it books it
    return Span(min(days), max(days))
