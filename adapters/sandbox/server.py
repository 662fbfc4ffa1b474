"""HTTP 服务: a platform behind its service gateway, with the faults it was told to have.

The effect of a message is committed before its answer leaves, whatever then happens to the answer.
Control and state endpoints answer loopback only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web

from adapters.sandbox.context import Refusal, Rules
from adapters.sandbox.faults import Fault, FaultBox, FaultName, FaultSpecError, parse_faults
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.platform import VISITED, Message, Platform, read_message
from adapters.sandbox.provinces import PROVINCES, VISITED_PATH, Gate
from adapters.sandbox.records import StoredAnswer
from adapters.sandbox.refused import MISMATCH, GateRefusal
from adapters.sandbox.seeding import read_books, seed
from adapters.sandbox.state import State
from adapters.sandbox.wire import (
    BadField,
    Node,
    Unreadable,
    dump,
    number_of,
    parse,
    raw_tail,
    yuan,
)
from adapters.sandbox.witness import BODY_MAX, PlatformWitness

SHANGHAI_TIME = ZoneInfo("Asia/Shanghai")
FAULT_HEADER = "x-sandbox-fault"
_BODY_LIMIT = 32 * 1024 * 1024
"""An upload of 100,000 rows, as an array of numbers."""
_SHUTDOWN_S = 2

Clock = Callable[[], datetime]
Sleep = Callable[[int], Awaitable[None]]


class NotInProduction(RuntimeError):
    """A stand-in platform was asked to run where real people are settled."""


async def _sleep_ms(milliseconds: int) -> None:
    await asyncio.sleep(milliseconds / 1000)


class Sandbox:
    """One province's stand-in platform as an HTTP server.

    `clock` answers aware time; `secrets` has `access_key`, `secret`, the SM2 keys (README.md) and
    perhaps a `gate` that is not the province's own; `previous` is the set before, while it is still
    taken (密钥轮换). `faults` are armed from the start.
    `witness_logs` are vkeys of logs that the platform watches; without any it is no witness.
    `platform` and `gatekeeper` are for planted defects, which no command line can ask for. Raises
    NotInProduction.
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
    ) -> None:
        if os.environ.get("YRD_ENVIRONMENT") == "production":
            raise NotInProduction("the sandbox refuses to run with YRD_ENVIRONMENT=production")
        own = PROVINCES[province]
        self.province = replace(own, gate=Gate(secrets.get("gate", own.gate)))
        self.faults = FaultBox(fault for text in faults for fault in parse_faults(text))
        self._clock = clock
        self._sleep_ms = sleep_ms
        self._make_gate = partial(gatekeeper, self.province.gate)
        self._gate = self._make_gate(secrets)
        self._gate_before = None if previous is None else self._make_gate(previous)
        self._books = read_books(self.province, policies_dir)
        self._rules = rules or Rules()
        self._platform_class = platform
        self._state_path = state_dir / f"{province}.sqlite3"
        self._witness_dir, self._witness_logs = state_dir / province, tuple(witness_logs)
        self.witness: PlatformWitness | None = None
        """There while it runs, if it watches any log."""
        self._platform: Platform | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; answers the base URL. Port 0 takes a free one."""
        state = State(self._state_path)
        seed(state, self.province)
        self._platform = self._platform_class(
            province=self.province, state=state, books=self._books, rules=self._rules
        )
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_post("/sandbox/control", self._control)
        app.router.add_get("/sandbox/state", self._describe)
        if self._witness_logs:
            self.witness = PlatformWitness(
                name=f"sandbox.yrd.example/{self.province.key}",
                directory=self._witness_dir,
                logs=self._witness_logs,
            )
            app.router.add_post("/witness/add-checkpoint", self._add_checkpoint)
            app.router.add_get("/witness/vkey", self._witness_vkey)
        app.router.add_post("/{path:.*}", self._receive)
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
        if self.witness is not None:
            self.witness.close()
            self.witness = None

    def rotate(self, secrets: Mapping[str, str]) -> None:
        """密钥轮换: sign answers with this set from now on; requests may be signed with the set
        before too, until retire()."""
        self._gate_before, self._gate = self._gate, self._make_gate(secrets)

    def retire(self) -> None:
        """Take requests signed with the newest set alone."""
        self._gate_before = None

    def state(self) -> Mapping[str, object]:
        """The same document as GET /sandbox/state, for a server in this process."""
        return self._running().describe(self._now())

    def _running(self) -> Platform:
        if self._platform is None:
            raise RuntimeError("the sandbox is not started")
        return self._platform

    def _now(self) -> datetime:
        return self._clock().astimezone(SHANGHAI_TIME)

    # -- the platform's own traffic -------------------------------------------------------------

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received = self._now()
        try:
            extra = parse_faults(request.headers.get(FAULT_HEADER, ""))
            message = self._admit(request, body)
        except GateRefusal as refusal:
            return _unauthorised(str(refusal))
        except FaultSpecError as error:
            return web.json_response({"error": str(error)}, status=400)
        except (Unreadable, BadField, Refusal) as refusal:
            answer = self._running().refusal(received, str(refusal))
            return self._reply(answer, received)
        return await self._with_faults(request, message, extra, received)

    def _admit(self, request: web.Request, body: bytes) -> Message:
        """Signature, then the envelope, then whether path and header name the same transaction."""
        visited = request.path == VISITED_PATH
        tail = "rows" if visited and not _has_input(body) else "input"
        body = self._opened(request, body, tail)
        envelope = parse(body)
        raw = raw_tail(body.decode(), tail)
        if visited:
            return _visited_message(envelope, tail, raw)
        message = read_message(envelope, raw)
        if request.path != self.province.path_of(message.infno):
            raise Refusal(f"路径与交易 {message.infno} 不符")
        named = request.headers.get("_api_name", message.infno)
        if self.province.gate is Gate.CSB_HMAC_SHA1 and named != message.infno:
            raise Refusal("请求头 _api_name 与交易编号不符")
        return message

    def _opened(self, request: web.Request, body: bytes, tail: str) -> bytes:
        """The body as it was signed, with either set that is live. Raises GateRefusal."""
        try:
            return _through(self._gate, request, body, tail, self._now())
        except GateRefusal:
            if self._gate_before is None:
                raise
        return _through(self._gate_before, request, body, tail, self._now())

    async def _with_faults(
        self, request: web.Request, message: Message, extra: list[Fault], received: datetime
    ) -> web.StreamResponse:
        hit = self.faults.take(message.infno, message.msgid, extra)
        if FaultName.WRONG_SIGNATURE in hit and not self._gate.signs_answers:
            return _unauthorised(MISMATCH)
        if FaultName.LOSE_REQUEST in hit:
            return _cut(request)
        if FaultName.DELAY_REQUEST in hit:
            await self._sleep_ms(hit[FaultName.DELAY_REQUEST].delay_ms)
        differ = hit.get(FaultName.DIFFER)
        answer = self._running().answer(
            message,
            self._now(),
            differ_fen=differ.differ_fen if differ else 0,
            refuse=FaultName.REFUSE in hit,
        )
        if FaultName.DELAY in hit:
            await self._sleep_ms(hit[FaultName.DELAY].delay_ms)
        if FaultName.LOSE_REPLY in hit:
            return _cut(request)
        if FaultName.HTTP500 in hit:
            return web.Response(status=500, text="Internal Server Error")
        if FaultName.GARBAGE in hit:
            return web.Response(text="<html>系统维护中", content_type="text/html")
        if FaultName.REPEAT in hit:
            answer = self._running().state.last_answer(message.infno, message.msgid) or answer
        file = self._running().file_of(message.number, answer)
        if file is not None:
            # Broken: the end of the file is missing.
            whole = FaultName.BROKEN not in hit
            return web.Response(
                body=file if whole else file[: len(file) // 2], content_type="application/zip"
            )
        if FaultName.BROKEN in hit:
            answer = _broken(answer)
        return self._reply(answer, received, forged=FaultName.WRONG_SIGNATURE in hit)

    def _reply(
        self, answer: StoredAnswer, received: datetime, *, forged: bool = False
    ) -> web.Response:
        """The answer's envelope; `output` is last, so that its raw text can be signed."""
        code = str(answer.infcode) if self.province.infcode_is_text else answer.infcode
        envelope: Node = {
            "infcode": code,
            "inf_refmsgid": answer.refmsgid,
            "refmsg_time": _stamp(received),
            "respond_time": _stamp(self._now()),
            "err_msg": answer.err_msg,
            "warn_msg": None,
        }
        envelope |= self._gate.seal(answer.output, forged=forged)
        output = self._gate.cover(answer.output)
        text = dump(envelope).removesuffix("}") + f',"output":{output}}}'
        return web.Response(text=text, content_type="application/json")

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

    # -- for tests and the demo -----------------------------------------------------------------

    async def _control(self, request: web.Request) -> web.Response:
        """{"clear": true, "arm": ["lose-reply=1@2207"]}"""
        _loopback_only(request)
        try:
            order = parse(await request.read())
            if order.get("clear") is True:
                self.faults.clear()
            wanted = order.get("arm", [])
            for text in wanted if isinstance(wanted, list) else [wanted]:
                self.faults.arm(str(text))
        except (Unreadable, FaultSpecError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"armed": self.faults.describe()})

    async def _describe(self, request: web.Request) -> web.Response:
        _loopback_only(request)
        text = dump(dict(self._running().describe(self._now())))
        return web.Response(text=text, content_type="application/json")


