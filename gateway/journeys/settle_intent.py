"""结算意图: the claim as it is put on record before the first byte of it leaves us.

Runs inside the one transaction that records the intent; no clock and no network here. One charging
batch has one live claim: while its outcome is unknown the batch is held.
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, PlannedMessage
from gateway.domain.errors import Refused
from gateway.domain.person import mask_id, mask_name
from gateway.journeys.assess_bill import Assessment
from gateway.journeys.commands import SettleCommand
from gateway.journeys.once_per_request import Request
from gateway.ports import Books


def intended_claim(
    books: Books,
    request: Request[SettleCommand],
    assessment: Assessment,
    *,
    claim_id: str,
    at: datetime,
    attempt_deadline: datetime,
) -> ClaimRecord:
    """The claim with its messages, each under a msgid of its own; not yet inserted.

    Raises Refused if the batch is settled or held.
    """
    command = request.command
    _refuse_second_settlement(books, command)
    messages = _messages(books, command, assessment, at)
    return ClaimRecord(
        claim_id=claim_id,
        request_id=command.request_id,
        request_hash=request.body_hash,
        state=ClaimState.RECORDED,
        version=1,
        institution_code=command.institution.code,
        visited_region=command.visited_region,
        insured_region=command.insured_region,
        visit_kind=command.visit.kind,
        visit_no=command.visit.visit_no,
        batch_no=command.bill.batch_no,
        subject_ref=books.subject_ref(command.patient.id_number),
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
        attempt_deadline=attempt_deadline,
        pivot_msgid=messages[-1].msgid,
        pivot_transaction=messages[-1].transaction,
        work_due_at=attempt_deadline,
    )


def _messages(
    books: Books, command: SettleCommand, assessment: Assessment, at: datetime
) -> tuple[PlannedMessage, ...]:
    plan = assessment.plan(command)
    msgids = books.next_msgids(command.institution.code, len(plan), at)
    return tuple(
        PlannedMessage(msgid, call.transaction, command.insured_region)
        for msgid, call in zip(msgids, plan, strict=True)
    )


def _refuse_second_settlement(books: Books, command: SettleCommand) -> None:
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
