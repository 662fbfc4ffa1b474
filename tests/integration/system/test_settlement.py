"""结算 through the whole house: real sockets, real databases, three stand-in platforms."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from ledger.receipt import verify_receipt
from tests.integration.system.world import QINGPU, WUJIANG, World, jiashan_outpatient, running
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

pytestmark = pytest.mark.timeout(120)
TIMEOUT = 15.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path / "data") as started:
        yield started


def state_name(claim: claim_pb2.Claim) -> str:
    return claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")


async def settle(world: World, request: claim_pb2.SettleClaimRequest) -> claim_pb2.Claim:
    reply = await world.claims(QINGPU).SettleClaim(request, timeout=TIMEOUT)
    claim: claim_pb2.Claim = reply.claim
    return claim


async def eventually(world: World, claim_id: str, state: str) -> claim_pb2.Claim:
    """The claim once it is in `state`: asked again and again, as a hospital would."""
    stub = world.claims(QINGPU)
    async with asyncio.timeout(TIMEOUT):
        while True:
            reply = await stub.GetClaim(
                claim_pb2.GetClaimRequest(claim_id=claim_id), timeout=TIMEOUT
            )
            if state_name(reply.claim) == state:
                claim: claim_pb2.Claim = reply.claim
                return claim
            await asyncio.sleep(0.02)


def reasons(error: grpc.aio.AioRpcError) -> tuple[str, list[str]]:
    """ErrorInfo's reason and the fields complained about."""
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    reason, fields = "", []
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        if detail.Unpack(bad):
            fields = [f"{v.field}:{v.reason}" for v in bad.field_violations]
    return reason, fields


@pytest.mark.every_database
async def test_a_claim_settles_and_the_region_agrees_with_our_own_computation(
    world: World,
) -> None:
    claim = await settle(world, jiashan_outpatient("req-settle-0001"))
    assert state_name(claim) == "SETTLED"
    assert list(claim.differences) == []
    assert claim.settled.fund_total_fen == 23339
    assert claim.settled.total_fen == claim.settled.fund_total_fen + claim.settled.patient_fen
    assert [m.outcome for m in claim.messages] == ["answered"] * 4
    assert [e.kind for e in claim.entries] == ["pending", "posted"]


@pytest.mark.every_database
async def test_its_receipt_verifies_offline_against_the_logs_key(world: World) -> None:
    claim = await settle(world, jiashan_outpatient("req-receipt-0001"))
    receipt = await world.audit(QINGPU).GetReceipt(
        audit_pb2.GetReceiptRequest(claim_id=claim.claim_id, wait_for_checkpoint=True),
        timeout=TIMEOUT,
    )
    verified = verify_receipt(receipt.receipt, world.place.vkey.read_text().strip())
    assert verified.body is not None
    body = json.loads(verified.body)
    assert body["settled"]["fund.pooled_fen"] == 23339
    assert body["claim_id"] == claim.claim_id


@pytest.mark.every_database
async def test_the_same_request_again_is_answered_byte_for_byte(world: World) -> None:
    request = jiashan_outpatient("req-replay-0001")
    first = await settle(world, request)
    again = await settle(world, request)
    assert again.SerializeToString(deterministic=True) == first.SerializeToString(
        deterministic=True
    )
    assert effective(world, "zhejiang") == 1


async def test_another_body_under_the_same_request_id_is_refused(world: World) -> None:
    await settle(world, jiashan_outpatient("req-reuse-0001"))
    other = jiashan_outpatient("req-reuse-0001", batch="B999")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await settle(world, other)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reasons(caught.value)[0] == "REQUEST_ID_REUSED"