def _through(
    gate: Gatekeeper, request: web.Request, body: bytes, tail: str, now: datetime
) -> bytes:
    plain = gate.opened(body, tail)
    gate.check(request.headers, plain, tail, now)
    return plain


def _visited_message(envelope: Node, tail: str, raw: str) -> Message:
    given = {"rows": envelope["rows"]} if tail == "rows" else read_message(envelope, raw).given
    # Idempotent by setl_sn alone: an empty msgid keeps these calls out of the message store.
    return Message(VISITED, "", envelope, given, "")


def _has_input(body: bytes) -> bool:
    try:
        return "input" in parse(body)
    except Unreadable:
        return True


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without a byte of answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _broken(answer: StoredAnswer) -> StoredAnswer:
    """Fen too many for the patient, and not the same number twice: neither I1 nor I3 holds."""
    output = parse(answer.output.encode()) if answer.output != "null" else {}
    info = output.get("setlinfo")
    if not isinstance(info, dict):
        return answer
    for name, extra in (("psn_cash_pay", 1), ("psn_part_amt", 2)):
        value = info.get(name)
        if value is not None:
            more = number_of(value, name) + yuan(extra)
            info[name] = str(more) if isinstance(value, str) else more
    return StoredAnswer(answer.refmsgid, answer.infcode, answer.err_msg, dump(output))


def _stamp(moment: datetime) -> str:
    """yyyyMMddHHmmssSSS"""
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03}"


def _unauthorised(message: str) -> web.Response:
    text = dump({"code": 401, "message": message})
    return web.Response(status=401, text=text, content_type="application/json")


def _loopback_only(request: web.Request) -> None:
    if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
        raise web.HTTPForbidden
