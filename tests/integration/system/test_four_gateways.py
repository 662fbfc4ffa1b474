"""Four gateway processes on one PostgreSQL database: one log, whoever is asked and whoever dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import func, select

from gateway.store.engine import read_engine
from gateway.store.verify_store import verify_store
from ledger.tables import CHECKPOINT, ENTRY, LEAF
from tests.integration.system.killing import (
    PROVISIONAL,
    KillableGateway,
    KillHouse,
    is_at_rest,
    kill_house,
    state_name,
)
from tests.integration.system.world import jiashan_outpatient
from yrd.claim.v1 import claim_pb2

GATEWAYS = 4
CLAIMS = 200
CALLERS = 48
"""Calls under way at once; more would wait in the house's queue."""
CALL_S = 20
DYING_CALL_S = 8
"""Of a claim whose gateway died the workers take care after it."""
REST_S = 40
HAND_OVER_MAX_S = 10

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(180)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[KillHouse]:
    """The first gateway signs fifty times as often as the others: it is the one that signs."""
    async with kill_house(tmp_path / "data", gateways=1) as made:
        seldom = made.settings.model_copy(update={"checkpoint_interval_ms": 1_000})
        made.gateways += [KillableGateway(made.place, seldom) for _ in range(GATEWAYS - 1)]
        for gateway in made.gateways:
            await gateway.start()
        yield made


async def settle(
    house: KillHouse, requests: list[claim_pb2.SettleClaimRequest], *, call_s: float = CALL_S
) -> dict[str, list[claim_pb2.Claim]]:
    """Each request at every gateway at once; a call whose gateway has died is left unanswered."""
    callers = asyncio.Semaphore(CALLERS)
    answers: dict[str, list[claim_pb2.Claim]] = {request.request_id: [] for request in requests}

    async def one(gateway: KillableGateway, request: claim_pb2.SettleClaimRequest) -> None:
        async with callers:
            try:
                reply = await gateway.stub.SettleClaim(request, timeout=call_s)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error.details()
            else:
                answers[request.request_id].append(reply.claim)

    calls = [one(gateway, request) for request in requests for gateway in house.gateways]
    await asyncio.gather(*calls)
    return answers


async def at_rest(gateway: KillableGateway, request_id: str) -> claim_pb2.Claim:
    """The claim once nobody is at work on it."""
    asked = claim_pb2.GetClaimRequest(request_id=request_id)
    async with asyncio.timeout(REST_S):
        while True:
            claim: claim_pb2.Claim = (await gateway.stub.GetClaim(asked, timeout=CALL_S)).claim
            if is_at_rest(claim):
                return claim
            await asyncio.sleep(0.05)


def effective(house: KillHouse) -> list[str]:
    """Batches that the insured region holds as settled."""
    state: Any = house.region.state()
    return [row["batch"] for row in state["settlements"] if row["effective"]]


def check(house: KillHouse) -> int:
    """No gap, no fork, files and checkpoints of one log; answers the posted entries."""
    settings = house.settings
    found = verify_store(
        settings.database, settings.keys_dir, house.published.vkey, production=False
    )
    assert found.ledger.problems == () and found.state.problems == ()
    engine = read_engine(settings.database)
    with engine.connect() as connection, connection.begin():
        house.published.check(connection, "four gateways")
        leaves = connection.execute(select(func.count(), func.max(LEAF.c.leaf_index))).one()
        signed = connection.execute(select(func.max(CHECKPOINT.c.size))).scalar_one()
        posted = select(func.count()).where(ENTRY.c.kind == "posted")
        count = int(connection.execute(posted).scalar_one())
    engine.dispose()
    assert tuple(leaves) == (signed, signed - 1), "dense from 0, and signed to its end"
    return count


async def test_four_processes_settle_each_of_two_hundred_request_ids_once(
    house: KillHouse,
) -> None:
    requests = [jiashan_outpatient(f"req-4-{n:03d}", batch=f"F{n:03d}") for n in range(CLAIMS)]
    answers = await settle(house, requests)
    # A gateway that finds the claim under way at another one says so, provisionally.
    states = {state_name(claim) for claims in answers.values() for claim in claims}
    assert states <= {"SETTLED", "RECORDED"}
    assert all(len(claims) == GATEWAYS for claims in answers.values())
    assert all(len({claim.claim_id for claim in claims}) == 1 for claims in answers.values())
    for request_id in answers:
        assert state_name(await at_rest(house.gateways[-1], request_id)) == "SETTLED"
    for gateway in house.gateways:
        await gateway.stop()
    batches = effective(house)
    assert len(batches) == len(set(batches)) == CLAIMS
    assert check(house) == CLAIMS


async def test_when_the_one_that_signs_is_killed_another_signs_within_seconds(
    house: KillHouse,
) -> None:
    requests = [jiashan_outpatient(f"req-d-{n:03d}", batch=f"D{n:03d}") for n in range(CLAIMS // 4)]
    loop, signing = asyncio.get_running_loop(), house.gateways[0]
    settling = asyncio.create_task(settle(house, requests, call_s=DYING_CALL_S))
    half_way = len(requests) // 2
    while len(effective(house)) < half_way and not settling.done():
        await asyncio.sleep(0.02)
    size = house.published.look()
    assert size > 0, "it had begun to sign"
    signing.kill()
    died = loop.time()
    async with asyncio.timeout(HAND_OVER_MAX_S):
        while house.published.look() <= size:
            await asyncio.sleep(0.005)
    took_s = loop.time() - died
    answers = await settling
    assert all(len(claims) >= GATEWAYS - 1 for claims in answers.values())
    found = {name: await at_rest(house.gateways[1], name) for name in answers}
    for gateway in house.gateways:
        await gateway.stop()
    settled = [claim for claim in found.values() if state_name(claim) == "SETTLED"]
    # Of those under way at the dead one the outcome may be unknown; then they are taken back.
    assert {state_name(claim) for claim in found.values()} <= {"SETTLED"} | PROVISIONAL
    batches = effective(house)
    assert half_way <= len(settled) == len(batches) == len(set(batches))
    assert check(house) >= len(settled)
    print(f"signed again {took_s:.2f} s after the death of the one that signed")