@pytest.mark.every_database
async def test_one_charging_batch_is_never_settled_twice_under_two_request_ids(
    world: World,
) -> None:
    await settle(world, jiashan_outpatient("req-batch-0001"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await settle(world, jiashan_outpatient("req-batch-0002"))
    assert reasons(caught.value)[0] == "BATCH_ALREADY_SETTLED"
    assert effective(world, "zhejiang") == 1


@pytest.mark.every_database
async def test_a_reversal_takes_the_settlement_back_at_the_region_and_in_the_books(
    world: World,
) -> None:
    claim = await settle(world, jiashan_outpatient("req-reverse-0001"))
    stub = world.claims(QINGPU)
    request = claim_pb2.ReverseClaimRequest(
        request_id="req-reverse-0001-R", claim_id=claim.claim_id, reason="收费录入错误"
    )
    reversed_claim = (await stub.ReverseClaim(request, timeout=TIMEOUT)).claim
    assert state_name(reversed_claim) == "REVERSED"
    assert [e.kind for e in reversed_claim.entries] == ["pending", "posted", "pending", "posted"]
    assert reversed_claim.reversal.request_id == "req-reverse-0001-R"
    assert reversed_claim.reversal.region_settlement_id
    assert effective(world, "zhejiang") == 0
    again = (await stub.ReverseClaim(request, timeout=TIMEOUT)).claim
    assert again == reversed_claim


@pytest.mark.every_database
async def test_a_lost_reply_is_unknown_then_reversed_by_msgid_and_stays_provisional(
    world: World,
) -> None:
    world.sandboxes["zhejiang"].faults.arm("lose-reply@2207#1")
    claim = await settle(world, jiashan_outpatient("req-lost-0001"))
    assert state_name(claim) == "UNKNOWN"
    assert claim.provisional
    resolved = await eventually(world, claim.claim_id, "REVERSAL_SENT")
    assert resolved.provisional
    assert not resolved.HasField("settled")
    reversal = [m for m in resolved.messages if m.transaction == "2601"]
    assert len(reversal) == 1
    async with asyncio.timeout(TIMEOUT):
        while effective(world, "zhejiang"):
            await asyncio.sleep(0.02)


async def test_a_region_that_stays_silent_is_told_as_unknown_before_the_callers_deadline(
    world: World,
) -> None:
    world.sandboxes["zhejiang"].faults.arm("delay=5s@2207#1")
    request = jiashan_outpatient("req-silent-0001")
    reply = await world.claims(QINGPU).SettleClaim(request, timeout=1.5)
    assert state_name(reply.claim) == "UNKNOWN"


async def test_a_deadline_too_short_to_settle_in_is_refused_and_nothing_is_recorded(
    world: World,
) -> None:
    stub = world.claims(QINGPU)
    await stub.ListClaims(claim_pb2.ListClaimsRequest(), timeout=TIMEOUT)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SettleClaim(jiashan_outpatient("req-late-0001"), timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert effective(world, "zhejiang") == 0
    listed = await stub.ListClaims(claim_pb2.ListClaimsRequest(), timeout=TIMEOUT)
    assert list(listed.claims) == []


async def test_while_the_outcome_is_unknown_the_batch_is_held(world: World) -> None:
    world.sandboxes["zhejiang"].faults.arm("lose-reply@2207#1")
    claim = await settle(world, jiashan_outpatient("req-held-0001"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await settle(world, jiashan_outpatient("req-held-0002"))
    assert reasons(caught.value)[0] == "BATCH_HELD"
    assert claim.provisional


async def test_the_regions_no_is_a_state_with_its_reason_and_leaves_no_money(
    world: World,
) -> None:
    world.sandboxes["zhejiang"].faults.arm("refuse=参保地测试拒付@2207#1")
    claim = await settle(world, jiashan_outpatient("req-refused-0001"))
    assert state_name(claim) == "REFUSED"
    assert claim.refusal.by == "region"
    assert claim.refusal.text_zh
    assert [e.kind for e in claim.entries] == ["pending", "voided"]


async def test_a_difference_is_flagged_and_the_regions_amount_is_the_one_posted(
    world: World,
) -> None:
    world.sandboxes["zhejiang"].faults.arm("differ=100@2207#1")
    claim = await settle(world, jiashan_outpatient("req-differ-0001"))
    assert state_name(claim) == "SETTLED"
    assert claim.settled.fund_total_fen == claim.computed.fund_total_fen - 100
    assert "fund.pooled" in [d.part for d in claim.differences]


async def test_amounts_that_do_not_add_up_go_to_review_and_are_never_posted(
    world: World,
) -> None:
    world.sandboxes["zhejiang"].faults.arm("broken@2207#1")
    claim = await settle(world, jiashan_outpatient("req-broken-0001"))
    assert state_name(claim) == "REVIEW"
    assert "I1" in claim.findings
    assert [e.kind for e in claim.entries] == ["pending"]


async def test_an_unknown_item_is_refused_with_its_path_and_nothing_is_written(
    world: World,
) -> None:
    request = jiashan_outpatient("req-item-0001")
    request.visit.lines[1].item_code = "SYN-NONE-0001"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await settle(world, request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reasons(caught.value)[1] == ["visit.lines[1].item_code:UNKNOWN_ITEM"]
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await world.claims(QINGPU).GetClaim(
            claim_pb2.GetClaimRequest(request_id="req-item-0001"), timeout=TIMEOUT
        )
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND


async def test_another_hospitals_claim_does_not_exist(world: World) -> None:
    claim = await settle(world, jiashan_outpatient("req-mine-0001"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.claims(WUJIANG).GetClaim(
            claim_pb2.GetClaimRequest(claim_id=claim.claim_id), timeout=TIMEOUT
        )
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_region_that_is_down_is_an_error_and_nothing_is_recorded(world: World) -> None:
    await world.sandboxes["zhejiang"].stop()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await settle(world, jiashan_outpatient("req-down-0001"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.every_database
async def test_five_hundred_calls_over_fifty_request_ids_settle_exactly_fifty_times(
    world: World,
) -> None:
    stub = world.claims(QINGPU)
    requests = [jiashan_outpatient(f"req-many-{n:04d}", batch=f"M{n:04d}") for n in range(50)]
    calls = [stub.SettleClaim(requests[n % 50], timeout=90) for n in range(500)]
    answers = [reply.claim for reply in await asyncio.gather(*calls)]
    assert {state_name(claim) for claim in answers} == {"SETTLED"}
    assert len({claim.claim_id for claim in answers}) == 50
    assert len({claim.SerializeToString(deterministic=True) for claim in answers}) == 50
    assert effective(world, "zhejiang") == 50
    assert await ledger_postings(world) == 50


async def test_an_inpatient_estimate_leaves_no_admission_behind_and_settles_nothing(
    world: World,
) -> None:
    bill = jiashan_outpatient("req-estimate-0001")
    bill.visit.kind = claim_pb2.VISIT_KIND_INPATIENT
    bill.visit.ended_at.CopyFrom(bill.visit.started_at)
    estimate = await world.claims(QINGPU).PredetermineClaim(
        claim_pb2.PredetermineClaimRequest(
            visited_region=bill.visited_region,
            insured_region=bill.insured_region,
            patient=bill.patient,
            visit=bill.visit,
            filing=bill.filing,
        ),
        timeout=TIMEOUT,
    )
    assert list(estimate.differences) == []
    calls: Any = world.sandboxes["zhejiang"].state()["calls"]
    assert calls["2401"] == calls["2601"] == 1
    assert effective(world, "zhejiang") == 0
    settled = await settle(world, bill)
    assert state_name(settled) == "SETTLED"
    assert settled.settled.fund_total_fen == estimate.region.fund_total_fen


async def test_the_visited_region_is_told_of_the_settlement_and_of_its_reversal(
    world: World,
) -> None:
    claim = await settle(world, jiashan_outpatient("req-told-0001"))
    await world.claims(QINGPU).ReverseClaim(
        claim_pb2.ReverseClaimRequest(request_id="req-told-0001-R", claim_id=claim.claim_id),
        timeout=TIMEOUT,
    )
    async with asyncio.timeout(TIMEOUT):
        while len(told(world, "shanghai")) < 2:
            await asyncio.sleep(0.02)
    assert told(world, "shanghai") == [claim.claim_id] * 2


def effective(world: World, province: str) -> int:
    """Settlements in force at a platform, by its own state."""
    state: Any = world.sandboxes[province].state()
    return int(state["effective_settlements"])


def told(world: World, province: str) -> list[str]:
    state: Any = world.sandboxes[province].state()
    return [row["setl_sn"] for row in state["visited_settlements"]]


async def ledger_postings(world: World) -> int:
    """Posted entries, counted in the log itself."""
    size = (
        await world.audit(QINGPU).GetCheckpoint(audit_pb2.GetCheckpointRequest(), timeout=TIMEOUT)
    ).tree_size
    count, start = 0, 0
    while start < size:
        page = await world.audit(QINGPU).ListEntries(
            audit_pb2.ListEntriesRequest(start_index=start, page_size=1000), timeout=TIMEOUT
        )
        count += sum(b'"entry.posted"' in entry.leaf for entry in page.entries)
        start += len(page.entries)
    return count
