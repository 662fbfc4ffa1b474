"""对账处理未决: what a statement of closed days says of the claims that wait for it.

3201 is asked for the record; only the detail (3202) decides, because totals can agree by chance. A
statement has no breakdown, so nothing is ever posted from it: what is absent or taken back ends,
what stands although we never read a yes is taken back, what contradicts itself is a person's. An
answer that was not got changes nothing but when it is asked for again. Not here: which claims are
due and in what order (gateway/workers/reconcile_claims.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import (
    Attention,
    ClaimRecord,
    PlannedMessage,
    Standing,
    StatementFinding,
)
from gateway.domain.errors import Conflict
from gateway.domain.visit import Institution
from gateway.journeys.our_statement import OurStatement, groups_named, our_statement
from gateway.journeys.record_event import Happened, record_event
from gateway.journeys.standing import RowsByKey, digest, standing
from gateway.journeys.statement_doubt import doubt
from gateway.journeys.statement_span import Question, Span, StatementRules
from gateway.journeys.visit_sequence import outcome_of
from gateway.ports import (
    Accepted,
    Answer,
    Books,
    CallContext,
    Clock,
    Declined,
    Exchange,
    Ids,
    MsgidSource,
    NotDelivered,
    Regions,
    StatementOrder,
    StatementRow,
    Store,
)

TOTALS_TIMEOUT_S = 20.0
DETAIL_TIMEOUT_S = 120.0
"""For upload, comparison and download together."""
EVERY = timedelta(days=1)
"""How often a statement is asked for that contradicted itself, in case the region corrects it."""
AT_ONCE = 64
"""Claims that are written at the same time: they share commits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question came to."""

    moved: int = 0
    cause: str = ""
    """Why there is no statement; empty when there is one."""
    region_is_away: bool = False
    """The cause concerns every other question to this region too."""
    undated: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class _Said:
    """One statement that was got, whole."""

    msgids: tuple[str, ...]
    rows: tuple[StatementRow, ...]
    evidence: tuple[tuple[str, str, Exchange], ...]
    """(msgid, outcome, raw bytes)."""
    centre_more: bool = False
    """3201 said, of any scheme, that the centre may have more than we."""


class ReconcileUnknown:
    """ReconcileUnknown(question, claims) asks once for many claims and moves those it decides."""

    def __init__(
        self,
        *,
        store: Store,
        regions: Regions,
        institutions: Mapping[str, Institution],
        clock: Clock,
        ids: Ids,
        msgids: MsgidSource,
        rules: StatementRules,
    ) -> None:
        self._store, self._regions, self._institutions = store, regions, institutions
        self._clock, self._ids, self._msgids, self.rules = clock, ids, msgids, rules

    async def __call__(self, question: Question, claims: Sequence[ClaimRecord]) -> Outcome:
        """`claims` all have this question, whose days are closed.

        Raises StorageUnavailable or Overloaded; whatever was not decided is still due.
        """
        institution = self._institutions.get(question.institution)
        if institution is None:
            return Outcome(cause="NOT_REGISTERED")
        span = question.span
        settled = await self._store.read(
            lambda reader: reader.claims_of_statement(
                question.institution, question.pooling_region, span.first, span.last
            )
        )
        said = _Said((), (), ())
        undated = 0
        for key in (*question.keys, *groups_named(settled, question, claims)):
            ours = our_statement(settled, question, key, self.rules)
            undated += ours.undated
            heard = await self._ask(institution, ours, claims)
            if isinstance(heard, Outcome):
                return heard
            why = doubt(ours, (*settled, *claims), heard.rows, more=heard.centre_more)
            if why:
                return Outcome(cause=f"3202 {why}")
            said = _both(said, heard)
        pool = question.pooling_region
        await self._store.write(lambda books: _keep(books, said, pool))
        moved, by_key = 0, RowsByKey(said.rows)
        for first in range(0, len(claims), AT_ONCE):
            batch = claims[first : first + AT_ONCE]
            went = (self._decide(claim, by_key.near(claim), said.msgids, span) for claim in batch)
            moved += sum(await asyncio.gather(*went))
        return Outcome(moved=moved, undated=undated)

    async def put_off(self, claims: Sequence[ClaimRecord], until: datetime | None = None) -> None:
        """Ask again later: at `until` (its days are not over), or after a pause that grows."""
        at = self._clock.now()
        for first in range(0, len(claims), AT_ONCE):
            batch = claims[first : first + AT_ONCE]
            works = [partial(self._put_off, claim, until, at) for claim in batch]
            await asyncio.gather(*(self._store.write(work) for work in works))

    # --- asking -----------------------------------------------------------------------------

    async def _ask(
        self, institution: Institution, ours: OurStatement, claims: Sequence[ClaimRecord]
    ) -> _Said | Outcome:
        gateway = self._regions.of(ours.question.pooling_region)
        evidence: list[tuple[str, str, Exchange]] = []
        centre_more = False
        for scheme in sorted({claim.scheme for claim in claims}):
            (msgid,) = await self._msgids.take(institution.code, 1)
            ctx = self._context(institution, ours, claims, msgid, TOTALS_TIMEOUT_S)
            verdict = await gateway.statement_totals(ctx, ours.totals(scheme))
            if not isinstance(verdict, Accepted | Declined):
                return _vain(verdict)
            evidence.append((msgid, outcome_of(verdict), verdict.exchange))
            centre_more |= isinstance(verdict, Accepted) and verdict.value.centre_may_have_more
        made = await self._msgids.take(institution.code, 3)
        msgids = (made[0], made[1], made[2])
        ctx = self._context(institution, ours, claims, msgids[0], DETAIL_TIMEOUT_S)
        order = StatementOrder(ours.totals(None), ours.rows, msgids)
        detail = await gateway.statement_detail(ctx, order)
        if not isinstance(detail, Accepted):
            return _vain(detail)
        evidence.append((msgids[2], outcome_of(detail), detail.exchange))
        return _Said((msgids[2],), detail.value, tuple(evidence), centre_more)

    def _context(
        self,
        institution: Institution,
        ours: OurStatement,
        claims: Sequence[ClaimRecord],
        msgid: str,
        timeout_s: float,
    ) -> CallContext:
        return CallContext(
            msgid=msgid,
            institution=institution,
            visited_region=claims[0].visited_region,
            insured_region=ours.question.pooling_region,
            sent_at=self._clock.now(),
            timeout_s=timeout_s,
        )

    # --- what follows -----------------------------------------------------------------------

    async def _decide(
        self, claim: ClaimRecord, near: Sequence[StatementRow], msgids: tuple[str, ...], span: Span
    ) -> bool:
        """Whether it moved. Another's move in between makes it another question."""

        def write(books: Books) -> bool:
            at = self._clock.now()
            _unmoved(books, claim)
            stands, rows = standing(claim, near)
            if _said_before(claim, stands, digest(rows)):
                self._put_off(claim, at + EVERY, at, books)
                return False
            event, changes = consequence(claim, stands, self.rules, at=at)
            changes["found"] = StatementFinding(
                standing=stands,
                msgids=msgids,
                first_day=span.first.isoformat(),
                last_day=span.last.isoformat(),
                digest=digest(rows),
                at=at,
            )
            record_event(books, claim.claim_id, Happened(event, changes), at=at, ids=self._ids)
            return True

        try:
            return await self._store.write(write)
        except Conflict:
            return False

    def _put_off(
        self, claim: ClaimRecord, until: datetime | None, at: datetime, books: Books
    ) -> None:
        current = books.claim(claim.claim_id)
        if current is None or current.version != claim.version:
            return
        attempts = claim.reconcile_attempts + (until is None)
        later = replace(
            claim,
            reconcile_due_at=until or at + self.rules.pause(attempts),
            reconcile_attempts=attempts,
            attention=_still_wanting(claim, attempts, self.rules),
            version=claim.version + 1,
        )
        books.update_claim(later, expected_version=claim.version)


