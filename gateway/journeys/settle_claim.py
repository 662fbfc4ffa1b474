"""结算: settle one bill, once.

Steps, as in docs/architecture.md (the life of a claim):
(1) the same request_id with the same body gives the claim's current state; (2) price the bill,
ask the insured region who this is; (3) record the intent in one transaction: the msgids are on
disk before the first byte leaves; (4) take the visit through the region's messages: the last one
is the pivot; (5) record what became of it; (6) answer.

An exception out of here means that nothing was sent. After (3) there is always an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import ClaimRecord, PlannedMessage, Refusal
from gateway.domain.errors import (
    DeadlinePassed,
    Overloaded,
    Refused,
    RequestIdReused,
    StorageUnavailable,
)
from gateway.domain.person import mask_id, mask_name
from gateway.domain.visit import Attendance
from gateway.journeys.assess_bill import AssessBill, Assessment
from gateway.journeys.commands import SettleCommand
from gateway.journeys.fingerprint import fingerprint
from gateway.journeys.laps import Laps
from gateway.journeys.one_at_a_time import OneAtATime
from gateway.journeys.record_event import Happened, record_intent
from gateway.journeys.record_persistently import record_persistently
from gateway.journeys.visit_sequence import (
    CALL_MIN_S,
    SequenceEnd,
    VisitSequence,
    given_differences,
    line_differences,
)
from gateway.ports import (
    Accepted,
    Books,
    BooksReader,
    ClaimEncoder,
    Clock,
    Declined,
    Hasher,
    Ids,
    NoAnswer,
    Observe,
    PlannedCall,
    RegionSettlement,
    Store,
    Trouble,
)

SETTLE_MIN_S = 0.3
"""With less than this left after the look-ups nothing is recorded and nothing is sent."""
RECORD_RESERVE_S = 0.2
"""Kept of the caller's time for recording the outcome, so that a region that stays silent is told
as UNKNOWN before the caller gives up."""
WORK_GRACE = timedelta(seconds=5)
"""How long after an attempt's deadline the worker leaves it to its journey."""


@dataclass(frozen=True, slots=True)
class _Intent:
    claim: ClaimRecord
    fresh: bool


