"""HTTP 服务: the life of a stand-in platform: where it may run, what it opens, when it ends.

Messages are reception.py's, what an operator on this machine sees is back_office.py's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web

from adapters.sandbox.back_office import BackOffice
from adapters.sandbox.context import Rules
from adapters.sandbox.delivery import Sleep
from adapters.sandbox.exchanges import NEWEST_KEPT, ExchangeLog
from adapters.sandbox.faults import FaultBox, parse_faults
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.not_in_production import NotInProduction, refuse_production
from adapters.sandbox.platform import Platform
from adapters.sandbox.provinces import PROVINCES, Gate
from adapters.sandbox.reception import Gates, Reception
from adapters.sandbox.seed_choice import SeedChoice
from adapters.sandbox.seeding import read_books, seed
from adapters.sandbox.state import State
from adapters.sandbox.witness import BODY_MAX, PlatformWitness

SHANGHAI_TIME = ZoneInfo("Asia/Shanghai")
_BODY_LIMIT = 32 * 1024 * 1024
"""An upload of 100,000 rows, as an array of numbers."""
_SHUTDOWN_S = 2

Clock = Callable[[], datetime]


async def _sleep_ms(milliseconds: int) -> None:
    await asyncio.sleep(milliseconds / 1000)


class Sandbox:
    """One province's stand-in platform as an HTTP server.

    `clock` answers aware time; `secrets` has `access_key`, `secret`, the SM2 keys (README.md) and
    perhaps a `gate` that is not the province's own; `previous` is the set before, while it is still
    taken (密钥轮换). `faults` are armed from the start.
    `witness_logs` are vkeys of logs that the platform watches; without any it is no witness.
    `platform` and `gatekeeper` are for planted defects, which no command line can ask for.
    `seed_dir` holds people and books of one's own for a state that is still empty (`seeds`);
    `keep_exchanges` bounds what the inspector shows. Raises NotInProduction, BadSeed.
    """

    def __init__(
        self,
        *,
        province: str,
        state_dir: Path,
        policies_dir: Path,
        secrets: Mapping[str, str],
        clock: Clock,
        faults: Iterable[str] = (),
        rules: Rules | None = None,
        sleep_ms: Sleep = _sleep_ms,
        witness_logs: Iterable[str] = (),
        platform: type[Platform] = Platform,
        gatekeeper: type[Gatekeeper] = Gatekeeper,
        previous: Mapping[str, str] | None = None,
        seed_dir: Path | None = None,
        keep_exchanges: int = NEWEST_KEPT,
    ) -> None:
        refuse_production(state_dir)
        own = PROVINCES[province]
        self.province = replace(own, gate=Gate(secrets.get("gate", own.gate)))
        self.faults = FaultBox(fault for text in faults for fault in parse_faults(text))
        self._clock = clock
        self._sleep_ms = sleep_ms
        self._make_gate = partial(gatekeeper, self.province.gate)
        self._gates = Gates(
            self._make_gate(secrets), None if previous is None else self._make_gate(previous)
        )
        self._state_path = state_dir / f"{province}.sqlite3"
        self.seeds = SeedChoice(self.province.key, state_dir, seed_dir)
        self._books = read_books(self.province, policies_dir, self.seeds.files)
        self._rules = rules or Rules()
        self._platform_class = platform
        self._exchanges_path = state_dir / f"{province}.exchanges.sqlite3"
        self._keep_exchanges = keep_exchanges
        self._exchanges: ExchangeLog | None = None
        self._witness_dir, self._witness_logs = state_dir / province, tuple(witness_logs)
        self.witness: PlatformWitness | None = None
        """There while it runs, if it watches any log."""
        self._platform: Platform | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; answers the base URL. Port 0 takes a free one."""
        self.seeds.keep()
        state = State(self._state_path)
        seed(state, self.province, self.seeds.files)
        self._platform = self._platform_class(
            province=self.province, state=state, books=self._books, rules=self._rules
        )
        self._exchanges = ExchangeLog(self._exchanges_path, newest=self._keep_exchanges)
        app = web.Application(client_max_size=_BODY_LIMIT)
        BackOffice(self._platform, self.faults, self._exchanges, self._now).mount(app)
        if self._witness_logs:
            self.witness = PlatformWitness(
                name=f"sandbox.yrd.example/{self.province.key}",
                directory=self._witness_dir,
                logs=self._witness_logs,
            )
            app.router.add_post("/witness/add-checkpoint", self._add_checkpoint)
            app.router.add_get("/witness/vkey", self._witness_vkey)
        reception = Reception(
            province=self.province,
            gates=self._gates,
            platform=self._platform,
            faults=self.faults,
            exchanges=self._exchanges,
            now=self._now,
            sleep_ms=self._sleep_ms,
        )
        app.router.add_post("/{path:.*}", reception.receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        return f"http://{host}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening and close the state; may be started again over the same state."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._platform is not None:
            self._platform.state.close()
            self._platform = None
        if self._exchanges is not None:
            self._exchanges.close()
            self._exchanges = None
        if self.witness is not None:
            self.witness.close()
            self.witness = None

    def rotate(self, secrets: Mapping[str, str]) -> None:
        """密钥轮换: sign answers with this set from now on; requests may be signed with the set
        before too, until retire()."""
        self._gates.before, self._gates.live = self._gates.live, self._make_gate(secrets)

    def retire(self) -> None:
        """Take requests signed with the newest set alone."""
        self._gates.before = None

    def state(self) -> Mapping[str, object]:
        """The same document as GET /sandbox/state, for a server in this process."""
        return self._running().describe(self._now())

    def _running(self) -> Platform:
        if self._platform is None:
            raise RuntimeError("the sandbox is not started")
        return self._platform

    def _now(self) -> datetime:
        return self._clock().astimezone(SHANGHAI_TIME)

    # -- as a witness ----------------------------------------------------------------------------

    def _watching(self) -> PlatformWitness:
        if self.witness is None:
            raise web.HTTPNotFound
        return self.witness

    async def _add_checkpoint(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > BODY_MAX:
            return web.Response(status=400, text="too large\n")
        reply = self._watching().add_checkpoint(body, self._clock())
        return web.Response(status=reply.status, text=reply.text, content_type=reply.content_type)

    async def _witness_vkey(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._watching().vkey + "\n")


__all__ = ["Clock", "NotInProduction", "Sandbox"]