def consequence(
    claim: ClaimRecord, stands: Standing, rules: StatementRules, *, at: datetime
) -> tuple[ClaimEvent, dict[str, Any]]:
    """What follows from what a statement says. Pure."""
    match stands, claim.state:
        case ((Standing.ABSENT | Standing.TAKEN_BACK), _):
            return ClaimEvent.FOUND_ABSENT, {"work_due_at": None}
        case Standing.AMBIGUOUS, _:
            return ClaimEvent.FOUND_AMBIGUOUS, {"attention": Attention.AMBIGUOUS}
        case _, ClaimState.REVERSAL_UNKNOWN:
            return ClaimEvent.FOUND_EFFECTIVE, {"work_due_at": None}
        case _, ClaimState.REVIEW:
            return ClaimEvent.FOUND_EFFECTIVE, {"attention": Attention.DECIDE}
    if claim.take_backs >= rules.take_backs_max:
        return ClaimEvent.FOUND_EFFECTIVE, {
            "attention": Attention.STILL_EFFECTIVE,
            "work_due_at": None,
        }
    return ClaimEvent.FOUND_EFFECTIVE, {
        "take_backs": claim.take_backs + 1,
        "reversal_answered": False,
        "reversal_attempts": 0,
        "reversal_undelivered": 0,
        "work_due_at": at,
    }


def _said_before(claim: ClaimRecord, stands: Standing, rows_digest: str) -> bool:
    """The same contradiction, which a person knows of."""
    ambiguous = stands is Standing.AMBIGUOUS and claim.attention is Attention.AMBIGUOUS
    return ambiguous and claim.found is not None and claim.found.digest == rows_digest


def _still_wanting(claim: ClaimRecord, attempts: int, rules: StatementRules) -> Attention:
    return Attention.NO_STATEMENT if attempts >= rules.attempts_max else claim.attention


def _both(said: _Said, heard: _Said) -> _Said:
    """Of one more group. A region that does not tell its groups apart says the same row in each:
    that is one row, for no settlement is in two groups."""
    known = set(said.rows)
    rows = tuple(row for row in heard.rows if row not in known)
    return _Said(said.msgids + heard.msgids, said.rows + rows, said.evidence + heard.evidence)


def _vain(answer: Answer[Any]) -> Outcome:
    """A refusal, and what our own tables would not send, concern this question alone."""
    if isinstance(answer, Declined):
        return Outcome(cause=f"refused {answer.code}")
    cause = str(getattr(answer, "cause", ""))
    ours = isinstance(answer, NotDelivered) and cause.startswith("unsendable")
    return Outcome(cause=cause, region_is_away=not ours)


def _keep(books: Books, said: _Said, region: str) -> None:
    """The statement's raw bytes, about no single claim and no single person."""
    for msgid, outcome, exchange in said.evidence:
        books.record_messages("", (PlannedMessage(msgid, exchange.transaction, region),))
        books.record_exchange(msgid, books.house_ref(), outcome, exchange)


def _unmoved(books: Books, claim: ClaimRecord) -> None:
    current = books.claim(claim.claim_id)
    if current is None or current.version != claim.version:
        raise Conflict("the claim moved while its statement was asked for")
