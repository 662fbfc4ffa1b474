"""kill -9 of a real gateway process at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from adapters.sandbox.server import Sandbox
from gateway.config import load_settings
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.store.engine import read_engine
from gateway.store.migrate import migrate_database
from ledger.verify import verify
from tests.integration.system.world import (
    QINGPU,
    jiashan_outpatient,
    now,
    start_sandboxes,
)
from yrd.claim.v1 import claim_pb2, claim_pb2_grpc

ROUNDS = 60 if os.environ.get("YRD_TEST_CAMPAIGN") == "long" else 5
"""More with `./yrd test --campaign long`."""
SEED = int(os.environ.get("YRD_SEED", "20261124"))
CLAIMS = 12
"""Claims sent in each round."""
MESSAGES = 6
"""Messages of one claim: 1101, 5206, 2201, 2203A, 2204, 2207A."""
EXPECTED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
PROVISIONAL = {"UNKNOWN", "REVERSAL_SENT"}

pytestmark = [pytest.mark.timeout(60 + 30 * ROUNDS), pytest.mark.every_database]


class KillableGateway:
    """The process, its port, and a hospital's view of it."""

    def __init__(self, place: DataDir, urls: Path) -> None:
        self._place, self._urls = place, urls
        self._port_file = place.root / "port"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._port_file.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.system.gateway_process",
            str(self._place.settings),
            str(self._urls),
            str(self._port_file),
        )
        async with asyncio.timeout(30):
            while not self._port_file.exists():
                if self._process.returncode is not None:
                    raise AssertionError("the gateway did not start again")
                await asyncio.sleep(0.02)

    async def end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        async with asyncio.timeout(30):
            await self._process.wait()

    @contextlib.asynccontextmanager
    async def hospital(self) -> AsyncIterator[Any]:
        tls = self._place.tls
        credentials = grpc.ssl_channel_credentials(
            (tls / "ca.pem").read_bytes(),
            (tls / f"{QINGPU}.key").read_bytes(),
            (tls / f"{QINGPU}.pem").read_bytes(),
        )
        address = f"localhost:{self._port_file.read_text()}"
        async with grpc.aio.secure_channel(address, credentials) as channel:
            yield claim_pb2_grpc.ClaimServiceStub(channel)


def state_name(claim: claim_pb2.Claim) -> str:
    return claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")


def messages_seen(region: Sandbox) -> int:
    state: Any = region.state()
    return sum(state["calls"].values())


async def send_until_killed(
    gateway: KillableGateway,
    requests: list[claim_pb2.SettleClaimRequest],
    region: Sandbox,
    kill_after: int,
) -> dict[str, claim_pb2.Claim]:
    """What the hospital was told before the process died, by request_id. It dies once the region
    has seen `kill_after` of this round's messages."""
    told: dict[str, claim_pb2.Claim] = {}
    before = messages_seen(region)

    async with gateway.hospital() as stub:

        async def one(request: claim_pb2.SettleClaimRequest) -> None:
            try:
                told[request.request_id] = (await stub.SettleClaim(request, timeout=5)).claim
            except grpc.aio.AioRpcError as error:
                # Killed under the call, or refused before anything was sent; never a wrong request.
                assert error.code() in EXPECTED, f"{error.code()} {error.details()}"

        calls = [asyncio.create_task(one(request)) for request in requests]
        while messages_seen(region) - before < kill_after and not all(c.done() for c in calls):
            await asyncio.sleep(0.001)
        await gateway.end(signal.SIGKILL)
        await asyncio.gather(*calls)
    return told


async def settle_all(
    gateway: KillableGateway, requests: list[claim_pb2.SettleClaimRequest]
) -> dict[str, claim_pb2.Claim]:
    """After all those deaths it settles as ever."""
    async with gateway.hospital() as stub:
        calls = [stub.SettleClaim(request, timeout=20) for request in requests]
        claims = [reply.claim for reply in await asyncio.gather(*calls)]
    assert {state_name(claim) for claim in claims} == {"SETTLED"}
    return {claim.request_id: claim for claim in claims}


async def ask_all(gateway: KillableGateway, request_ids: list[str]) -> dict[str, claim_pb2.Claim]:
    """Every claim on record, once none of them is being worked on any more."""
    async with gateway.hospital() as stub, asyncio.timeout(40):
        found: dict[str, claim_pb2.Claim] = {}
        for request_id in request_ids:
            while True:
                try:
                    claim = (
                        await stub.GetClaim(
                            claim_pb2.GetClaimRequest(request_id=request_id), timeout=10
                        )
                    ).claim
                except grpc.aio.AioRpcError as error:
                    assert error.code() is grpc.StatusCode.NOT_FOUND
                    break
                if state_name(claim) not in ("RECORDED", "UNKNOWN"):
                    found[request_id] = claim
                    break
                await asyncio.sleep(0.1)
        return found


async def test_kill_minus_nine_at_any_moment_loses_nothing_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    place = create_data_dir(tmp_path / "data", now=now(), random=SystemIds().salt)
    settings = load_settings(place.settings)
    migrate_database(settings.database)
    sandboxes, pointed = await start_sandboxes(place, settings)
    urls = tmp_path / "urls.json"
    urls.write_text(json.dumps({c: r.base_url for c, r in pointed.regions.items()}))
    chance = random.Random(SEED)
    gateway = KillableGateway(place, urls)
    told: dict[str, claim_pb2.Claim] = {}
    sent: list[str] = []
    try:
        for number in range(ROUNDS):
            await gateway.start()
            requests = [
                jiashan_outpatient(f"kill-{number:03d}-{n:03d}", batch=f"K{number:03d}{n:03d}")
                for n in range(CLAIMS)
            ]
            sent += [request.request_id for request in requests]
            kill_after = chance.randrange(CLAIMS * MESSAGES)
            told |= await send_until_killed(gateway, requests, sandboxes["zhejiang"], kill_after)
        await gateway.start()
        last = [jiashan_outpatient(f"kill-end-{n}", batch=f"KE{n}") for n in range(CLAIMS)]
        sent += [request.request_id for request in last]
        told |= await settle_all(gateway, last)
        found = await ask_all(gateway, sent)
        await gateway.end(signal.SIGTERM)
        check(told, found, sandboxes["zhejiang"])
        check_ledger(place)
    finally:
        for sandbox in sandboxes.values():
            await sandbox.stop()


def check_ledger(place: DataDir) -> None:
    engine = read_engine(load_settings(place.settings).database)
    with engine.connect() as connection, connection.begin():
        report = verify(connection, place.vkey.read_text().strip())
    engine.dispose()
    assert report.problems == (), f"seed {SEED}"
    assert report.checked["leaves"] > 0


def check(
    told: dict[str, claim_pb2.Claim], found: dict[str, claim_pb2.Claim], region: Sandbox
) -> None:
    """Nothing acknowledged is lost, nothing is paid twice, money only with the region's yes."""
    state: Any = region.state()
    effective = [row for row in state["settlements"] if row["effective"]]
    by_msgid = {row["msgid"] for row in effective}
    batches = [row["batch"] for row in effective]
    assert len(batches) == len(set(batches)), f"seed {SEED}: a batch is settled twice"
    for request_id, claim in told.items():
        assert request_id in found, f"seed {SEED}: {request_id} was acknowledged and is lost"
        if state_name(claim) == "SETTLED":
            assert found[request_id] == claim, f"seed {SEED}: {request_id} changed"
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