class SettleClaim:
    """SettleClaim(command, budget_s=…) → the encoded claim."""

    def __init__(
        self,
        *,
        store: Store,
        assess: AssessBill,
        clock: Clock,
        ids: Ids,
        hasher: Hasher,
        encode: ClaimEncoder,
        resolve_after: timedelta,
        observe: Observe,
        trouble: Trouble,
    ) -> None:
        self._trouble = trouble
        self._store, self._assess, self._clock, self._ids = store, assess, clock, ids
        self._hasher, self._encode, self._observe = hasher, encode, observe
        self._resolve_after = resolve_after
        self._sequence = VisitSequence(clock=clock)
        self.running = OneAtATime()

    async def __call__(self, command: SettleCommand, *, budget_s: float) -> bytes:
        """Raises DomainError only if nothing was sent; see the module's text."""
        deadline = self._clock.monotonic() + budget_s - RECORD_RESERVE_S
        request_hash = self._hasher.request_hash(fingerprint(command))
        key = (command.institution.code, command.request_id)
        answer = await self.running(
            key,
            request_hash,
            partial(self._run, command, request_hash, deadline),
            patience_s=budget_s,
            meanwhile=partial(self._as_it_stands, command, request_hash),
        )
        if answer is None:
            raise DeadlinePassed("another body under this request_id is being worked on")
        return answer

    async def _as_it_stands(self, command: SettleCommand, request_hash: str) -> bytes | None:
        try:
            return await self._find(command, request_hash)
        except (StorageUnavailable, Overloaded):
            return None  # not an answer: the run may have sent something

    async def _find(self, command: SettleCommand, request_hash: str) -> bytes | None:
        """The answer as it was stored, byte for byte, whatever encodes answers today."""
        code, request_id = command.institution.code, command.request_id

        def look(reader: BooksReader) -> bytes | None:
            claim = reader.claim_by_request(code, request_id)
            if claim is not None and claim.request_hash != request_hash:
                raise RequestIdReused(metadata={"claim_id": claim.claim_id})
            return None if claim is None else reader.answer(claim.claim_id)

        return await self._store.read(look)

    async def _run(self, command: SettleCommand, request_hash: str, deadline: float) -> bytes:
        lap = Laps(self._clock, self._observe)
        found = await self._find(command, request_hash)  # (1)
        lap("find")
        if found is not None:
            return found
        assessment = await self._assess(command, deadline=deadline, lap=lap)  # (2)
        if deadline - self._clock.monotonic() < SETTLE_MIN_S:
            raise DeadlinePassed("too little time left to settle; nothing was recorded")
        intent = await self._store.write(  # (3)
            partial(self._record_intent, command, request_hash, assessment, deadline)
        )
        lap("intent")
        if not intent.fresh:
            # Another way to the same intent was quicker, e.g. an earlier process of ours.
            return await self._find(command, request_hash) or self._encode(intent.claim)
        claim = await self._finish(intent.claim, command, assessment, deadline, lap)
        answer = self._encode(claim)  # (6)
        lap("reply")
        return answer

    async def _finish(
        self,
        claim: ClaimRecord,
        command: SettleCommand,
        assessment: Assessment,
        deadline: float,
        lap: Laps,
    ) -> ClaimRecord:
        """(4) and (5). Never raises: once something may have been sent, the caller is told what is
        on record, and the worker goes on from there."""
        try:
            end = await self._call_region(claim, command, assessment, deadline)
            lap("region")
            claim = await self._record_end(claim, assessment, end)
            lap("settle")
        except Exception as error:  # a defect of ours must not look like "nothing was sent"
            self._trouble("settle_claim", claim.claim_id, error)
        return claim

    # --- (3) intent -------------------------------------------------------------------------

    def _record_intent(
        self,
        command: SettleCommand,
        request_hash: str,
        assessment: Assessment,
        deadline: float,
        books: Books,
    ) -> _Intent:
        code = command.institution.code
        existing = books.claim_by_request(code, command.request_id)
        if existing is not None:
            return _Intent(existing, fresh=False)
        left_s = deadline - self._clock.monotonic()
        if left_s < CALL_MIN_S:  # it waited long for its turn to be written
            raise DeadlinePassed("too little time left to settle; nothing was recorded")
        self._refuse_second_settlement(books, command)
        at = self._clock.now()
        plan = _plan(command, assessment)
        msgids = books.next_msgids(code, len(plan), at)
        messages = tuple(
            PlannedMessage(msgid, call.transaction, command.insured_region)
            for msgid, call in zip(msgids, plan, strict=True)
        )
        left = timedelta(seconds=left_s)
        claim = self._new_claim(
            command,
            request_hash,
            assessment,
            messages,
            subject_ref=books.subject_ref(command.patient.id_number),
            at=at,
            attempt_deadline=at + left + WORK_GRACE,
        )
        return _Intent(record_intent(books, claim, at=at, ids=self._ids), fresh=True)

    @staticmethod
    def _refuse_second_settlement(books: Books, command: SettleCommand) -> None:
        """One charging batch is settled once; while its outcome is unknown it is held."""
        live = books.live_claims_of_batch(
            command.institution.code, command.visit.visit_no, command.bill.batch_no
        )
        if not live:
            return
        claim = live[0]
        settled = claim.state is ClaimState.SETTLED
        raise Refused(
            f"the batch is held by {claim.claim_id} ({claim.state})",
            reason="BATCH_ALREADY_SETTLED" if settled else "BATCH_HELD",
            text_zh=(
                "该收费批次已结算,不能重复结算;如需更正请先撤销原结算。"
                if settled
                else "该收费批次的上一笔结算结果尚未确定,请勿重复结算;请查询原结算的状态。"
            ),
            metadata={"claim_id": claim.claim_id, "state": claim.state.value},
        )

    def _new_claim(
        self,
        command: SettleCommand,
        request_hash: str,
        assessment: Assessment,
        messages: tuple[PlannedMessage, ...],
        **times: Any,
    ) -> ClaimRecord:
        at = times["at"]
        return ClaimRecord(
            claim_id=self._ids.claim_id(),
            request_id=command.request_id,
            request_hash=request_hash,
            state=ClaimState.RECORDED,
            version=1,
            institution_code=command.institution.code,
            visited_region=command.visited_region,
            insured_region=command.insured_region,
            visit_kind=command.visit.kind,
            visit_no=command.visit.visit_no,
            batch_no=command.bill.batch_no,
            subject_ref=times["subject_ref"],
            name_masked=mask_name(command.patient.name),
            id_number_masked=mask_id(command.patient.id_number),
            id_number=command.patient.id_number,
            scheme=assessment.scheme,
            person_no=assessment.person.person_no,
            computed=assessment.computed,
            lines=assessment.priced.lines,
            policy_rules=assessment.policy_rules,
            catalogue_version=assessment.catalogue_version,
            messages=messages,
            created_at=at,
            updated_at=at,
            attempt_deadline=times["attempt_deadline"],
            pivot_msgid=messages[-1].msgid,
            pivot_transaction=messages[-1].transaction,
            work_due_at=times["attempt_deadline"],
        )

    # --- (4) the region ----------------------------------------------------------------------

    async def _call_region(
        self,
        claim: ClaimRecord,
        command: SettleCommand,
        assessment: Assessment,
        deadline: float,
    ) -> SequenceEnd:
        attendance = Attendance(
            patient=command.patient,
            person=assessment.person,
            insurance=assessment.insurance,
            visit=command.visit,
            bill=command.bill,
            own_pay_fen=assessment.priced.own_pay_fen,
            over_limit_fen=assessment.priced.over_limit_fen,
            pre_self_pay_fen=assessment.priced.pre_self_pay_fen,
            in_scope_fen=assessment.priced.in_scope_fen,
            use_account=command.use_account,
            invoice_no=command.invoice_no,
        )
        plan = tuple(zip(_plan(command, assessment), claim.messages, strict=True))
        return await self._sequence.run(
            assessment.gateway,
            plan,
            attendance,
            institution=command.institution,
            visited_region=command.visited_region,
            insured_region=command.insured_region,
            deadline=deadline,
        )

    # --- (5) the outcome ---------------------------------------------------------------------

    async def _record_end(
        self, claim: ClaimRecord, assessment: Assessment, end: SequenceEnd
    ) -> ClaimRecord:
        """Write what became of it. If our database cannot take it, the claim stays RECORDED: the
        worker will treat it as unknown, and the caller is told what is on record."""
        happened = self._happened(assessment, end)
        recorded = await record_persistently(
            self._store, claim.claim_id, happened, clock=self._clock, ids=self._ids
        )
        return recorded or claim

    def _happened(self, assessment: Assessment, end: SequenceEnd) -> Happened:
        changes: dict[str, Any] = {
            "region_visit_id": end.attendance.region_visit_id,
            "work_due_at": None,
        }
        answer = end.answer
        if isinstance(answer, Accepted) and end.at_pivot:
            event = self._settled(assessment, end, answer.value, changes)
        elif isinstance(answer, Declined):
            event = ClaimEvent.REGION_REFUSED
            changes["refusal"] = Refusal("region", "REGION_REFUSED", answer.code, answer.text)
        elif isinstance(answer, NoAnswer) and end.at_pivot:
            event = ClaimEvent.NO_ANSWER
            changes["work_due_at"] = self._clock.now() + self._resolve_after
        else:
            event = ClaimEvent.NOT_SENT
            changes["refusal"] = _not_sent(answer)
        return Happened(event, changes, end.sent)

    @staticmethod
    def _settled(
        assessment: Assessment,
        end: SequenceEnd,
        settlement: RegionSettlement,
        changes: dict[str, Any],
    ) -> ClaimEvent:
        theirs = settlement.breakdown
        broken = (*settlement.broken, *theirs.violations())
        changes |= {
            "settled": theirs,
            "not_given": settlement.not_given,
            "differences": (
                *given_differences(assessment.computed, settlement),
                *line_differences(assessment.priced.lines, end.region_lines),
            ),
            "region_settlement_id": settlement.settlement_id,
            "region_settled_at": settlement.settled_at,
            "clearing_type_code": settlement.clearing_type_code,
            "clearing_office": settlement.clearing_office,
            "unknown_codes": settlement.unknown_codes,
            "broken": tuple(dict.fromkeys(broken)),
        }
        # I1–I5, I7 are checked before anything is posted; a failure is never corrected.
        if broken or theirs.total_fen != assessment.priced.total_fen:
            return ClaimEvent.REGION_SETTLED_BROKEN
        return ClaimEvent.REGION_SETTLED


def _plan(command: SettleCommand, assessment: Assessment) -> tuple[PlannedCall, ...]:
    return assessment.gateway.plan(command.visit.kind, len(command.bill.lines))


def _not_sent(answer: object) -> Refusal:
    cause = getattr(answer, "cause", "NOT_SENT")
    return Refusal(
        "gateway",
        "REGION_UNAVAILABLE",
        str(cause),
        "参保地平台未能受理,未发生结算;请以新的请求号重试。",
    )
