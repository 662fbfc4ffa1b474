"""kill -9 of a real gateway process at any moment loses nothing and doubles nothing.

On SQLite it is the one that owns the database, and the next one starts; on PostgreSQL a second one
serves, signs and publishes meanwhile, and hears the dead one's callers again.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.counter.answers import check_answer
from gateway.store.engine import read_engine
from gateway.store.verify_store import verify_store
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

ROUNDS = 200 if os.environ.get("YRD_TEST_CAMPAIGN") == "long" else 5
"""More with `./yrd test --campaign long`."""
SEED = int(os.environ.get("YRD_SEED", "20261124"))
CHECK_EVERY = 25
CLAIMS = 12
"""Claims sent in each round."""
CALLERS = 4
"""Of these claims at once: so that a death finds claims at every stage."""
MOMENTS_MAX = 320
"""The regions ask for the time about so often in a round, if nobody dies."""
CALL_S = 3
"""What a caller gives us; a claim whose process died is taken up by the worker after it."""
LATER_MAX_S = 0.02
"""The rest of the moment: between two of the region's questions much is done here."""
HAND_OVER_MAX_S = 10
EXPECTED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}

pytestmark = [pytest.mark.timeout(90 + 10 * ROUNDS), pytest.mark.every_database]


@dataclass
class Campaign:
    """One house, one seed, and how long each hand-over took."""

    house: KillHouse
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    served_s: list[float] = field(default_factory=list)
    signed_s: list[float] = field(default_factory=list)
    refused: int = 0
    callers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLERS))

    async def round(self, number: int) -> None:
        """Load, a death in the middle of it, and the same requests again at who serves next."""
        requests = [
            jiashan_outpatient(f"kill-{number:03d}-{n:02d}", batch=f"K{number:03d}{n:02d}")
            for n in range(CLAIMS)
        ]
        victim = self.chance.choice(self.house.gateways)
        calls = [asyncio.create_task(self._try(request)) for request in requests]
        await self._moment_of_death(calls)
        size = self.house.published.look()
        victim.kill()
        died = asyncio.get_running_loop().time()
        await asyncio.gather(*calls)
        await victim.forget()
        others = [gateway for gateway in self.house.gateways if gateway is not victim]
        heir = others[0] if others else victim
        if heir is victim:
            await victim.start()
        await self._hand_over(heir, requests, died, size)
        if heir is not victim:
            await victim.start()

    async def _try(self, request: claim_pb2.SettleClaimRequest) -> None:
        stub = self.chance.choice(self.house.gateways).stub
        try:
            async with self.callers:
                claim = (await stub.SettleClaim(request, timeout=CALL_S)).claim
        except grpc.aio.AioRpcError as error:
            # Killed under the call, or refused before anything was sent; never a wrong request.
            assert error.code() in EXPECTED, f"{error.code()} {error.details()}"
            self.refused += 1
        else:
            self.house.told[request.request_id] = claim

    async def _moment_of_death(self, calls: Sequence[asyncio.Task[None]]) -> None:
        moments, later = self.house.moments, self.chance.uniform(0, LATER_MAX_S)
        until = moments.asked + self.chance.randrange(MOMENTS_MAX)
        while moments.asked < until and not all(call.done() for call in calls):
            await asyncio.sleep(0.001)
        await asyncio.sleep(later)  # not a wait: the moment of death, drawn from the seed

    async def _hand_over(
        self,
        heir: KillableGateway,
        requests: list[claim_pb2.SettleClaimRequest],
        died: float,
        size: int,
    ) -> None:
        """Who was not answered asks again, under the same request_id, and is answered now."""
        loop, told = asyncio.get_running_loop(), self.house.told
        again = [request for request in requests if request.request_id not in told]
        async with asyncio.timeout(HAND_OVER_MAX_S):
            for request in again:
                reply = await heir.stub.SettleClaim(request, timeout=HAND_OVER_MAX_S)
                told[request.request_id] = reply.claim
                if request is again[0]:
                    self.served_s.append(loop.time() - died)
            while again and self.house.published.look() <= size:
                await asyncio.sleep(0.002)
        if again:
            self.signed_s.append(loop.time() - died)

    async def kill_all_and_check(self, where: str) -> None:
        """With nobody alive: books, log and files agree."""
        for gateway in self.house.gateways:
            gateway.kill()
            await gateway.forget()
        await asyncio.to_thread(check_books, self.house, f"seed {SEED}, {where}")

    async def start_all(self) -> None:
        for gateway in self.house.gateways:
            await gateway.start()

    async def settle_as_ever(self) -> None:
        """After all those deaths, at each gateway."""
        for number, gateway in enumerate(self.house.gateways):
            names = [f"kill-end-{number}-{n}" for n in range(CLAIMS)]
            requests = [jiashan_outpatient(name, batch=name[5:]) for name in names]
            calls = [gateway.stub.SettleClaim(request, timeout=20) for request in requests]
            claims = [reply.claim for reply in await asyncio.gather(*calls)]
            assert {state_name(claim) for claim in claims} == {"SETTLED"}
            self.house.told |= {claim.request_id: claim for claim in claims}

    def figures(self) -> str:
        def seconds(times: list[float]) -> str:
            if not times:
                return "none"
            return f"median {statistics.median(times):.2f} s, at most {max(times):.2f} s"

        return (
            f"{ROUNDS} deaths, {len(self.house.told)} claims acknowledged, {self.refused} calls "
            f"broken off and asked again; served again: {seconds(self.served_s)}; signed and "
            f"kept outside again: {seconds(self.signed_s)}; "
            f"{len(self.house.published.notes)} checkpoints seen"
        )


