"""Gateways that may be killed -9 at any moment: platforms, processes, a hospital's view."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc

from adapters.sandbox.server import Sandbox
from gateway.config import Settings, load_settings
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.store.migrate import migrate_database
from tests.integration.system.world import QINGPU, now, start_sandboxes
from tests.kill.dying_gateway import run_gateway
from tests.kill.processes import BOUND_S, Killable
from tests.kill.published import Published
from yrd.claim.v1 import claim_pb2, claim_pb2_grpc

PROVISIONAL = {"RECORDED", "UNKNOWN", "REVERSAL_SENT"}
HEARD = {"answered", "refused"}
_ASK_S = 0.002


def state_name(claim: claim_pb2.Claim) -> str:
    return claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")


def is_at_rest(claim: claim_pb2.Claim) -> bool:
    """Nobody is at work on it any more. A 2601 is planned before it is sent: who died in between
    has left it to the next one, which asks again."""
    if state_name(claim) == "REVERSAL_SENT":
        reversals = [m for m in claim.messages if m.transaction.startswith("2601")]
        return any(message.outcome in HEARD for message in reversals)
    return state_name(claim) not in ("RECORDED", "UNKNOWN")


class KillableGateway:
    """One process after another, and the hospital's channel to the one that lives."""

    def __init__(self, place: DataDir, settings: Settings) -> None:
        self._place, self._settings = place, settings
        self._process: Killable | None = None
        self._channel: grpc.aio.Channel | None = None
        self.stub: Any = None

    async def start(self) -> None:
        process = self._process = Killable(run_gateway, self._settings)
        async with asyncio.timeout(BOUND_S):
            while not (said := process.hear()):
                assert process.lives, "the gateway did not start again"
                await asyncio.sleep(_ASK_S)
        tls = self._place.tls
        credentials = grpc.ssl_channel_credentials(
            (tls / "ca.pem").read_bytes(),
            (tls / f"{QINGPU}.key").read_bytes(),
            (tls / f"{QINGPU}.pem").read_bytes(),
        )
        self._channel = grpc.aio.secure_channel(f"localhost:{said[0]}", credentials)
        self.stub = claim_pb2_grpc.ClaimServiceStub(self._channel)

    @property
    def pid(self) -> int:
        """0 while it is not running."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """At once; `forget` the channel when its calls have ended."""
        if self._process is not None:
            self._process.end()
            self._process = None

    async def stop(self) -> None:
        """As an operator would; it drains."""
        if self._process is not None:
            await asyncio.to_thread(self._process.end, signal.SIGTERM)
            self._process = None
        await self.forget()

    async def forget(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None


@dataclass
class Moments:
    """A clock that counts: a platform asks it at each step of a message, so that a number of
    questions is a moment of the load, the same one on a slow machine."""

    asked: int = 0

    def __call__(self) -> datetime:
        self.asked += 1
        return now()


@dataclass
class KillHouse:
    """What lives on while gateways die."""

    place: DataDir
    settings: Settings
    region: Sandbox
    moments: Moments
    gateways: list[KillableGateway]
    published: Published
    told: dict[str, claim_pb2.Claim] = field(default_factory=dict)
    """What the hospital was told last, by request_id."""


@asynccontextmanager
async def kill_house(root: Path, *, gateways: int) -> AsyncIterator[KillHouse]:
    """Three platforms and so many gateways on one database; none is started yet."""
    place = create_data_dir(root, now=now(), random=SystemIds().salt)
    moments = Moments()
    alone: dict[str, Any] = {
        "listen": "127.0.0.1:0", "witnesses": {}, "quorum": 0, "checkpoint_interval_ms": 20,
        "worker_interval_ms": 50, "reversal_retry_ms": 200,
    }  # fmt: skip
    settings = load_settings(place.settings).model_copy(update=alone)
    migrate_database(settings.database)
    sandboxes, settings = await start_sandboxes(place, settings, clock=moments)
    house = KillHouse(
        place,
        settings,
        sandboxes["zhejiang"],
        moments,
        [KillableGateway(place, settings) for _ in range(gateways)],
        Published(
            settings.tiles_dir,
            settings.entries_dir,
            settings.outside_checkpoint,
            place.vkey.read_text().strip(),
        ),
    )
    try:
        yield house
    finally:
        for gateway in house.gateways:
            gateway.kill()
            await gateway.forget()
        for sandbox in sandboxes.values():
            await sandbox.stop()
