"""Questions about claims → what the journeys are asked; and pages of answers."""

from __future__ import annotations

import re
from typing import Literal

from gateway.domain.claim import ClaimState
from gateway.ports import ClaimPage, ClaimQuery
from gateway.rpc.convert import texts
from gateway.rpc.convert.claims import decode_claim
from gateway.rpc.convert.enums import STATES_IN, read_enum
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.page_token import make_token, read_token
from gateway.rpc.convert.times import instant
from yrd.claim.v1 import claim_pb2

PAGE_DEFAULT = 50
PAGE_MAX = 500
"""A larger page_size is clamped, not refused (AIP-158)."""
PAGE_BYTES_MAX = 3 * 1024 * 1024
"""A page ends early rather than outgrow a message: claims of long stays are large."""

_REGION_PREFIX = re.compile(r"(\d{2}|\d{4}|\d{6})?", re.ASCII)
_PLACE = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def claim_key(request: claim_pb2.GetClaimRequest) -> dict[str, str]:
    """The one way a claim is named, as keyword arguments of the reader. Raises Malformed."""
    found = Findings()
    key: dict[str, str] = {}
    match request.WhichOneof("key"):
        case "claim_id":
            key["claim_id"] = texts.claim_id(found, "claim_id", request.claim_id)
        case "request_id":
            key["request_id"] = texts.request_id(found, "request_id", request.request_id)
        case _:
            found.add("claim_id", "REQUIRED", "请提供结算单编号或请求号之一。")
    found.refuse()
    return key


def claim_query(request: claim_pb2.ListClaimsRequest, institution_code: str) -> ClaimQuery:
    """Filters, the clamped page size and the place of the page. Raises Malformed."""
    found = Findings()
    states = _states(found, request)
    if not _REGION_PREFIX.fullmatch(request.insured_region):
        found.add("insured_region", "FORMAT", "参保地须为2、4或6位数字。")
    created_from = (
        instant(found, "created_from", request.created_from)
        if request.HasField("created_from") else None
    )  # fmt: skip
    created_until = (
        instant(found, "created_until", request.created_until)
        if request.HasField("created_until") else None
    )  # fmt: skip
    place = read_token(
        found, "page_token", request.page_token, filters_of(request, institution_code)
    )
    if place and not _PLACE.fullmatch(place):
        found.add("page_token", "PAGE_TOKEN", "翻页标记无效,请从第一页重新查询。")
    limit = page_size(found, request.page_size, default=PAGE_DEFAULT, at_most=PAGE_MAX)
    found.refuse()
    return ClaimQuery(
        institution=institution_code,
        states=states,
        insured_region_prefix=request.insured_region,
        created_from=created_from,
        created_until=created_until,
        before_claim_id=place,
        limit=limit,
    )


def claim_page(
    request: claim_pb2.ListClaimsRequest, institution_code: str, page: ClaimPage
) -> claim_pb2.ListClaimsResponse:
    """One page with its next token; cut short where it would outgrow a message."""
    response = claim_pb2.ListClaimsResponse()
    next_before = page.next_before
    size = 0
    for answer in page.answers:
        size += len(answer)
        if size > PAGE_BYTES_MAX and response.claims:
            next_before = response.claims[-1].claim_id
            break
        response.claims.append(decode_claim(answer))
    response.next_page_token = make_token(filters_of(request, institution_code), next_before)
    return response


def page_size(found: Findings, asked: int, *, default: int, at_most: int) -> int:
    """0 is the default, too much is clamped, less than nothing is refused."""
    if asked < 0:
        found.add("page_size", "NEGATIVE", "每页条数不能为负数。")
    return min(asked, at_most) if asked > 0 else default


def filters_of(request: claim_pb2.ListClaimsRequest, institution_code: str) -> tuple[str, ...]:
    """What a page token belongs to: everything but the page's size and place."""

    def bound(name: Literal["created_from", "created_until"]) -> str:
        stamp = getattr(request, name)
        return f"{stamp.seconds}.{stamp.nanos}" if request.HasField(name) else ""

    states = ",".join(str(state) for state in sorted(set(request.states)))
    return (
        "claims", institution_code, states, request.insured_region,
        bound("created_from"), bound("created_until"),
    )  # fmt: skip


def _states(found: Findings, request: claim_pb2.ListClaimsRequest) -> tuple[str, ...]:
    states: dict[ClaimState, None] = {}
    for i, value in enumerate(request.states):
        state = read_enum(found, f"states[{i}]", value, STATES_IN)
        if state is not None:
            states[state] = None
    return tuple(state.value for state in states)
