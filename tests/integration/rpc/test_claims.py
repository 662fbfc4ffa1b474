"""ClaimService over a real channel: answers, refusals, deadlines, patience, and what is logged."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest

from gateway.domain.errors import InvariantViolated, RegionUnavailable
from gateway.rpc.convert.claims import encode_claim
from tests.integration.rpc.house import WAIT_S, House, claims, failure
from tests.unit.rpc import samples
from yrd.claim.v1 import claim_pb2 as pb

Code = grpc.StatusCode


async def test_each_method_answers(house: House, qingpu: grpc.aio.Channel) -> None:
    client = claims(qingpu)
    settled = await client.SettleClaim(samples.settle_request(), timeout=5)
    assert settled.claim.state == pb.CLAIM_STATE_SETTLED
    assert encode_claim(samples.claim()) in settled.SerializeToString()
    estimate = await client.PredetermineClaim(samples.predetermine_request(), timeout=5)
    assert estimate.region.total_fen == 3501 and estimate.person.name_masked == "测***"
    got = await client.GetClaim(pb.GetClaimRequest(request_id="H001-20261124-0001"), timeout=5)
    assert got.claim == settled.claim
    reversal = pb.ReverseClaimRequest(request_id="H001-20261124-0001-R", claim_id="clm_01")
    assert (await client.ReverseClaim(reversal, timeout=5)).claim.state == pb.CLAIM_STATE_REVERSED


async def test_pages_follow_each_other_to_the_last(house: House, qingpu: grpc.aio.Channel) -> None:
    request = pb.ListClaimsRequest(page_size=2, insured_region="33")
    first = await claims(qingpu).ListClaims(request, timeout=5)
    request.page_token = first.next_page_token
    second = await claims(qingpu).ListClaims(request, timeout=5)
    ids = [c.claim_id for page in (first, second) for c in page.claims]
    assert ids == ["clm_1", "clm_2", "clm_3", "clm_4"]
    assert second.next_page_token == ""
    assert {q.institution for q in house.journeys.queries} == {samples.QINGPU.code}


def future(request: pb.SettleClaimRequest) -> None:
    late = samples.stamp(samples.NOW + timedelta(days=1))
    request.visit.started_at.CopyFrom(late)


def negative(request: pb.SettleClaimRequest) -> None:
    request.visit.lines[2].refund_of = ""


def unknown_field(request: pb.SettleClaimRequest) -> None:
    newer = request.patient.SerializeToString() + b"\x98\x06\x01"
    request.patient.ParseFromString(newer)


def check_digit(request: pb.SettleClaimRequest) -> None:
    request.patient.id_number = request.patient.certificate_number = "003118195203158881"


def region(request: pb.SettleClaimRequest) -> None:
    request.insured_region = "440100"


def decimals(request: pb.SettleClaimRequest) -> None:
    request.visit.lines[1].unit_price_yuan = "6.6700001"


@pytest.mark.parametrize(
    ("spoil", "field", "reason"),
    [
        (future, "visit.started_at", "FUTURE_DATE"),
        (negative, "visit.lines[2].refund_of", "NEGATIVE_WITHOUT_ORIGINAL"),
        (unknown_field, "patient#99", "UNKNOWN_FIELD"),
        (check_digit, "patient.id_number", "CHECK_DIGIT"),
        (region, "insured_region", "REGION_NOT_SERVED"),
        (decimals, "visit.lines[1].unit_price_yuan", "TOO_MANY_DECIMALS"),
    ],
)
async def test_bad_input_is_refused_at_the_door_and_no_journey_begins(
    house: House, qingpu: grpc.aio.Channel, spoil: Any, field: str, reason: str
) -> None:
    request = samples.settle_request()
    spoil(request)
    told = await failure(claims(qingpu).SettleClaim(request, timeout=5))
    assert told.code is Code.INVALID_ARGUMENT
    assert (field, reason) in told.fields
    assert told.reason and told.zh and told.metadata["request_id"]
    assert house.journeys.settled == []


async def test_thousands_of_wrong_lines_still_come_back_as_a_rich_error(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    request = samples.settle_request()
    request.visit.lines.extend(samples.line(str(2000 + i), "1e9", "1", 1) for i in range(1900))
    told = await failure(claims(qingpu).SettleClaim(request, timeout=5))
    assert (told.code, told.reason) == (Code.INVALID_ARGUMENT, "FORMAT")
    assert told.metadata["violations"] == "200" and len(told.fields) > 10


async def test_a_message_that_is_too_large_is_told_why(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    request = samples.settle_request()
    request.visit.doctor_name = "x" * 1_100_000
    told = await failure(claims(qingpu).SettleClaim(request, timeout=5))
    assert (told.code, told.reason) == (Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert "1MiB" in told.zh
    request.visit.doctor_name = "x" * 3_000_000
    told = await failure(claims(qingpu).SettleClaim(request, timeout=5))
    assert told.code is Code.RESOURCE_EXHAUSTED
    assert house.journeys.settled == []


async def test_bytes_that_are_no_message_are_malformed(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    raw: Any = qingpu.unary_unary("/yrd.claim.v1.ClaimService/SettleClaim")
    told = await failure(raw(b"\xff\xff\xff", timeout=5))
    assert (told.code, told.reason) == (Code.INVALID_ARGUMENT, "UNDECODABLE")


async def test_a_method_we_do_not_have_is_unimplemented(qingpu: grpc.aio.Channel) -> None:
    raw: Any = qingpu.unary_unary("/yrd.claim.v1.ClaimService/PayTwice")
    assert (await failure(raw(b"", timeout=5))).code is Code.UNIMPLEMENTED


async def test_a_deadline_that_is_too_short_is_refused_before_any_work(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    await qingpu.channel_ready()
    told = await failure(claims(qingpu).SettleClaim(samples.settle_request(), timeout=0.12))
    assert told.code is Code.DEADLINE_EXCEEDED
    assert house.journeys.settled == []


async def test_the_journey_gets_the_callers_time_less_the_way_home(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    await claims(qingpu).SettleClaim(samples.settle_request(), timeout=5)
    await claims(qingpu).SettleClaim(samples.settle_request())
    shaved, default = house.journeys.budgets
    assert 4 < shaved < 5 and default == 20


async def test_a_caller_that_gives_up_does_not_stop_the_settlement(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    house.journeys.hold = asyncio.Event()
    call = claims(qingpu).SettleClaim(samples.settle_request(), timeout=WAIT_S)
    waiting = asyncio.ensure_future(failure(call))
    await asyncio.wait_for(house.journeys.entered.wait(), WAIT_S)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    house.journeys.hold.set()
    await house.server.stop(WAIT_S)
    assert house.journeys.finished == 1


async def test_stopping_lets_a_running_settlement_answer(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    house.journeys.hold = asyncio.Event()
    call = asyncio.ensure_future(_settle(qingpu))
    await asyncio.wait_for(house.journeys.entered.wait(), WAIT_S)
    stopping = asyncio.ensure_future(house.server.stop(WAIT_S))
    while house.logger.lines[-1][0] != "draining":
        await asyncio.sleep(0)
    house.journeys.hold.set()
    assert (await call).claim.state == pb.CLAIM_STATE_SETTLED
    await stopping


async def _settle(channel: grpc.aio.Channel) -> Any:
    return await claims(channel).SettleClaim(samples.settle_request(), timeout=WAIT_S)


async def test_an_unreachable_region_says_when_to_try_again(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    house.journeys.fail = RegionUnavailable()
    told = await failure(claims(qingpu).SettleClaim(samples.settle_request(), timeout=5))
    assert (told.code, told.reason) == (Code.UNAVAILABLE, "REGION_UNAVAILABLE")


@pytest.mark.parametrize(
    "broken", [InvariantViolated(f"books of {samples.ID_NUMBER}"), ZeroDivisionError("x")]
)
async def test_what_breaks_inside_is_logged_here_and_withheld_there(
    house: House, qingpu: grpc.aio.Channel, broken: Exception
) -> None:
    house.journeys.fail = broken
    told = await failure(claims(qingpu).SettleClaim(samples.settle_request(), timeout=5))
    assert (told.code, told.reason) == (Code.INTERNAL, "INTERNAL")
    assert told.metadata["request_id"] in told.zh
    logged = [fields for event, fields in house.logger.lines if event == "call failed inside"]
    assert logged[0]["exc_info"] is broken


async def test_each_call_is_one_line_of_fixed_fields(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    await _settle(qingpu)
    await failure(claims(qingpu).GetClaim(pb.GetClaimRequest(), timeout=5))
    ok, bad = house.logger.calls()
    assert ok.pop("duration_ms") >= 0 and bad.pop("duration_ms") >= 0
    assert ok == {"rpc": "claim.v1.ClaimService/SettleClaim", "status": "OK", "error_code": None}
    assert (bad["status"], bad["error_code"]) == ("INVALID_ARGUMENT", "REQUIRED")


@pytest.mark.parametrize(
    ("offered", "kept"), [("trace-0001", True), ("x", False), (samples.ID_NUMBER, False)]
)
async def test_a_fit_request_id_of_the_caller_is_kept_and_sent_back(
    qingpu: grpc.aio.Channel, offered: str, kept: bool
) -> None:
    call = claims(qingpu).GetClaim(
        pb.GetClaimRequest(claim_id="clm_01"), timeout=5, metadata=(("x-request-id", offered),)
    )
    await call
    sent_back = dict(await call.trailing_metadata())["x-request-id"]
    assert (sent_back == offered) is kept
    assert kept or sent_back.startswith("req_")
