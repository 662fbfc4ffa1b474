"""AuditService over a real channel: what it serves verifies with the ledger's own checks."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc

from gateway.journeys.take_back import Decision
from gateway.ports import Signing
from ledger import merkle
from tests.integration.rpc.house import QINGPU_URN, House, audit, failure
from yrd.audit.v1 import audit_pb2 as pb
from yrd.claim.v1 import claim_pb2

Code = grpc.StatusCode


async def test_an_inclusion_proof_verifies_against_the_checkpoint(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    head = await audit(qingpu).GetCheckpoint(pb.GetCheckpointRequest(), timeout=5)
    request = pb.GetInclusionProofRequest(leaf_index=2)
    proof = await audit(qingpu).GetInclusionProof(request, timeout=5)
    assert proof.tree_size == head.tree_size == 5
    merkle.verify_inclusion(proof.leaf_hash, 2, 5, list(proof.hashes), head.root_hash)


async def test_a_consistency_proof_verifies(house: House, qingpu: grpc.aio.Channel) -> None:
    request = pb.GetConsistencyProofRequest(first_size=3)
    proof = await audit(qingpu).GetConsistencyProof(request, timeout=5)
    older = merkle.tree_root(3, house.log.source)
    newer = merkle.tree_root(5, house.log.source)
    merkle.verify_consistency(3, proof.second_size, list(proof.hashes), older, newer)


async def test_what_is_not_signed_yet_is_unavailable_and_what_is_not_there_is_not_found(
    qingpu: grpc.aio.Channel,
) -> None:
    client = audit(qingpu)
    pending = await failure(
        client.GetInclusionProof(pb.GetInclusionProofRequest(leaf_index=6), timeout=5)
    )
    assert (pending.code, pending.reason) == (Code.UNAVAILABLE, "NOT_YET_COVERED")
    beyond = await failure(
        client.GetInclusionProof(pb.GetInclusionProofRequest(leaf_index=7), timeout=5)
    )
    assert (beyond.code, beyond.reason) == (Code.NOT_FOUND, "BEYOND_THE_LOG")
    sizes = pb.GetConsistencyProofRequest(first_size=1, second_size=99)
    assert (await failure(client.GetConsistencyProof(sizes, timeout=5))).code is Code.NOT_FOUND
    odd = pb.GetCheckpointRequest(tree_size=4)
    assert (await failure(client.GetCheckpoint(odd, timeout=5))).code is Code.NOT_FOUND


async def test_a_log_that_is_not_signed_any_more_says_so(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    until = datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)
    house.log.state = Signing("LOG_KEY_OUT_OF_DATE", until)
    head = await audit(qingpu).GetCheckpoint(pb.GetCheckpointRequest(), timeout=5)
    assert head.signing_refused == "LOG_KEY_OUT_OF_DATE"
    assert head.key_valid_until.ToDatetime(UTC) == until
    pending = await failure(
        audit(qingpu).GetInclusionProof(pb.GetInclusionProofRequest(leaf_index=6), timeout=5)
    )
    assert (pending.code, pending.reason) == (Code.UNAVAILABLE, "LOG_NOT_SIGNED")


async def test_the_whole_log_can_be_read_page_by_page(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    request = pb.ListEntriesRequest(page_size=3)
    leaves: list[bytes] = []
    for _ in range(3):
        page = await audit(qingpu).ListEntries(request, timeout=5)
        leaves += [entry.leaf for entry in page.entries]
        request.page_token = page.next_page_token
    assert leaves == house.log.all and request.page_token == ""


async def test_a_receipt_is_the_claimants_own_and_may_be_waited_for(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    request = pb.GetReceiptRequest(claim_id="clm_01")
    answer = await audit(qingpu).GetReceipt(request, timeout=5)
    assert (answer.receipt, answer.leaf_index, answer.tree_size) == (b'{"receipt": 1}', 3, 5)
    request.wait_for_checkpoint = True
    await audit(qingpu).GetReceipt(request, timeout=5)
    now, waited = house.journeys.budgets
    assert now == 0 and 4 < waited < 5
    pair = house.ca.client("urn:yrd:institution:H00320000001")
    async with house.channel(pair) as channel:
        told = await failure(audit(channel).GetReceipt(request, timeout=5))
    assert told.code is Code.NOT_FOUND


async def test_an_institution_counts_its_own_waiting_claims_and_an_auditor_all(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    own = await audit(qingpu).GetStatus(pb.GetStatusRequest(), timeout=5)
    (row,) = own.awaiting_reconciliation
    assert (row.state, row.count) == (claim_pb2.CLAIM_STATE_REVERSAL_SENT, 2)
    assert row.oldest.ToDatetime(UTC) == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    for pair in (
        house.ca.client("urn:yrd:role:auditor"),
        house.ca.client(QINGPU_URN, "urn:yrd:role:auditor"),
    ):
        async with house.channel(pair) as channel:
            every = await audit(channel).GetStatus(pb.GetStatusRequest(), timeout=5)
        assert [row.count for row in every.awaiting_reconciliation] == [5]


ROLE = "urn:yrd:role:"
OPERATOR = (f"{ROLE}operator", "urn:yrd:operator:wang")


async def test_the_status_shows_each_regions_breaker_and_places(qingpu: grpc.aio.Channel) -> None:
    status = await audit(qingpu).GetStatus(pb.GetStatusRequest(), timeout=5)
    (region,) = status.regions
    told = (region.province, region.breaker, region.in_flight, region.places, region.retries_left)
    assert told == ("33", "closed", 3, 64, 10)


async def test_an_institution_sees_its_own_claims_that_need_attention(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    request = pb.ListAttentionRequest(page_size=9_999, insured_region="33", needs_person=True)
    page = await audit(qingpu).ListAttention(request, timeout=5)
    ((query, needs_person),) = house.journeys.attention
    asked = (query.institution, query.insured_region_prefix, query.limit, needs_person)
    assert asked == ("H00310000001", "33", 500, True)
    (claim,) = page.claims
    assert claim.state == claim_pb2.CLAIM_STATE_REVIEW
    assert claim.needs_person and "I1" in claim.why_zh and list(claim.findings) == ["I1"]
    assert pb.ATTENTION_ACT_TAKE_BACK in claim.may_do
    assert claim.statement_day == "2026-11-24"
    assert claim.messages[0].msgid and claim.computed.total_fen == 3501
    request.page_token = page.next_page_token
    await audit(qingpu).ListAttention(request, timeout=5)
    assert house.journeys.attention[1][0].after == "clm_7"
    others = pb.ListAttentionRequest(institution_code="H00320000001")
    told = await failure(audit(qingpu).ListAttention(others, timeout=5))
    assert (told.code, told.reason) == (Code.INVALID_ARGUMENT, "NOT_YOURS")


async def test_auditors_and_operators_see_everybodys(house: House) -> None:
    for uris in ((f"{ROLE}auditor",), OPERATOR):
        async with house.channel(house.ca.client(*uris)) as channel:
            await audit(channel).ListAttention(pb.ListAttentionRequest(), timeout=5)
    assert [query.institution for query, _ in house.journeys.attention] == ["", ""]


async def test_only_an_operator_decides_by_name_and_with_a_reason(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    wanted = pb.TakeBackRequest(claim_id="clm_7", reason="金额不平")
    refused = await failure(audit(qingpu).TakeBack(wanted, timeout=5))
    assert (refused.code, refused.reason) == (Code.PERMISSION_DENIED, "NOT_AN_OPERATOR")
    async with house.channel(house.ca.client(f"{ROLE}auditor")) as channel:
        again = pb.ReadAgainRequest(claim_id="clm_7", reason="字典已补")
        refused = await failure(audit(channel).ReadAgain(again, timeout=5))
        assert refused.reason == "NOT_AN_OPERATOR"
    async with house.channel(house.ca.client(*OPERATOR)) as channel:
        nothing = pb.TakeBackRequest(claim_id="clm_7")
        told = await failure(audit(channel).TakeBack(nothing, timeout=5))
        assert told.fields == [("reason", "REQUIRED")]
        answer = await audit(channel).TakeBack(wanted, timeout=5)
    assert answer.state == claim_pb2.CLAIM_STATE_REVERSAL_SENT and answer.text_zh
    (decision,) = house.journeys.decisions
    assert decision == Decision("clm_7", "wang", "金额不平")


async def test_an_operator_of_two_names_is_nobody(house: House) -> None:
    two = (*OPERATOR, "urn:yrd:operator:li")
    async with house.channel(house.ca.client(*two)) as channel:
        told = await failure(audit(channel).GetStatus(pb.GetStatusRequest(), timeout=5))
    assert (told.code, told.reason) == (Code.UNAUTHENTICATED, "AMBIGUOUS_IDENTITY")
