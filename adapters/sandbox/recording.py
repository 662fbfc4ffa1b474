"""记录: what is noted of one exchange while it is on its way through the server.

Collects; decides nothing and touches no socket. What is kept is masked first (masking.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from adapters.sandbox.delivery import Arriving
from adapters.sandbox.exchanges import TEXT_MAX, Exchange
from adapters.sandbox.faults import Fault, FaultName
from adapters.sandbox.masking import masked
from adapters.sandbox.platform import Message
from adapters.sandbox.records import StoredAnswer
from adapters.sandbox.transactions import READS
from adapters.sandbox.wire import BadField, Unreadable, dump, parse, text_of

_HEADERS = ("_api_", "x-", "content-", "user-agent")
_BODY_MAX = 4 * 1024 * 1024
"""A longer message is an uploaded file; only its length is kept."""
NO_EFFECT, LOST = "无", "连接中断:对方什么也没有收到"


class Recording:
    """One exchange in the making; `finished` gives what is kept of it."""

    def __init__(self, request: web.Request, body: bytes, now: datetime) -> None:
        self._exchange = Exchange(
            at=_time(now),
            path=request.path,
            headers=_shown(request.headers),
            request_bytes=len(body),
            outcome="failed",
            effect=NO_EFFECT,
            gate="未验签",
        )
        self._plain, self._answer, self._arrived = body, "", ""

    def opened(self, plain: bytes, verdict: str) -> None:
        self._plain = plain
        self._exchange.gate, self._exchange.admitted = verdict, True

    def admitted(self, message: Message, hit: Mapping[FaultName, Fault]) -> None:
        self._exchange.infno, self._exchange.msgid = message.infno, message.msgid
        self._exchange.faults = [name.value for name in hit]

    def refused_at_the_gate(self, text: str) -> None:
        self._exchange.gate, self._exchange.admitted = text, False
        self._end("gate", text, 401)
        self._plainly(dump({"code": 401, "message": text}))

    def unreadable(self, text: str) -> None:
        """The fault header makes no sense."""
        self._end("unreadable", text, 400)
        self._plainly(dump({"error": text}))

    def lost(self) -> None:
        """The request never came to the platform."""
        self._end("failed", "请求在途中丢失,平台没有处理", 0)
        self._arrived = LOST

    def answered(
        self, answer: StoredAnswer, *, message: Message | None = None, again: bool = False
    ) -> None:
        """What the platform decided, and whether anything was committed."""
        done = answer.infcode == 0
        self._end("ok" if done else "refused", answer.err_msg, 200)
        if done and message is not None:
            self._exchange.effect = _effect(message, again)

    def sealed(self, text: str, *, signed: bool, forged: bool) -> None:
        self._answer = text
        words = "错误(按指定故障)" if forged else "已签名"
        self._exchange.answer_signature = words if signed else "本平台不签答复"
        self._exchange.answer_bytes = len(text.encode())

    def file(self, size: int) -> None:
        self._answer, self._exchange.answer_bytes = "", size
        self._exchange.answer_signature = "文件不签名"
        self._arrived = f"ZIP 文件,{size} 字节"

    def nothing_arrived(self) -> None:
        self._exchange.status, self._arrived = 0, LOST

    def arrives(self, answer: Arriving, *, changed: bool) -> None:
        """What leaves for the other side; `changed` where a fault of the way replaced it."""
        status, kind, body = answer
        self._exchange.status = status
        if changed:
            shown = "" if kind == "application/zip" else f":{_text(body)}"
            self._arrived = f"HTTP {status} {kind},{len(body)} 字节{shown}"

    def _plainly(self, text: str) -> None:
        """An answer of the gateway itself, without envelope."""
        self._answer = text
        self._exchange.answer_bytes = len(text.encode())
        self._exchange.answer_signature = "网关的答复不签名"

    def finished(self, now: datetime) -> Exchange:
        found = self._exchange
        found.answered_at = _time(now)
        self._name_it()
        found.request = _kept(_text(self._plain))
        found.answer = _kept(self._answer)
        found.arrived = _kept(self._arrived)
        found.err_msg = masked(found.err_msg)
        return found

    def _end(self, outcome: str, text: str, status: int) -> None:
        self._exchange.outcome, self._exchange.err_msg = outcome, text
        self._exchange.status = status

    def _name_it(self) -> None:
        """The envelope stands in clear text even where the gateway refused it."""
        found = self._exchange
        if len(self._plain) > _BODY_MAX:
            return
        try:
            envelope = parse(self._plain)
            found.infno = found.infno or text_of(envelope, "infno")[:40]
            found.msgid = found.msgid or text_of(envelope, "msgid")[:40]
            found.institution = text_of(envelope, "fixmedins_code")[:40]
        except (Unreadable, BadField):
            return  # shown as the text that it is


def _effect(message: Message, again: bool) -> str:
    if message.number in READS:
        return "查询,没有效果"
    return "重复报文:答复照旧,没有第二次效果" if again else "已提交"


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value[:500] for name, value in headers.items() if name.lower().startswith(_HEADERS)
    }


def _text(body: bytes) -> str:
    if len(body) > _BODY_MAX:
        return f"…共 {len(body)} 字节,未保留"
    return body.decode("utf-8", errors="replace")


def _kept(text: str) -> str:
    text = masked(text)
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…共 {len(text)} 个字符"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
