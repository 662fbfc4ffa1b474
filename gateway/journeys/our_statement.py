"""对账明细(我方): our own rows of one statement, and their sums, as 3201 and 3202 want them.

Pure. By the centre's 结算时间; a settlement without one is placed by our own time and counted as
undated. Settlements whose fund pays nothing and reversals are in. Claims that wait for the
statement are not: what the centre alone has is what it tells about them. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.breakdown import Breakdown
from gateway.domain.business_day import business_day
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.region import pooling_region_of
from gateway.domain.visit import Scheme
from gateway.journeys.statement_span import Question, StatementRules
from gateway.ports import OurRow, StatementKey, StatementTotals

_POSTED = (
    ClaimState.SETTLED,
    ClaimState.REVERSING,
    ClaimState.REVERSAL_UNKNOWN,
    ClaimState.REVERSED,
)


@dataclass(frozen=True, slots=True)
class _Line:
    scheme: Scheme
    row: OurRow
    cash_fen: int
    dated: bool
    grouped: bool
    """The region itself has named its clearing type and office."""


@dataclass(frozen=True, slots=True)
class OurStatement:
    """What we hold of one clearing type and office in one span."""

    question: Question
    key: tuple[str, str]
    rules: StatementRules
    lines: tuple[_Line, ...]

    @property
    def rows(self) -> tuple[OurRow, ...]:
        """Of every scheme."""
        return tuple(line.row for line in self.lines)

    @property
    def undated(self) -> int:
        """Rows that were placed by our own time."""
        return sum(1 for line in self.lines if not line.dated)

    @property
    def placed(self) -> frozenset[str]:
        """Settlement ids of which the region itself has said that they belong here."""
        return frozenset(
            line.row.settlement_id for line in self.lines if line.dated and line.grouped
        )

    def totals(self, scheme: Scheme | None) -> StatementTotals:
        """Of one scheme, or of all (None: 3202 has no 险种)."""
        lines = [line for line in self.lines if scheme in (None, line.scheme)]
        span, (kind, office) = self.question.span, self.key
        code = "" if scheme is None else self.rules.scheme_codes[scheme]
        return StatementTotals(
            key=StatementKey(code, kind, office, span.first, span.last),
            total_fen=sum(line.row.total_fen for line in lines),
            fund_fen=sum(line.row.fund_fen for line in lines),
            account_fen=sum(line.row.account_fen for line in lines),
            cash_fen=sum(line.cash_fen for line in lines),
            count=sum(1 for line in lines if self.rules.refunds_count or not line.row.refund),
            refund=None,
        )


def our_statement(
    claims: Iterable[ClaimRecord], question: Question, key: tuple[str, str], rules: StatementRules
) -> OurStatement:
    """`claims` may hold others too: only what belongs to the question and the key is taken."""
    span = question.span
    lines = [
        line
        for claim in claims
        if _key(claim, rules) == (question.institution, question.pooling_region, *key)
        for at, line in _lines(claim)
        if span.first <= business_day(at) <= span.last
    ]
    return OurStatement(question, key, rules, tuple(lines))


def groups_named(
    settled: Iterable[ClaimRecord], question: Question, claims: Iterable[ClaimRecord]
) -> tuple[tuple[str, str], ...]:
    """Groups that no setting names and that the region has named for others of these days.

    `claims` have the question; what was answered is in the group of its answer and in no other.
    """
    kinds = {claim.visit_kind for claim in claims if not _grouped(claim)}
    named = {
        (claim.clearing_type_code, claim.clearing_office)
        for claim in settled
        if _grouped(claim)
        and claim.visit_kind in kinds
        and claim.institution_code == question.institution
        and pooling_region_of(claim.insured_region) == question.pooling_region
    }
    return tuple(sorted(named.difference(question.keys)))


def _grouped(claim: ClaimRecord) -> bool:
    return bool(claim.clearing_type_code and claim.clearing_office)


def _key(claim: ClaimRecord, rules: StatementRules) -> tuple[str, str, str, str]:
    pool = pooling_region_of(claim.insured_region)
    kind = claim.clearing_type_code or rules.clearing_types[claim.visit_kind][0]
    return claim.institution_code, pool, kind, claim.clearing_office or pool


def _lines(claim: ClaimRecord) -> Iterator[tuple[datetime, _Line]]:
    settled = claim.settled
    if settled is None or claim.state not in _POSTED:
        return
    at, grouped = claim.region_settled_at, _grouped(claim)
    row = _row(claim, claim.region_settlement_id, settled, refund=False)
    line = _Line(claim.scheme, row, settled.cash_fen, at is not None, grouped)
    yield at or claim.created_at, line
    if claim.state is ClaimState.REVERSED:
        at = claim.reversal_settled_at
        number = claim.reversal_settlement_id or claim.region_settlement_id
        row = _row(claim, number, settled.negated(), refund=True)
        line = _Line(claim.scheme, row, -settled.cash_fen, at is not None, grouped)
        yield at or claim.updated_at, line


def _row(claim: ClaimRecord, number: str, amounts: Breakdown, *, refund: bool) -> OurRow:
    return OurRow(
        settlement_id=number,
        visit_id=claim.region_visit_id,
        person_no=claim.person_no,
        total_fen=amounts.total_fen,
        fund_fen=amounts.fund_total_fen,
        account_fen=amounts.account_fen,
        refund=refund,
    )