@pytest.fixture
async def campaign(tmp_path: Path, database_kind: str) -> AsyncIterator[Campaign]:
    count = 1 if database_kind == "sqlite" else 2
    async with kill_house(tmp_path / "data", gateways=count) as house:
        yield Campaign(house)


async def test_kill_minus_nine_at_any_moment_loses_nothing_and_doubles_nothing(
    campaign: Campaign,
) -> None:
    await campaign.start_all()
    for number in range(1, ROUNDS + 1):
        await campaign.round(number)
        if number % CHECK_EVERY == 0:
            await campaign.kill_all_and_check(f"round {number}")
            await campaign.start_all()
    await campaign.settle_as_ever()
    found = await ask_all(campaign.house.gateways[0], list(campaign.house.told))
    for gateway in campaign.house.gateways:
        await gateway.stop()
    check_claims(campaign.house, found)
    await campaign.kill_all_and_check("at the end")
    print(campaign.figures())


async def ask_all(gateway: KillableGateway, request_ids: list[str]) -> dict[str, claim_pb2.Claim]:
    """Every claim on record, once none of them is being worked on any more."""
    found: dict[str, claim_pb2.Claim] = {}
    async with asyncio.timeout(60 + ROUNDS):
        for request_id in request_ids:
            asked = claim_pb2.GetClaimRequest(request_id=request_id)
            while request_id not in found:
                claim = (await gateway.stub.GetClaim(asked, timeout=10)).claim
                if is_at_rest(claim):
                    found[request_id] = claim
                    break
                await asyncio.sleep(0.05)
    return found


def check_books(house: KillHouse, where: str) -> None:
    settings = house.settings
    found = verify_store(
        settings.database,
        settings.keys_dir,
        house.published.vkey,
        production=False,
        check_answer=check_answer,
    )
    assert found.ledger.problems == () and found.state.problems == (), where
    assert found.ledger.checked["leaves"] > 0
    engine = read_engine(settings.database)
    with engine.connect() as connection, connection.begin():
        house.published.check(connection, where)
    engine.dispose()


def check_claims(house: KillHouse, found: dict[str, claim_pb2.Claim]) -> None:
    """Nothing acknowledged is lost, nothing is paid twice, money only with the region's yes."""
    state: Any = house.region.state()
    effective = [row for row in state["settlements"] if row["effective"]]
    by_msgid = {row["msgid"] for row in effective}
    batches = [row["batch"] for row in effective]
    assert len(batches) == len(set(batches)), f"seed {SEED}: a batch is settled twice"
    for request_id, claim in house.told.items():
        if state_name(claim) == "SETTLED":
            assert found[request_id] == claim, f"seed {SEED}: {request_id} changed"
        else:
            assert state_name(claim) in PROVISIONAL, f"seed {SEED}: {request_id} {claim.state}"
    for request_id, claim in found.items():
        pivot = [m.msgid for m in claim.messages if m.transaction.startswith("2207")]
        if state_name(claim) == "SETTLED":
            assert set(pivot) & by_msgid, f"seed {SEED}: {request_id} posted without a yes"
        else:
            assert state_name(claim) in PROVISIONAL, f"seed {SEED}: {request_id} {claim.state}"
            assert not set(pivot) & by_msgid, f"seed {SEED}: {request_id} paid and not posted"
    settled = sum(state_name(claim) == "SETTLED" for claim in found.values())
    assert settled > 0, f"seed {SEED}: nothing was settled, so nothing was tried"
    assert settled == len(effective)
