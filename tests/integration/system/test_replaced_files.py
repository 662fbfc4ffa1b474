"""Keys and certificates are replaced under a running gateway, and it settles all the while."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from itertools import count
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.demo.dev_keys import dev_secrets
from gateway.rpc.health import FILES
from tests.integration.system.served import street
from tests.integration.system.test_settlement import settle, state_name
from tests.integration.system.world import QINGPU, World, jiashan_outpatient, running
from yrd.audit.v1 import audit_pb2

pytestmark = pytest.mark.timeout(120)
PATIENCE_S = 20.0
SERVING = health_pb2.HealthCheckResponse.SERVING


def write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="ascii")
    fresh.replace(path)


async def until_files_are(channel: grpc.aio.Channel, *, well: bool) -> None:
    """Told as it changes: health looks at each file once a second."""
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=FILES)
    async with asyncio.timeout(PATIENCE_S):
        async for answer in stub.Watch(request):
            if (answer.status == SERVING) is well:
                return


async def until_logged(world: World, event: str, times: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (world.place.logs / "gateway.jsonl").read_text("utf-8").count(event) < times:
            await asyncio.sleep(0)


async def test_a_province_s_keys_are_rotated_under_a_running_gateway(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as world:
        path = world.settings.regions["33"].secrets_file
        old, numbers = path.read_text("ascii"), count(1)
        new, theirs = dev_secrets("zhejiang", lambda: next(numbers).to_bytes(32, "big"), sm2=True)
        write(path, f"{old}\n[next]\nvalid_from = 2025-01-01\n{new}")
        world.sandboxes["zhejiang"].rotate(tomllib.loads(theirs))
        await until_logged(world, "file_read_again", 1)
        claim = await settle(world, jiashan_outpatient("req-rotation-1", batch="B1"))
        assert state_name(claim) == "SETTLED"
        # The new set signs since 2025: the platform needs the old one no more.
        world.sandboxes["zhejiang"].retire()
        claim = await settle(world, jiashan_outpatient("req-rotation-2", batch="B2"))
        assert state_name(claim) == "SETTLED"


async def test_a_broken_file_is_told_by_health_and_the_old_keys_go_on(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as world:
        channel, path = world.channel(QINGPU), world.settings.regions["33"].secrets_file
        old = path.read_text("ascii")
        await until_files_are(channel, well=True)
        write(path, 'access_key = "only half of it')
        await until_files_are(channel, well=False)
        claim = await settle(world, jiashan_outpatient("req-broken-1"))
        assert state_name(claim) == "SETTLED"
        write(path, old)
        await until_files_are(channel, well=True)
        # One line for the broken file, whoever asked how often.
        log = (world.place.logs / "gateway.jsonl").read_text("utf-8")
        assert log.count("new_file_not_usable") == 1
        assert "only half" not in log


async def test_sighup_is_no_end_but_a_look_at_the_files(tmp_path: Path) -> None:
    async with street(tmp_path) as house:
        (process,) = await house.start(1)
        path = house.settings.regions["33"].secrets_file
        write(path, path.read_text("ascii") + "\n")
        process.tell(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            while "file_read_again" not in (house.place.logs / "gateway.jsonl").read_text("utf-8"):
                await asyncio.sleep(0)
        assert (await process.audit().GetStatus(audit_pb2.GetStatusRequest())).regions
