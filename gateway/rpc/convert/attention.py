"""待处理清单 as protobuf: the question, the page, and the reason an operator gives."""

from __future__ import annotations

import re

from gateway.journeys.list_attention import Act, AttentionItem, AttentionPage, findings_of
from gateway.journeys.take_back import REASON_MAX, Decision
from gateway.ports import AttentionQuery
from gateway.rpc.convert import texts
from gateway.rpc.convert.amounts import breakdown
from gateway.rpc.convert.enums import STATES
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.page_token import make_token, read_token
from gateway.rpc.convert.queries import page_size
from gateway.rpc.convert.times import to_timestamp
from yrd.audit.v1 import audit_pb2 as pb
from yrd.claim.v1 import claim_pb2

PAGE_DEFAULT = 50
PAGE_MAX = 500
ACTS = {act: pb.AttentionAct.Value(f"ATTENTION_ACT_{act.name}") for act in Act}

_PREFIX = re.compile(r"[0-9]{0,6}", re.ASCII)
_PLACE = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def attention_query(request: pb.ListAttentionRequest, *, only: str) -> AttentionQuery:
    """`only`: the one institution that the caller may see; empty for all. Raises Malformed."""
    found = Findings()
    if not _PREFIX.fullmatch(request.insured_region):
        found.add("insured_region", "FORMAT", "参保地须为至多6位数字。")
    code = texts.text(found, "institution_code", request.institution_code, at_most=12)
    claim_id = texts.claim_id(found, "claim_id", request.claim_id) if request.claim_id else ""
    limit = page_size(found, request.page_size, default=PAGE_DEFAULT, at_most=PAGE_MAX)
    place = read_token(found, "page_token", request.page_token, _filters(request, only))
    if place and not _PLACE.fullmatch(place):
        found.add("page_token", "PAGE_TOKEN", "翻页标记无效,请从第一页重新查询。")
    if only and code not in ("", only):
        found.add("institution_code", "NOT_YOURS", "只能查询本机构的结算单。")
    found.refuse()
    return AttentionQuery(
        institution=only or code,
        insured_region_prefix=request.insured_region,
        claim_id=claim_id,
        after=place,
        limit=limit,
    )


def attention_page(
    request: pb.ListAttentionRequest, page: AttentionPage, *, only: str
) -> pb.ListAttentionResponse:
    """One page."""
    return pb.ListAttentionResponse(
        claims=[_claim(item) for item in page.items],
        next_page_token=make_token(_filters(request, only), page.next_after),
    )


def decision(request: pb.TakeBackRequest | pb.ReadAgainRequest, operator: str) -> Decision:
    """What an operator decided. Raises Malformed: without a reason nothing is."""
    found = Findings()
    claim_id = texts.claim_id(found, "claim_id", request.claim_id)
    reason = texts.remark(found, "reason", request.reason, at_most=REASON_MAX)
    if not reason:
        found.add("reason", "REQUIRED", "须写明理由,理由将永久留在日志中。")
    found.refuse()
    return Decision(claim_id, operator, reason)


def _claim(item: AttentionItem) -> pb.AttentionClaim:
    claim, standing = item.claim, item.standing
    made = pb.AttentionClaim(
        claim_id=claim.claim_id,
        state=STATES[claim.state],
        needs_person=standing.needs_person,
        reason=standing.reason,
        why_zh=standing.text_zh,
        since=to_timestamp(item.since),
        institution_code=claim.institution_code,
        visited_region=claim.visited_region,
        insured_region=claim.insured_region,
        computed=breakdown(claim.computed),
        settled=breakdown(claim.settled) if claim.settled is not None else None,
        findings=findings_of(claim),
        messages=[
            claim_pb2.RegionMessage(
                msgid=m.msgid, transaction=m.transaction, region=m.region, outcome=m.outcome
            )
            for m in claim.messages
        ],
        may_do=[ACTS[act] for act in standing.may_do],
        statement_day=item.statement_day.isoformat(),
        reversal_attempts=claim.reversal_attempts,
        created_at=to_timestamp(claim.created_at),
    )
    if claim.work_due_at is not None:
        made.next_try_at.CopyFrom(to_timestamp(claim.work_due_at))
    return made


def _filters(request: pb.ListAttentionRequest, only: str) -> tuple[str, ...]:
    return (
        "attention", only, request.institution_code, request.insured_region, request.claim_id,
        str(request.needs_person),
    )  # fmt: skip
