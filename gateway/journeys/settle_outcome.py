"""结算结果: what became of a settlement, from how far its messages came and what was answered.

Pure. A yes counts only at the pivot; its amounts are taken as the insured region gave them, never
corrected: what does not add up is recorded as broken, for a person to look at, and never posted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.domain.claim import ClaimEvent
from gateway.domain.claim_record import Refusal
from gateway.journeys.assess_bill import Assessment
from gateway.journeys.record_event import Happened
from gateway.journeys.visit_sequence import SequenceEnd, given_differences, line_differences
from gateway.ports import Accepted, Declined, NoAnswer, NotDelivered, RegionSettlement


def settle_outcome(assessment: Assessment, end: SequenceEnd, *, resolve_at: datetime) -> Happened:
    """The event and what it changes. `resolve_at`: when the worker takes over an unknown one."""
    event, changes = _event(assessment, end, resolve_at)
    changes["region_visit_id"] = end.attendance.region_visit_id
    return Happened(event, {"work_due_at": None} | changes, end.sent)


def _event(
    assessment: Assessment, end: SequenceEnd, resolve_at: datetime
) -> tuple[ClaimEvent, dict[str, Any]]:
    answer = end.answer
    if isinstance(answer, Accepted) and end.at_pivot:
        return _settled(assessment, end, answer.value)
    if isinstance(answer, Declined):
        refusal = Refusal("region", "REGION_REFUSED", answer.code, answer.text)
        return ClaimEvent.REGION_REFUSED, {"refusal": refusal}
    if isinstance(answer, NoAnswer) and end.at_pivot:
        return ClaimEvent.NO_ANSWER, {"work_due_at": resolve_at}
    return ClaimEvent.NOT_SENT, {"refusal": _not_sent(answer)}


def _settled(
    assessment: Assessment, end: SequenceEnd, settlement: RegionSettlement
) -> tuple[ClaimEvent, dict[str, Any]]:
    theirs = settlement.breakdown
    broken = tuple(dict.fromkeys((*settlement.broken, *theirs.violations())))
    changes = {
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
        "broken": broken,
    }
    # I1–I5, I7 are checked before anything is posted.
    if broken or theirs.total_fen != assessment.priced.total_fen:
        return ClaimEvent.REGION_SETTLED_BROKEN, changes
    return ClaimEvent.REGION_SETTLED, changes


def _not_sent(answer: object) -> Refusal:
    cause = str(getattr(answer, "cause", "NOT_SENT"))
    if isinstance(answer, NotDelivered) and cause.startswith("unsendable "):
        return Refusal(
            "gateway",
            "MESSAGE_UNSENDABLE",
            cause,
            "本网关没有发出报文:其中一项不符合参保地的接口或字典,未发生结算。原样重试仍会如此,"
            "请先核对该项,或联系网关管理员。",
        )
    return Refusal(
        "gateway",
        "REGION_UNAVAILABLE",
        cause,
        "参保地平台未能受理,未发生结算;请以新的请求号重试。",
    )
