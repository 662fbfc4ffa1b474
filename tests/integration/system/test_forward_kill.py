"""kill -9 of the process that writes, under load at three: one of the others is at it in a moment.

What a hospital was told stands, nothing is paid twice, and a call by way of a process that lives is
answered in spite of the death, or told that its outcome is open. Now and then one dies that only
forwards: then nobody else may notice.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from gateway.store.lock import holder
from tests.integration.system.killing import KillableGateway, KillHouse, kill_house, state_name
from tests.integration.system.test_forwarding import reason
from tests.integration.system.test_kill import ask_all, check_books, check_claims
from tests.integration.system.world import jiashan_outpatient
from yrd.claim.v1 import claim_pb2

ROUNDS = 200 if os.environ.get("YRD_TEST_CAMPAIGN") == "long" else 2
"""More with `./yrd test --campaign long`."""
SEED = int(os.environ.get("YRD_SEED", "20261125"))
PROCESSES = 3
FORWARDER_DIES_EVERY = 5
CHECK_EVERY = 25
CLAIMS = 12
"""Claims sent in each round, each at all processes."""
CALLERS = 18
MOMENTS_MAX = 320
"""The regions ask for the time about so often in a round, if nobody dies."""
CALL_S = 6
HAND_OVER_MAX_S = 6
"""A second or less on an idle machine."""
OPEN = {"OWNER_LOST", "OWNER_ABSENT"}

pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(120 + 15 * ROUNDS)]


@dataclass
class Succession:
    """One house, one seed, and how long each hand-over took."""

    house: KillHouse
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    callers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLERS))
    served_s: list[float] = field(default_factory=list)
    broken: int = 0
    """Calls that ended with the process they were sent to."""
    left_open: int = 0
    """Calls by way of a process that lives on which were told that their outcome is open."""

    def owner(self) -> KillableGateway:
        """Waits for one: a dead one's number stands in the lock until the next holds it."""
        database = self.house.settings.database
        assert isinstance(database, Path)
        pid = holder(database).pid
        return next(g for g in self.house.gateways if str(g.pid) == pid)

    async def round(self, number: int) -> None:
        """Load, a death in the middle of it, and everything asked again at who lives."""
        requests = [
            jiashan_outpatient(f"heir-{number:03d}-{n:02d}", batch=f"H{number:03d}{n:02d}")
            for n in range(CLAIMS)
        ]
        victim = self._victim(number)
        calls = [
            asyncio.create_task(self._try(gateway, request, victim))
            for request in requests
            for gateway in self.house.gateways
        ]
        await self._moment_of_death(calls)
        victim.kill()
        died = asyncio.get_running_loop().time()
        survivors = [gateway for gateway in self.house.gateways if gateway is not victim]
        await asyncio.gather(*(self._serves_again(g, number, died) for g in survivors), *calls)
        await victim.forget()
        for request in requests:
            stub = self.chance.choice(survivors).stub
            reply = await stub.SettleClaim(request, timeout=CALL_S)
            self.house.told[request.request_id] = reply.claim
        await victim.start()

    def _victim(self, number: int) -> KillableGateway:
        owner = self.owner()
        if number % FORWARDER_DIES_EVERY:
            return owner
        return self.chance.choice([g for g in self.house.gateways if g is not owner])

    async def _try(
        self,
        gateway: KillableGateway,
        request: claim_pb2.SettleClaimRequest,
        victim: KillableGateway,
    ) -> None:
        try:
            async with self.callers:
                claim = (await gateway.stub.SettleClaim(request, timeout=CALL_S)).claim
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE, f"{error.code()} {error.details()}"
            if gateway is victim:
                self.broken += 1
            else:
                assert reason(error) in OPEN, f"seed {SEED}: {error.details()}"
                self.left_open += 1
        else:
            self.house.told[request.request_id] = claim

    async def _serves_again(self, gateway: KillableGateway, number: int, died: float) -> None:
        """A claim that nobody has seen yet, settled by way of this process."""
        name = f"after-{number:03d}-{self.house.gateways.index(gateway)}"
        request = jiashan_outpatient(name, batch=name[3:])
        async with asyncio.timeout(HAND_OVER_MAX_S):
            claim = (await gateway.stub.SettleClaim(request, timeout=HAND_OVER_MAX_S)).claim
        self.served_s.append(asyncio.get_running_loop().time() - died)
        assert state_name(claim) == "SETTLED", f"seed {SEED}"
        self.house.told[name] = claim

    async def _moment_of_death(self, calls: Sequence[asyncio.Task[None]]) -> None:
        moments = self.house.moments
        until = moments.asked + self.chance.randrange(MOMENTS_MAX)
        while moments.asked < until and not all(call.done() for call in calls):
            await asyncio.sleep(0.001)

    async def start_all(self) -> None:
        for gateway in self.house.gateways:
            await gateway.start()

    async def kill_all_and_check(self, where: str) -> None:
        """With nobody alive: books, log and files agree."""
        for gateway in self.house.gateways:
            gateway.kill()
            await gateway.forget()
        await asyncio.to_thread(check_books, self.house, f"seed {SEED}, {where}")

    def figures(self) -> str:
        return (
            f"{ROUNDS} deaths, {len(self.house.told)} claims acknowledged; {self.broken} calls "
            f"ended with their process, {self.left_open} by way of another were left open; settled "
            f"again after: median {statistics.median(self.served_s):.2f} s, at most "
            f"{max(self.served_s):.2f} s"
        )


@pytest.fixture
async def succession(tmp_path: Path) -> AsyncIterator[Succession]:
    async with kill_house(tmp_path / "data", gateways=PROCESSES) as house:
        yield Succession(house)


async def test_kill_minus_nine_of_the_owner_hands_over_and_loses_and_doubles_nothing(
    succession: Succession,
) -> None:
    await succession.start_all()
    for number in range(1, ROUNDS + 1):
        await succession.round(number)
        if number % CHECK_EVERY == 0:
            await succession.kill_all_and_check(f"round {number}")
            await succession.start_all()
    found = await ask_all(succession.house.gateways[0], list(succession.house.told))
    for gateway in succession.house.gateways:
        await gateway.stop()
    check_claims(succession.house, found)
    await succession.kill_all_and_check("at the end")
    print(succession.figures())
