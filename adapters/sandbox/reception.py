"""收发: one message through the service gateway to the platform, and its answer on the way back.

The effect of a message is committed before its answer leaves, whatever then happens to the answer.
Each exchange is noted for the inspector. Not here: which transaction does what (platform.py), what
the network does (delivery.py), the server's life (server.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from adapters.sandbox.context import Refusal
from adapters.sandbox.delivery import CUTS, Arriving, Sleep, arriving, cut, deliver
from adapters.sandbox.exchanges import ExchangeLog
from adapters.sandbox.faults import Fault, FaultBox, FaultName, FaultSpecError, parse_faults
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.platform import VISITED, Message, Platform, read_message
from adapters.sandbox.provinces import VISITED_PATH, Gate, Province
from adapters.sandbox.recording import Recording
from adapters.sandbox.records import StoredAnswer
from adapters.sandbox.refused import MISMATCH, GateRefusal
from adapters.sandbox.spoiling import spoiled
from adapters.sandbox.wire import BadField, Node, Unreadable, dump, parse, raw_tail

FAULT_HEADER = "x-sandbox-fault"


@dataclass(slots=True)
class Gates:
    """The gateway with the newest keys, and with the set before while it is still taken."""

    live: Gatekeeper
    before: Gatekeeper | None = None


class Reception:
    """What answers POST on a platform's paths."""

    def __init__(
        self,
        *,
        province: Province,
        gates: Gates,
        platform: Platform,
        faults: FaultBox,
        exchanges: ExchangeLog,
        now: Callable[[], datetime],
        sleep_ms: Sleep,
    ) -> None:
        self._province, self._gates, self._platform = province, gates, platform
        self._faults, self._exchanges = faults, exchanges
        self._now, self._sleep_ms = now, sleep_ms

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received = self._now()
        recording = Recording(request, body, received)
        try:
            return await self._answered(request, body, received, recording)
        finally:
            self._exchanges.add(recording.finished(self._now()))

    async def _answered(
        self, request: web.Request, body: bytes, received: datetime, recording: Recording
    ) -> web.StreamResponse:
        try:
            extra = parse_faults(request.headers.get(FAULT_HEADER, ""))
            message = self._admit(request, body, recording)
        except GateRefusal as refusal:
            recording.refused_at_the_gate(str(refusal))
            return _json(401, {"code": 401, "message": str(refusal)})
        except FaultSpecError as error:
            recording.unreadable(str(error))
            return _json(400, {"error": str(error)})
        except (Unreadable, BadField, Refusal) as refusal:
            answer = self._platform.refusal(received, str(refusal))
            recording.answered(answer)
            return await deliver(
                request, self._sealed(answer, received, recording), {}, self._sleep_ms
            )
        return await self._with_faults(request, message, extra, received, recording)

    def _admit(self, request: web.Request, body: bytes, recording: Recording) -> Message:
        """Signature, then the envelope, then whether path and header name the same transaction."""
        visited = request.path == VISITED_PATH
        tail = "rows" if visited and not _has_input(body) else "input"
        body = self._opened(request, body, tail, recording)
        envelope = parse(body)
        raw = raw_tail(body.decode(), tail)
        if visited:
            return _visited_message(envelope, tail, raw)
        message = read_message(envelope, raw)
        if request.path != self._province.path_of(message.infno):
            raise Refusal(f"路径与交易 {message.infno} 不符")
        named = request.headers.get("_api_name", message.infno)
        if self._province.gate is Gate.CSB_HMAC_SHA1 and named != message.infno:
            raise Refusal("请求头 _api_name 与交易编号不符")
        return message

    def _opened(self, request: web.Request, body: bytes, tail: str, recording: Recording) -> bytes:
        """The body as it was signed, with either set that is live. Raises GateRefusal."""
        before = self._gates.before
        try:
            plain = _through(self._gates.live, request, body, tail, self._now())
        except GateRefusal:
            if before is None:
                raise
            plain = _through(before, request, body, tail, self._now())
            recording.opened(plain, "验签通过(上一套密钥)")
        else:
            recording.opened(plain, "验签通过")
        return plain

    async def _with_faults(
        self,
        request: web.Request,
        message: Message,
        extra: list[Fault],
        received: datetime,
        recording: Recording,
    ) -> web.StreamResponse:
        hit = self._faults.take(message.infno, message.msgid, extra)
        recording.admitted(message, hit)
        if FaultName.WRONG_SIGNATURE in hit and not self._gates.live.signs_answers:
            recording.refused_at_the_gate(MISMATCH)
            return _json(401, {"code": 401, "message": MISMATCH})
        if FaultName.LOSE_REQUEST in hit:
            recording.lost()
            return cut(request)
        if FaultName.DELAY_REQUEST in hit:
            await self._sleep_ms(hit[FaultName.DELAY_REQUEST].delay_ms)
        answer = self._processed(message, hit, recording)
        if FaultName.DELAY in hit:
            await self._sleep_ms(hit[FaultName.DELAY].delay_ms)
        sealed = self._spoiled(message, answer, hit, received, recording)
        if CUTS & hit.keys():
            recording.nothing_arrived()
        else:
            arrives = arriving(*sealed, hit)
            recording.arrives(arrives, changed=arrives != sealed)
            sealed = arrives
        return await deliver(request, sealed, hit, self._sleep_ms)

    def _processed(
        self, message: Message, hit: Mapping[FaultName, Fault], recording: Recording
    ) -> StoredAnswer:
        """The effect, committed when this returns."""
        differ = hit.get(FaultName.DIFFER)
        known = self._platform.state.message(message.msgid)
        answer = self._platform.answer(
            message,
            self._now(),
            differ_fen=differ.differ_fen if differ else 0,
            refuse=FaultName.REFUSE in hit,
        )
        recording.answered(answer, message=message, again=known is not None)
        return answer

    def _spoiled(
        self,
        message: Message,
        answer: StoredAnswer,
        hit: Mapping[FaultName, Fault],
        received: datetime,
        recording: Recording,
    ) -> Arriving:
        """The answer as it leaves the platform, with what was ordered to be wrong in it."""
        if FaultName.REPEAT in hit:
            answer = self._platform.state.last_answer(message.infno, message.msgid) or answer
        file = self._platform.file_of(message.number, answer)
        if file is not None:
            # Broken: the end of the file is missing.
            whole = FaultName.BROKEN not in hit
            recording.file(len(file))
            return 200, "application/zip", file if whole else file[: len(file) // 2]
        answer = spoiled(answer, hit)
        return self._sealed(answer, received, recording, forged=FaultName.WRONG_SIGNATURE in hit)

    def _sealed(
        self,
        answer: StoredAnswer,
        received: datetime,
        recording: Recording,
        *,
        forged: bool = False,
    ) -> Arriving:
        """The answer's envelope; `output` is last, so that its raw text can be signed."""
        code = str(answer.infcode) if self._province.infcode_is_text else answer.infcode
        envelope: Node = {
            "infcode": code,
            "inf_refmsgid": answer.refmsgid,
            "refmsg_time": _stamp(received),
            "respond_time": _stamp(self._now()),
            "err_msg": answer.err_msg,
            "warn_msg": None,
        }
        seal = self._gates.live.seal(answer.output, forged=forged)
        head = dump(envelope | seal).removesuffix("}")
        recording.sealed(f'{head},"output":{answer.output}}}', signed=bool(seal), forged=forged)
        text = f'{head},"output":{self._gates.live.cover(answer.output)}}}'
        return 200, "application/json", text.encode()


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


def _stamp(moment: datetime) -> str:
    """yyyyMMddHHmmssSSS"""
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03}"


def _json(status: int, value: Node) -> web.Response:
    return web.Response(status=status, text=dump(value), content_type="application/json")
