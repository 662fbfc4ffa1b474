"""重新读取: the kept answer of a settlement in review, read by today's profile and dictionaries.

After a mapping was added for a code that nobody knew. Nothing is sent: the yes was given and
verified when it came, and only now can it be read whole. What still does not add up stays in
review. Not for a settlement that somebody had cancelled at the region meanwhile: that one is taken
back (take_back.py), and the statement finds both rows.
"""

from __future__ import annotations

from typing import Any

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import Attention, ClaimRecord
from gateway.domain.dictionary import finding_in_clear
from gateway.domain.errors import Conflict, NotFound, Refused
from gateway.journeys.record_event import Happened, record_event
from gateway.journeys.take_back import Decision, refuse_unless
from gateway.journeys.visit_sequence import given_differences
from gateway.ports import (
    Accepted,
    Books,
    BooksReader,
    Clock,
    Exchange,
    Ids,
    KeptAnswer,
    Regions,
    RegionSettlement,
    Store,
)


class ReadAgain:
    """ReadAgain(decision) → the claim, settled."""

    def __init__(self, *, store: Store, regions: Regions, clock: Clock, ids: Ids) -> None:
        self._store, self._regions, self._clock, self._ids = store, regions, clock, ids

    async def __call__(self, decision: Decision) -> ClaimRecord:
        """Raises NotFound, Malformed without a reason, and Refused where it waits for no such
        decision, or where its answer still cannot be posted: the text says why."""
        decision.refuse_empty()
        claim, kept = await self._store.read(lambda reader: _kept(reader, decision.claim_id))
        refuse_unless(claim, allowed=may_read_again(claim) and kept.reply is not None)
        answer = KeptAnswer(
            msgid=claim.pivot_msgid,
            person_no=claim.person_no,
            visit_id=claim.region_visit_id,
            exchange=kept,
        )
        again = self._regions.of(claim.insured_region).read_again(answer)
        if not isinstance(again, Accepted):
            raise _still(claim, (str(getattr(again, "cause", "")),))
        settlement = again.value
        broken = _broken(claim, settlement)
        if broken:
            raise _still(claim, broken)
        return await self._store.write(
            lambda books: self._record(books, claim, settlement, decision)
        )

    def _record(
        self,
        books: Books,
        claim: ClaimRecord,
        settlement: RegionSettlement,
        decision: Decision,
    ) -> ClaimRecord:
        current = books.claim(claim.claim_id)
        if current is None or current.version != claim.version:
            raise Conflict("the claim moved while its answer was read again")
        happened = Happened(
            ClaimEvent.REGION_SETTLED, _changes(claim, settlement), noted=decision.noted()
        )
        return record_event(books, claim.claim_id, happened, at=self._clock.now(), ids=self._ids)


def may_read_again(claim: ClaimRecord) -> bool:
    """In review, and no statement has contradicted it."""
    return claim.state is ClaimState.REVIEW and claim.attention is not Attention.AMBIGUOUS


def _kept(reader: BooksReader, claim_id: str) -> tuple[ClaimRecord, Exchange]:
    claim = reader.claim(claim_id)
    if claim is None:
        raise NotFound("no such claim")
    kept = reader.exchange(claim.pivot_msgid)
    return claim, kept or Exchange(claim.pivot_transaction, b"", None)


def _broken(claim: ClaimRecord, settlement: RegionSettlement) -> tuple[str, ...]:
    """What keeps it from being posted: I1–I5, I7, codes that decide, another total."""
    theirs = settlement.breakdown
    broken = tuple(dict.fromkeys((*settlement.broken, *theirs.violations())))
    if theirs.total_fen != claim.computed.total_fen:
        return (*broken, "TOTAL_DIFFERS")
    return broken


def _still(claim: ClaimRecord, found: tuple[str, ...]) -> Refused:
    broken = tuple(finding_in_clear(one) for one in found)
    return Refused(
        "the kept answer still does not add up",
        reason="STILL_BROKEN",
        text_zh=f"该答复仍不能入账({'、'.join(broken)}):请补充字典对照,或改为撤回。",
        metadata={"claim_id": claim.claim_id, "broken": " ".join(broken)},
    )


def _changes(claim: ClaimRecord, settlement: RegionSettlement) -> dict[str, Any]:
    lines = tuple(row for row in claim.differences if row[0].startswith("line."))
    return {
        "settled": settlement.breakdown,
        "not_given": settlement.not_given,
        "differences": (*given_differences(claim.computed, settlement), *lines),
        "region_settlement_id": settlement.settlement_id,
        "region_settled_at": settlement.settled_at,
        "clearing_type_code": settlement.clearing_type_code,
        "clearing_office": settlement.clearing_office,
        "unknown_codes": settlement.unknown_codes,
        "broken": (),
        "work_due_at": None,
    }
