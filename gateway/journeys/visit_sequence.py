"""Take one visit through an insured region's messages, in order, up to the pivot.

Everything before the pivot moves no money: if a step fails there, provably nothing was settled. The
pivot itself (settle or predetermine) is answered yes, no, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.breakdown import Breakdown
from gateway.domain.claim_record import PlannedMessage
from gateway.domain.pricing import PricedLine
from gateway.domain.visit import Attendance
from gateway.journeys.commands import PredetermineCommand
from gateway.journeys.time_budget import CALL_MIN_S
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    Clock,
    Declined,
    Exchange,
    NoAnswer,
    NotDelivered,
    PlannedCall,
    RegionGateway,
    RegionLine,
    RegionSettlement,
    Verb,
)

Outgoing = tuple[str, str, Exchange]
"""(msgid, outcome, raw bytes)."""


@dataclass(frozen=True, slots=True, repr=False)
class SequenceEnd:
    """How far a visit came."""

    answer: Answer[Any]
    """The pivot's answer, or the answer that ended the sequence before it."""
    at_pivot: bool
    """False: the pivot was never sent, so nothing was settled."""
    attendance: Attendance
    region_lines: tuple[RegionLine, ...]
    sent: tuple[Outgoing, ...]


class VisitSequence:
    """Runs the planned calls of one visit against one region."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    async def run(
        self,
        gateway: RegionGateway,
        plan: tuple[tuple[PlannedCall, PlannedMessage], ...],
        attendance: Attendance,
        *,
        command: PredetermineCommand,
        deadline: float,
    ) -> SequenceEnd:
        """`deadline` is in the clock's monotonic seconds."""
        sent: list[Outgoing] = []
        lines: tuple[RegionLine, ...] = ()
        answer: Answer[Any] = _too_late("")
        for call, message in plan:
            pivot = call is plan[-1][0]
            left = deadline - self._clock.monotonic()
            if left < CALL_MIN_S:
                end = _too_late(message.transaction)
                return SequenceEnd(end, False, attendance, lines, tuple(sent))
            ctx = CallContext(
                msgid=message.msgid,
                institution=command.institution,
                visited_region=command.visited_region,
                insured_region=command.insured_region,
                sent_at=self._clock.now(),
                timeout_s=left,
            )
            answer = await _send(gateway, call, ctx, attendance)
            sent.append((message.msgid, outcome_of(answer), answer.exchange))
            if pivot or not isinstance(answer, Accepted):
                return SequenceEnd(answer, pivot, attendance, lines, tuple(sent))
            if call.verb is Verb.REGISTER:
                attendance = replace(attendance, region_visit_id=answer.value)
            elif call.verb is Verb.UPLOAD_LINES:
                lines = (*lines, *answer.value)
        return SequenceEnd(answer, False, attendance, lines, tuple(sent))


async def _send(
    gateway: RegionGateway, call: PlannedCall, ctx: CallContext, att: Attendance
) -> Answer[Any]:
    match call.verb:
        case Verb.REGISTER:
            return await gateway.register(ctx, att)
        case Verb.DESCRIBE:
            return await gateway.describe(ctx, att)
        case Verb.UPLOAD_LINES:
            batch = att.bill.lines[call.first_line : call.end_line]
            return await gateway.upload_lines(ctx, att, batch)
        case Verb.DISCHARGE:
            return await gateway.discharge(ctx, att)
        case Verb.PREDETERMINE:
            return await gateway.predetermine(ctx, att)
        case Verb.SETTLE:
            return await gateway.settle(ctx, att)
    raise ValueError(f"{call.verb} is not part of a visit")


def outcome_of(answer: Answer[Any]) -> str:
    """How a message ended, as it stands in Claim.messages."""
    match answer:
        case Accepted():
            return "answered"
        case Declined():
            return "refused"
        case NoAnswer():
            return "no_answer"
        case NotDelivered():
            return "not_sent"


def _too_late(transaction: str) -> NotDelivered:
    return NotDelivered("DEADLINE", Exchange(transaction, b"", None))


def given_differences(
    ours: Breakdown, settlement: RegionSettlement
) -> tuple[tuple[str, int, int], ...]:
    """(part, ours, the region's) wherever amounts differ that the region gave: one that it left
    out stands as 0 and says nothing."""
    rows = ours.differences(settlement.breakdown)
    return tuple(row for row in rows if row[0] not in settlement.not_given)


def line_differences(
    ours: tuple[PricedLine, ...], theirs: tuple[RegionLine, ...]
) -> tuple[tuple[str, int, int], ...]:
    """(part, ours, the region's) wherever a line was split otherwise."""
    by_no = {line.line_no: line for line in theirs}
    rows: list[tuple[str, int, int]] = []
    for line in ours:
        other = by_no.get(line.line_no)
        if other is None:
            continue
        for part in ("own_pay_fen", "over_limit_fen", "pre_self_pay_fen", "in_scope_fen"):
            if getattr(line, part) != getattr(other, part):
                name = f"line.{line.line_no}.{part}"
                rows.append((name, getattr(line, part), getattr(other, part)))
    return tuple(rows)
