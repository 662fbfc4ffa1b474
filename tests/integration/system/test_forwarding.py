"""Several `yrd serve` on one SQLite directory: one writes, the others forward, and one inherits."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.counter.answers import check_answer
from gateway.store.verify_store import verify_store
from tests.integration.system.served import BOUND_S, Served, Street, street
from tests.integration.system.test_settlement import state_name
from tests.integration.system.world import jiashan_outpatient
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

REQUESTS, CALLERS = 50, 10
SERVING = health_pb2.HealthCheckResponse.SERVING
OWNER, FORWARDER = "角色:写入进程", "角色:转发进程"
INHERITED = "本进程接替为写入进程"

pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(180)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path / "data") as made:
        yield made


async def who_says(words: str, *processes: Served) -> Served:
    """The first of them to say so."""
    async with asyncio.timeout(BOUND_S):
        while True:
            for process in processes:
                if words in process.said():
                    return process
            await asyncio.sleep(0.02)


async def health(process: Served) -> int:
    assert process.channel is not None
    stub = health_pb2_grpc.HealthStub(process.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=BOUND_S)
    return int(answer.status)


def check_books(house: Street) -> None:
    found = verify_store(
        house.settings.database,
        house.settings.keys_dir,
        house.place.vkey.read_text().strip(),
        production=False,
        check_answer=check_answer,
    )
    assert found.ledger.problems == () and found.state.problems == ()
    assert found.ledger.checked["leaves"] > 0


@pytest.mark.parametrize("processes", [2, 3])
async def test_ten_callers_of_each_of_fifty_request_ids_at_all_processes_settle_fifty_times(
    house: Street, processes: int
) -> None:
    await house.start(processes)
    stubs = [process.claims() for process in house.served]
    requests = [jiashan_outpatient(f"req-fwd-{n:04d}", batch=f"F{n:04d}") for n in range(REQUESTS)]
    calls = [
        stubs[(n + caller) % processes].SettleClaim(request, timeout=BOUND_S * 2)
        for n, request in enumerate(requests)
        for caller in range(CALLERS)
    ]
    answers = [reply.claim for reply in await asyncio.gather(*calls)]
    # One process does the work of all, so callers of all processes share one run, and its answer.
    assert {state_name(claim) for claim in answers} == {"SETTLED"}
    assert len({claim.SerializeToString() for claim in answers}) == REQUESTS
    assert len(house.effective("zhejiang")) == REQUESTS
    for process in house.served:
        assert await process.end() == 0
    check_books(house)


async def test_of_three_that_start_at_once_one_writes_and_all_serve(house: Street) -> None:
    processes = [house.one_more() for _ in range(3)]
    await asyncio.gather(*(process.launch() for process in processes))
    await asyncio.gather(*(process.ready() for process in processes))
    for process in processes:
        await process.says("角色:")
    roles = sorted((OWNER in p.said(), FORWARDER in p.said()) for p in processes)
    assert roles == [(False, True), (False, True), (True, False)]
    for process in processes:
        assert await health(process) == SERVING
    claim = jiashan_outpatient("req-fwd-one")
    answers = [await p.claims().SettleClaim(claim, timeout=BOUND_S) for p in processes]
    assert len({answer.SerializeToString() for answer in answers}) == 1


async def test_an_orderly_end_of_the_owner_under_load_costs_no_call_at_the_others(
    house: Street,
) -> None:
    first, second, third = await house.start(3)
    stubs = [second.claims(), third.claims()]
    requests = [jiashan_outpatient(f"req-end-{n:04d}", batch=f"E{n:04d}") for n in range(60)]
    calls = [
        asyncio.ensure_future(stubs[n % 2].SettleClaim(request, timeout=BOUND_S))
        for n, request in enumerate(requests)
    ]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert await first.end() == 0
    claims = [reply.claim for reply in await asyncio.gather(*calls)]
    assert {state_name(claim) for claim in claims} == {"SETTLED"}
    assert len(house.effective("zhejiang")) == 60
    heir = await who_says(INHERITED, second, third)
    other = third if heir is second else second
    await other.says(f"写入进程已换为进程 {heir.pid}")
    assert house.place.address.read_text().split() == [heir.address, str(heir.pid)]
    check_books(house)


async def test_a_killed_owner_is_succeeded_and_comes_back_as_one_that_forwards(
    house: Street,
) -> None:
    first, second = await house.start(2)
    request = jiashan_outpatient("req-kill-1")
    before = await second.claims().SettleClaim(request, timeout=BOUND_S)
    await first.end(signal.SIGKILL)
    # No wait of ours: the call itself waits for the new owner, within its time.
    again = await second.claims().SettleClaim(request, timeout=BOUND_S)
    assert again == before
    await second.says(INHERITED)
    assert [p.suffix for p in (house.place.root / "forward").iterdir()] == [".sock"]
    (third,) = await house.start(1)
    await third.says(FORWARDER)
    assert await health(second) == await health(third) == SERVING
    new = jiashan_outpatient("req-kill-2", batch="B2")
    reply = await third.claims().SettleClaim(new, timeout=BOUND_S)
    assert state_name(reply.claim) == "SETTLED"
    read = claim_pb2.GetClaimRequest(claim_id=reply.claim.claim_id)
    assert (await second.claims().GetClaim(read, timeout=BOUND_S)).claim == reply.claim
    # What is signed later covers it, whoever signs now.
    receipt = audit_pb2.GetReceiptRequest(claim_id=reply.claim.claim_id, wait_for_checkpoint=True)
    assert (await third.audit().GetReceipt(receipt, timeout=BOUND_S)).receipt
    check_books(house)


async def test_a_stopped_owner_is_no_owner_and_is_told_as_such(house: Street) -> None:
    """SIGSTOP: it holds the lock and answers nothing, so nobody can take its place."""
    first, second = await house.start(2)
    assert await health(second) == SERVING
    assert second.channel is not None
    watching = health_pb2_grpc.HealthStub(second.channel).Watch(
        health_pb2.HealthCheckRequest(), timeout=BOUND_S
    )
    seen, why = [], ""
    async for update in watching:
        seen.append(update.status)
        if len(seen) == 1:
            os.kill(first.pid, signal.SIGSTOP)
        elif len(seen) == 2:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await second.claims().SettleClaim(jiashan_outpatient("req-stop"), timeout=2)
            why = reason(caught.value)
            os.kill(first.pid, signal.SIGCONT)
        else:
            break
    watching.cancel()
    not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
    assert seen == [SERVING, not_serving, SERVING]
    assert why == "OWNER_ABSENT"
    assert house.effective("zhejiang") == []
    reply = await second.claims().SettleClaim(jiashan_outpatient("req-stop"), timeout=BOUND_S)
    assert state_name(reply.claim) == "SETTLED"


async def test_migrate_at_the_start_of_a_second_process_is_no_obstacle(house: Street) -> None:
    await house.start(1)
    second = house.one_more()
    await second.start("--migrate")
    await second.says(FORWARDER)
    reply = await second.claims().SettleClaim(jiashan_outpatient("req-migrated"), timeout=BOUND_S)
    assert state_name(reply.claim) == "SETTLED"


async def test_an_heir_that_cannot_open_the_database_ends_and_says_why(house: Street) -> None:
    first, second = await house.start(2)
    house.place.vkey.with_name("keys").rename(house.place.root / "keys.away")
    await first.end(signal.SIGKILL)
    assert await second.ended() == 2
    assert "keys" in second.said() or "密钥" in second.said()


def reason(error: grpc.aio.AioRpcError) -> str:
    """ErrorInfo.reason of a failed call."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                info = details.ErrorInfo()
                if packed.Unpack(info):
                    return str(info.reason)
    return ""
