"""Clients that were not written here: health probes, reflection, and `buf curl` over mTLS."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToJson
from google.rpc import error_details_pb2 as details
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from gateway.ports import Signing
from gateway.rpc.health import SIGNING
from tests.integration.rpc.house import QINGPU_URN, WAIT_S, House
from tests.unit.rpc import samples

BUF = Path(sys.executable).parent / "buf"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: grpc.aio.Channel, service: str) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    status: int = answer.status
    return status


@pytest.mark.parametrize("service", ["", "yrd.claim.v1.ClaimService", "yrd.audit.v1.AuditService"])
async def test_health_follows_the_log_and_the_database(
    house: House, qingpu: grpc.aio.Channel, service: str
) -> None:
    assert await health(qingpu, service) == SERVING
    house.log.ill = True
    # Watching, not polling: the answer comes when a probe has seen it, within two seconds.
    stub = health_pb2_grpc.HealthStub(qingpu)
    request = health_pb2.HealthCheckRequest(service=service)
    seen = [update.status async for update in _first(stub.Watch(request, timeout=WAIT_S), 2)]
    assert seen == [SERVING, NOT_SERVING]


async def test_a_log_that_is_not_signed_is_heard_of_and_everything_else_is_well(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    house.log.state = Signing("LOG_KEY_OUT_OF_DATE")
    stub = health_pb2_grpc.HealthStub(qingpu)
    request = health_pb2.HealthCheckRequest(service=SIGNING)
    async for update in stub.Watch(request, timeout=WAIT_S):
        if update.status == NOT_SERVING:
            break
    assert await health(qingpu, "") == SERVING


async def test_a_region_whose_breaker_is_open_is_heard_of_and_everything_else_is_well(
    house: House,
) -> None:
    # The process that calls the regions knows; one that forwards to it does not.
    port = house.own_port
    async with house.channel(house.ca.client(QINGPU_URN), port) as channel:
        assert await health(channel, "yrd.region.33") == SERVING
        house.journeys.breaker = "open"
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="yrd.region.33")
        async for update in stub.Watch(request, timeout=WAIT_S):
            if update.status == NOT_SERVING:
                break
        assert await health(channel, "") == SERVING


async def _first(stream: Any, count: int) -> AsyncIterator[Any]:
    async for update in stream:
        yield update
        count -= 1
        if count == 0:
            stream.cancel()
            return


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_our_services_in_both_versions(
    qingpu: grpc.aio.Channel, version: str
) -> None:
    ask = qingpu.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in ask(iter([request]), timeout=5):
        names = {service.name for service in answer.list_services_response.service}
        assert {"yrd.claim.v1.ClaimService", "yrd.audit.v1.AuditService"} <= names


async def buf_curl(house: House, *arguments: str) -> tuple[int, str, str]:
    """Run `buf curl` with a certificate of 青浦's hospital: (exit code, stdout, stderr)."""
    pair = house.ca.client(QINGPU_URN)
    process = await asyncio.create_subprocess_exec(
        str(BUF), "curl", "--protocol", "grpc", "--cacert", str(house.ca.root),
        "--cert", str(pair.certificate), "--key", str(pair.key), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(pair.key.parent), "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), WAIT_S * 3)
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, out.decode(), err.decode()


async def test_buf_curl_lists_our_services_by_reflection(house: House) -> None:
    url = f"https://127.0.0.1:{house.port}"
    code, out, err = await buf_curl(house, "--list-services", url)
    assert code == 0, err
    assert {"yrd.claim.v1.ClaimService", "yrd.audit.v1.AuditService"} <= set(out.split())


async def test_buf_curl_can_look_up_every_service_that_it_is_told_of(house: House) -> None:
    url = f"https://127.0.0.1:{house.port}"
    code, out, err = await buf_curl(house, "--list-methods", url)
    assert code == 0, err
    assert "yrd.claim.v1.ClaimService/SettleClaim" in out.split()


async def test_buf_curl_settles_a_claim_and_gets_a_rich_error_for_a_bad_one(
    house: House,
) -> None:
    url = f"https://127.0.0.1:{house.port}/yrd.claim.v1.ClaimService/SettleClaim"
    request = samples.settle_request()
    code, out, err = await buf_curl(house, "--data", MessageToJson(request), url)
    assert code == 0, err
    assert json.loads(out)["claim"]["state"] == "CLAIM_STATE_SETTLED"
    request.visit.lines[1].amount_fen = 1
    code, out, err = await buf_curl(house, "--data", MessageToJson(request), url)
    assert code != 0
    told = json.loads(out + err)
    assert told["code"] == "invalid_argument"
    packed = {detail["type"]: detail["value"] for detail in told["details"]}
    info = details.ErrorInfo.FromString(unpadded(packed["google.rpc.ErrorInfo"]))
    assert (info.domain, info.reason) == ("yrd", "AMOUNT_MISMATCH")
    bad = details.BadRequest.FromString(unpadded(packed["google.rpc.BadRequest"]))
    assert bad.field_violations[0].field == "visit.lines[1].amount_fen"
    text = details.LocalizedMessage.FromString(unpadded(packed["google.rpc.LocalizedMessage"]))
    assert text.locale == "zh-CN" and "四舍五入" in text.message


def unpadded(text: str) -> bytes:
    """Base64 as Connect writes it."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


async def test_somebody_watching_our_health_does_not_hold_up_a_stop(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    stub = health_pb2_grpc.HealthStub(qingpu)
    watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT_S * 3)
    updates = watch.__aiter__()
    assert (await anext(updates)).status == SERVING
    # Far less than the grace: a stop that waits for the watcher would take all of it.
    await asyncio.wait_for(house.server.stop(WAIT_S * 2), WAIT_S)
    watch.cancel()
