"""医院: the load. N callers on one mTLS connection, each with its next call when one is answered.

The same client drives the gateway and the baseline. Rates count the answers after the first
quarter of a run, when every caller has found its place.
Run: python -m bench.hospital_process DATA_DIR
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from bench.bills import INSTITUTION, bills
from bench.child import announce, answer_lines
from bench.echo_process import PATH
from gateway.clock import SystemClock
from gateway.demo.layout import DataDir
from yrd.claim.v1 import claim_pb2, claim_pb2_grpc

TIMEOUT_S = 30.0
SETTLING_IN = 0.25
"""Part of a run whose answers do not count towards its rate."""

Channel = grpc.aio.Channel
Unary = Callable[..., Any]


@dataclass(slots=True)
class Load:
    """One run: what to call, by how many, for how long; and what came of it."""

    call: Callable[[], Any]
    callers: int
    seconds: float
    began: float = 0.0
    ended_at: list[float] = field(default_factory=list)
    """Seconds since the beginning."""
    took_us: list[int] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    async def run(self) -> dict[str, Any]:
        """Every caller until the time is over, and then until its last answer."""
        gc.collect()
        self.began = time.perf_counter()
        await asyncio.gather(*(self._caller() for _ in range(self.callers)))
        counted_from = self.seconds * SETTLING_IN
        counted = sum(counted_from <= at < self.seconds for at in self.ended_at)
        return {
            "done": len(self.took_us),
            "per_s": counted / (self.seconds - counted_from),
            "took_us": self.took_us,
            "outcomes": dict(self.outcomes),
        }

    async def _caller(self) -> None:
        while (sent := time.perf_counter()) - self.began < self.seconds:
            try:
                outcome = await self.call()
            except grpc.aio.AioRpcError as error:
                outcome = error.code().name
            ended = time.perf_counter()
            self.took_us.append(round((ended - sent) * 1e6))
            self.ended_at.append(ended - self.began)
            self.outcomes[outcome] += 1


class Hospital:
    """Connections of one institution, and the calls it makes."""

    def __init__(self, place: DataDir) -> None:
        pem = [
            (place.tls / name).read_bytes()
            for name in ("ca.pem", f"{INSTITUTION}.key", f"{INSTITUTION}.pem")
        ]
        self._credentials = grpc.ssl_channel_credentials(*pem)
        self._channels: dict[str, Channel] = {}

    def channel(self, address: str) -> Channel:
        if address not in self._channels:
            self._channels[address] = grpc.aio.secure_channel(address, self._credentials)
        return self._channels[address]

    async def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """A job: what = settle or echo, address, callers, seconds; settle: run; echo: bytes."""
        channel = self.channel(job["address"])
        await channel.channel_ready()
        sizes: dict[str, int] = {}
        if job["what"] == "settle":
            call = _settle(channel, job["run"], sizes)
        else:
            call = _echo(channel, bytes(job["request_bytes"]))
        load = Load(call, job["callers"], job["seconds"])
        return {**await load.run(), **sizes}

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()


def _settle(channel: Channel, run: str, sizes: dict[str, int]) -> Callable[[], Any]:
    stub: Any = claim_pb2_grpc.ClaimServiceStub(channel)
    requests = bills(run, SystemClock().now())

    async def call() -> str:
        request = next(requests)
        reply = await stub.SettleClaim(request, timeout=TIMEOUT_S)
        sizes.update(request_bytes=request.ByteSize(), reply_bytes=reply.ByteSize())
        return claim_pb2.ClaimState.Name(reply.claim.state).removeprefix("CLAIM_STATE_")

    return call


def _echo(channel: Channel, request: bytes) -> Callable[[], Any]:
    method: Unary = channel.unary_unary(PATH)

    async def call() -> str:
        await method(request, timeout=TIMEOUT_S)
        return "OK"

    return call


async def run(place: DataDir) -> None:
    """Work until standard input ends."""
    hospital = Hospital(place)
    gc.freeze()
    announce("")
    try:
        await answer_lines(hospital.answer)
    finally:
        await hospital.close()


if __name__ == "__main__":
    asyncio.run(run(DataDir(Path(sys.argv[1]))))
