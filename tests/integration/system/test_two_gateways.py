"""Two gateways serve one database: whichever a hospital reaches, a claim is settled once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.store.verify_store import verify_store
from gateway.telemetry import configure
from tests.integration.system.test_settlement import (
    effective,
    eventually,
    ledger_postings,
    state_name,
)
from tests.integration.system.world import QINGPU, World, jiashan_outpatient, now, running
from yrd.claim.v1 import claim_pb2

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(120)]


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[tuple[World, World]]:
    """One house, and a second gateway on the same database and platforms."""
    async with running(tmp_path / "data") as first:
        gateway = Gateway(first.settings, logger=configure(now=now))
        second = replace(first, gateway=gateway, port=await gateway.start(), channels=[])
        try:
            yield first, second
        finally:
            for channel in second.channels:
                await channel.close()
            await gateway.stop()


async def test_five_hundred_calls_over_fifty_request_ids_at_two_gateways_settle_fifty_times(
    worlds: tuple[World, World],
) -> None:
    stubs = [world.claims(QINGPU) for world in worlds]
    requests = [jiashan_outpatient(f"req-two-{n:04d}", batch=f"T{n:04d}") for n in range(50)]
    calls = [stubs[n % 2].SettleClaim(requests[n // 2 % 50], timeout=90) for n in range(500)]
    answers = [reply.claim for reply in await asyncio.gather(*calls)]
    # A gateway that finds the claim under way at the other one says so, provisionally.
    assert {state_name(claim) for claim in answers} <= {"SETTLED", "RECORDED"}
    assert len({claim.claim_id for claim in answers}) == 50
    for claim_id in {claim.claim_id for claim in answers}:
        await eventually(worlds[1], claim_id, "SETTLED")
    assert effective(worlds[0], "zhejiang") == 50
    assert await ledger_postings(worlds[1]) == 50


async def test_a_lost_reply_is_reversed_by_one_gateway_alone_and_told_by_one_alone(
    worlds: tuple[World, World],
) -> None:
    worlds[0].sandboxes["zhejiang"].faults.arm("lose-reply@2207#1")
    stub = worlds[0].claims(QINGPU)
    request = jiashan_outpatient("req-two-lost")
    claim = (await stub.SettleClaim(request, timeout=15)).claim
    assert state_name(claim) == "UNKNOWN"
    resolved = await eventually(worlds[1], claim.claim_id, "REVERSAL_SENT")
    assert len([m for m in resolved.messages if m.transaction == "2601"]) == 1
    again = claim_pb2.GetClaimRequest(claim_id=claim.claim_id)
    assert (await stub.GetClaim(again, timeout=15)).claim.claim_id == claim.claim_id
    settings = worlds[0].settings
    found = verify_store(
        settings.database,
        settings.keys_dir,
        worlds[0].place.vkey.read_text().strip(),
        production=False,
    )
    assert found.ledger.problems == () and found.state.problems == ()
