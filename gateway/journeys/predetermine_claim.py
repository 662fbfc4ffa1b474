"""预结算: what a bill would cost, by the insured region and by our own computation. Settles
nothing.

The national interface estimates only a registered visit with uploaded lines, so those messages are
sent (2201/2203/2204 or 2401/2301) before 2206/2303; none of them moves money. An admission made
only for the estimate is taken back by its msgid (2601), so that the real one is not refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.breakdown import Breakdown
from gateway.domain.claim_record import PlannedMessage
from gateway.domain.errors import Refused, RegionUnavailable
from gateway.domain.person import mask_id, mask_name
from gateway.domain.pricing import PricedLine
from gateway.journeys.assess_bill import AssessBill, Assessment
from gateway.journeys.commands import PredetermineCommand
from gateway.journeys.visit_sequence import (
    SequenceEnd,
    VisitSequence,
    given_differences,
    line_differences,
)
from gateway.ports import (
    Accepted,
    CallContext,
    Clock,
    Declined,
    MsgidSource,
    PlannedCall,
    RegionSettlement,
    ReversalOrder,
    Store,
    Trouble,
    Verb,
)

TAKE_BACK_S = 5.0
"""Longest wait for the 2601 that takes an estimate's admission back."""


@dataclass(frozen=True, slots=True, repr=False)
class Predetermination:
    """The two estimates side by side."""

    region: Breakdown
    computed: Breakdown
    differences: tuple[tuple[str, int, int], ...]
    lines: tuple[PricedLine, ...]
    policy_rules: tuple[str, ...]
    catalogue_version: str
    subject_ref: str
    name_masked: str
    id_number_masked: str


class PredetermineClaim:
    """PredetermineClaim(command, budget_s=…) → Predetermination."""

    def __init__(
        self,
        *,
        store: Store,
        assess: AssessBill,
        clock: Clock,
        msgids: MsgidSource,
        trouble: Trouble,
    ) -> None:
        self._store, self._assess, self._clock, self._msgids = store, assess, clock, msgids
        self._trouble = trouble
        self._sequence = VisitSequence(clock=clock)

    async def __call__(self, command: PredetermineCommand, *, budget_s: float) -> Predetermination:
        """Raises Malformed, Refused (the region said no), RegionUnavailable."""
        deadline = self._clock.monotonic() + budget_s
        assessment = await self._assess(command, deadline=deadline)
        end = await self._ask(command, assessment, deadline)
        settlement = _estimate(end)
        subject_ref = await self._store.write(
            lambda books: books.subject_ref(command.patient.id_number)
        )
        return Predetermination(
            region=settlement.breakdown,
            computed=assessment.computed,
            differences=(
                *given_differences(assessment.computed, settlement),
                *line_differences(assessment.priced.lines, end.region_lines),
            ),
            lines=assessment.priced.lines,
            policy_rules=assessment.policy_rules,
            catalogue_version=assessment.catalogue_version,
            subject_ref=subject_ref,
            name_masked=mask_name(command.patient.name),
            id_number_masked=mask_id(command.patient.id_number),
        )

    async def _ask(
        self, command: PredetermineCommand, assessment: Assessment, deadline: float
    ) -> SequenceEnd:
        calls = _plan(command, assessment)
        msgids = await self._msgids.take(command.institution.code, len(calls))
        plan = tuple(
            (call, PlannedMessage(msgid, call.transaction, command.insured_region))
            for call, msgid in zip(calls, msgids, strict=True)
        )
        end = await self._sequence.run(
            assessment.gateway,
            plan,
            assessment.attendance(command),
            command=command,
            deadline=deadline,
        )
        if command.visit.kind.is_inpatient and end.sent:
            await self._take_back(command, assessment, plan[0][1])
        return end

    async def _take_back(
        self, command: PredetermineCommand, assessment: Assessment, admission: PlannedMessage
    ) -> None:
        """冲正 of the admission. No money hangs on it: what fails is reported, not raised."""
        (msgid,) = await self._msgids.take(command.institution.code, 1)
        ctx = CallContext(
            msgid=msgid,
            institution=command.institution,
            visited_region=command.visited_region,
            insured_region=command.insured_region,
            sent_at=self._clock.now(),
            timeout_s=TAKE_BACK_S,
        )
        order = ReversalOrder(assessment.person.person_no, admission.msgid, admission.transaction)
        answer = await assessment.gateway.reverse(ctx, order)
        if not isinstance(answer, Accepted | Declined):
            self._trouble("predetermine_claim", "", RegionUnavailable("an admission stays open"))


def _plan(command: PredetermineCommand, assessment: Assessment) -> tuple[PlannedCall, ...]:
    """The settling plan with an estimate for its pivot, and nobody discharged."""
    kind = command.visit.kind
    calls = assessment.plan(command)
    estimate = assessment.gateway.transaction(Verb.PREDETERMINE, kind)
    kept = tuple(c for c in calls[:-1] if c.verb is not Verb.DISCHARGE)
    return (*kept, replace(calls[-1], verb=Verb.PREDETERMINE, transaction=estimate))


def _estimate(end: SequenceEnd) -> RegionSettlement:
    answer: Any = end.answer
    if isinstance(answer, Accepted) and end.at_pivot:
        settlement: RegionSettlement = answer.value
        return settlement
    if isinstance(answer, Declined):
        raise Refused(
            f"the insured region declined: {answer.code}",
            reason="REGION_REFUSED",
            text_zh=f"参保地答复:{answer.text}",
            metadata={"region_code": answer.code},
        )
    raise RegionUnavailable("no estimate from the insured region")
