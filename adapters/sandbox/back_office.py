"""后台: what somebody on this machine may ask a stand-in platform: faults, state, the inspector.

Loopback only, and for the inspector only by a name of this machine: a page elsewhere that makes a
browser ask here under a name of its own is refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web

from adapters.sandbox.exchanges import ExchangeLog, Wanted
from adapters.sandbox.faults import FaultBox, FaultSpecError
from adapters.sandbox.inspector import PAGE_SIZE, Heading, list_page, message_page
from adapters.sandbox.platform import Platform
from adapters.sandbox.wire import Unreadable, dump, parse

_STYLE = Path(__file__).with_name("inspector.css")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PROTECTED = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class BackOffice:
    """The local pages of one running platform."""

    def __init__(
        self,
        platform: Platform,
        faults: FaultBox,
        exchanges: ExchangeLog,
        now: Callable[[], datetime],
    ) -> None:
        self._platform, self._faults = platform, faults
        self._exchanges, self._now = exchanges, now

    def mount(self, app: web.Application) -> None:
        app.router.add_post("/sandbox/control", self._control)
        app.router.add_get("/sandbox/state", self._describe)
        app.router.add_get("/sandbox/inspector", self._list)
        app.router.add_get("/sandbox/inspector/inspector.css", self._style)
        app.router.add_get("/sandbox/inspector/{number:[0-9]{1,15}}", self._message)

    async def _control(self, request: web.Request) -> web.Response:
        """{"clear": true, "arm": ["lose-reply=1@2207"]}"""
        _loopback_only(request)
        try:
            order = parse(await request.read())
            if order.get("clear") is True:
                self._faults.clear()
            wanted = order.get("arm", [])
            for text in wanted if isinstance(wanted, list) else [wanted]:
                self._faults.arm(str(text))
        except (Unreadable, FaultSpecError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"armed": self._faults.describe()})

    async def _describe(self, request: web.Request) -> web.Response:
        _loopback_only(request)
        text = dump(dict(self._platform.describe(self._now())))
        return web.Response(text=text, content_type="application/json")

    # -- the inspector ---------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.Response:
        _this_machine_only(request)
        asked = {name: value.strip()[:40] for name, value in request.query.items()}
        before = asked.get("before", "")
        wanted = Wanted(
            infno=asked.get("infno", ""),
            msgid=asked.get("msgid", ""),
            outcome=asked.get("outcome", ""),
            before=int(before) if before.isascii() and before.isdigit() else 0,
        )
        found = self._exchanges.newest(wanted, PAGE_SIZE + 1)
        return _page(list_page(self._heading(), wanted, found))

    async def _message(self, request: web.Request) -> web.Response:
        _this_machine_only(request)
        exchange = self._exchanges.one(int(request.match_info["number"]))
        if exchange is None:
            raise web.HTTPNotFound(text="没有这条报文:可能已被更新的报文挤出。")
        settlement = self._platform.state.settlement_by_msgid(exchange.msgid)
        return _page(message_page(self._heading(), exchange, settlement))

    async def _style(self, request: web.Request) -> web.Response:
        _this_machine_only(request)
        text = _STYLE.read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/css", headers=_PROTECTED)

    def _heading(self) -> Heading:
        province = self._platform.province
        return Heading(
            name_zh=province.name_zh,
            pool=province.pool,
            gate=province.gate.value,
            now=f"{self._now():%Y-%m-%d %H:%M:%S}",
            kept=self._exchanges.count(),
            faults=self._faults.describe(),
        )


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=_PROTECTED)


def _loopback_only(request: web.Request) -> None:
    if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
        raise web.HTTPForbidden


def _this_machine_only(request: web.Request) -> None:
    _loopback_only(request)
    if request.url.host not in _LOCAL_NAMES:
        raise web.HTTPForbidden(text="只在本机查看:请用 127.0.0.1 或 localhost 打开。")
