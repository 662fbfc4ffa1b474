"""`sandbox PROVINCE`: run one stand-in platform until it is told to stop.

Plain functions, so that any command line can mount them. Keys come from the caller.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from adapters.sandbox.context import Rules
from adapters.sandbox.exchanges import NEWEST_KEPT
from adapters.sandbox.inspector import ROOT
from adapters.sandbox.server import Clock, Sandbox


def run(
    *,
    province: str,
    host: str,
    port: int,
    state_dir: Path,
    policies_dir: Path,
    secrets: Mapping[str, str],
    clock: Clock,
    faults: Iterable[str] = (),
    rules: Rules | None = None,
    witness_logs: Iterable[str] = (),
    previous: Mapping[str, str] | None = None,
    seed_dir: Path | None = None,
    keep_exchanges: int = NEWEST_KEPT,
    announce: Callable[[str], None] = lambda url: print(url, file=sys.stderr, flush=True),
) -> None:
    """Block until SIGINT or SIGTERM. `announce` is given the base URL once it listens; where its
    messages are shown, and what was not used, is told on standard error."""
    sandbox = Sandbox(
        province=province,
        state_dir=state_dir,
        policies_dir=policies_dir,
        secrets=secrets,
        clock=clock,
        faults=faults,
        rules=rules,
        witness_logs=witness_logs,
        previous=previous,
        seed_dir=seed_dir,
        keep_exchanges=keep_exchanges,
    )
    if sandbox.seeds.ignored:
        print(f"{province} 已有状态,--seed 未使用;要从头来,加 --reset。", file=sys.stderr)
    asyncio.run(_serve(sandbox, host, port, announce))


async def _serve(sandbox: Sandbox, host: str, port: int, announce: Callable[[str], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    url = await sandbox.start(host, port)
    announce(url)
    print(f"报文查看 {url}{ROOT}", file=sys.stderr, flush=True)
    try:
        await stopping.wait()
    finally:
        await sandbox.stop()
