"""The platform as a process of its own: started by its command, killed at once after an answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from adapters.sandbox.exchanges import ExchangeLog, Wanted
from tests.integration.sandbox.hospital import (
    PEOPLE,
    SECRETS,
    SM2_SECRETS,
    FakeClock,
    Hospital,
    fee_line,
    sandbox_for,
)

ROOT = Path(__file__).parents[3]
BOUND_S = 30


async def start(state: Path, secrets: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.sandbox", "shanghai", "--state", str(state),
        "--secrets", str(secrets), "--fault", "delay=1ms",
        cwd=ROOT, stderr=asyncio.subprocess.PIPE, env=os.environ | {"YRD_ENVIRONMENT": "demo"},
    )  # fmt: skip
    assert process.stderr is not None
    url = await asyncio.wait_for(process.stderr.readline(), BOUND_S)
    return process, url.decode().strip()


async def test_what_was_answered_survives_a_kill_and_a_term_ends_it(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    given = SECRETS | SM2_SECRETS
    secrets.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items()))
    process, url = await start(tmp_path, secrets)
    timeout = aiohttp.ClientTimeout(total=BOUND_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        # The process lives in real time; so do its timestamps.
        clock = FakeClock(datetime.now(UTC))
        hospital = Hospital("shanghai", url, session, clock)
        person = PEOPLE["shanghai"]["active"]
        line = fee_line("1", "SYN-TB01-0001", "2", "600.00", "1200.00")
        visit = await hospital.outpatient_visit(person, [line])
        parts = ("0", "0", "120.00", "1080.00")
        order = hospital.settlement(person, visit, "1200.00", parts=parts)
        settled = await hospital.send("2207", order)
        process.kill()
        assert await asyncio.wait_for(process.wait(), BOUND_S) == -signal.SIGKILL
    assert settled.ok

    again = sandbox_for("shanghai", tmp_path, FakeClock())
    await again.start()
    assert again.state()["effective_settlements"] == 1
    await again.stop()
    log = ExchangeLog(tmp_path / "shanghai.exchanges.sqlite3")
    newest = log.newest(Wanted(), 10)
    log.close()
    assert [exchange.infno for exchange in newest] == ["2207", "2204", "2203", "2201"]
    assert newest[0].effect == "已提交"

    process, _ = await start(tmp_path, secrets)
    process.terminate()
    assert await asyncio.wait_for(process.wait(), BOUND_S) == 0
