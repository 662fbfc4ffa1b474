"""门禁: what the service gateway in front of a platform must let through, and what never.

A message that is turned away here did not reach the platform: nothing took effect, and our adapter
says so (未送达). What a scheme does not sign cannot be tried; it is asked of the scheme itself,
so no scheme's name stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from adapters.national_client import NationalClient
from adapters.signing.scheme import Outgoing, Scheme
from gateway.conformance import alter
from gateway.conformance.answers import said, turned_away, yes
from gateway.conformance.relay import Asked, Fault
from gateway.conformance.resigned import Missigning, signing_by
from gateway.conformance.rule import Broken, Group, NotRun, rule
from gateway.conformance.stand import Stand
from gateway.ports import NotDelivered

_MARGIN = timedelta(minutes=1)
_OK = 200
_STRANGER = "conformance-nobody"


@rule(
    "C01",
    Group.GATE,
    "正确签名的报文被受理",
    why="其余各条都以此为前提(接口规范:先验签,后处理)",
    does="以配置的签名方式查询测试人员(1101)",
    quick=True,
    first=True,
)
async def right_signature(stand: Stand) -> None:
    answer = await stand.client.find_person(stand.ctx(), stand.target.site.patient)
    if stand.relay.trouble:
        raise Broken(f"平台无法连接({stand.relay.trouble})")
    yes(answer, "查询人员(1101)")


@rule(
    "C02",
    Group.GATE,
    "签名错误的结算在网关被拒,没有生效",
    why="否则任何人都能以医院名义结算(接口规范要求验签;算法与网关因省而异 [medium])",
    does="以错误的密钥签名一笔结算",
    quick=True,
)
async def wrong_signature(stand: Stand) -> None:
    wrong_secrets = replace(stand.target.secrets, secret=b"conformance-wrong-secret")
    wrong = stand.scheme(stand.connected(wrong_secrets))
    await _turned_away(stand, signing_by(stand.client, lambda _: Missigning(wrong)), "签名错误")


@rule(
    "C03",
    Group.GATE,
    "时间戳过期的结算被拒,没有生效",
    why="截获的报文否则可以永远重放(CSB 网关:签名时间戳超时,30 分钟 [solid])",
    does="以比时间窗口早一分钟的时钟签名一笔结算",
)
async def old_time(stand: Stand) -> None:
    await _out_of_time(stand, -1, "时间戳过期")


@rule(
    "C04",
    Group.GATE,
    "时间戳超前的结算被拒,没有生效",
    why="超前的报文可以留到以后重放;时钟错误应当尽早发现 [medium]",
    does="以比时间窗口晚一分钟的时钟签名一笔结算",
)
async def early_time(stand: Stand) -> None:
    await _out_of_time(stand, 1, "时间戳超前")


@rule(
    "C05",
    Group.GATE,
    "不认识的接入方被拒,没有生效",
    why="接入方由密钥编号区分(CSB 网关:非法用户 [solid])",
    does="以不存在的接入编号、正确的密钥签名一笔结算",
)
async def unknown_caller(stand: Stand) -> None:
    stranger = replace(stand.target.secrets, key_id=_STRANGER)
    scheme = stand.scheme(stand.connected(stranger))
    if not _carries(scheme, _STRANGER):
        raise NotRun("本省的签名不带接入编号")
    await _turned_away(stand, signing_by(stand.client, lambda _: scheme), "接入方不明")


@rule(
    "C06",
    Group.GATE,
    "正文在途中被改动的结算被拒,没有生效",
    why="签名若覆盖正文,改动一个数字就应被发现;CSB 与 TIF 的签名不含正文 [solid]",
    does="签名之后在中继处改动正文里的一个数字",
)
async def body_changed(stand: Stand) -> None:
    if not _covers_body(stand.scheme()):
        raise NotRun("本省的签名不含正文,只能由传输层(TLS)保护")
    await _turned_away(stand, stand.client, "正文被改动", Fault(alter_request=_one_digit))


@rule(
    "C07",
    Group.GATE,
    "截获的报文原样重放:没有第二笔",
    why="CSB 的签名在 30 分钟内可重放,随机数只在部分网关 [solid];防重放最终靠报文 ID",
    does="结算成功后,把同样的字节与请求头再送一遍",
)
async def replayed(stand: Stand) -> None:
    sent, _ = await stand.settled()
    again = await stand.relay.deliver(stand.relay.asked[-1])
    await stand.holds(1, "原样重放", sent.att)
    if stand.profile.signing.nonce_ttl_s and again.status == _OK:
        stand.differs("网关又接受了用过的随机数", "signing.nonce_ttl_s = 0")


async def _out_of_time(stand: Stand, sign: int, when_zh: str) -> None:
    scheme = stand.scheme()
    if not _tells_time(scheme):
        raise NotRun("本省的签名不带时间戳")
    skew = timedelta(milliseconds=stand.profile.signing.skew_ms) + _MARGIN
    await _turned_away(stand, stand.connected(ahead=sign * skew), when_zh, ahead=sign * skew)


async def _turned_away(
    stand: Stand,
    client: NationalClient,
    when_zh: str,
    fault: Fault | None = None,
    ahead: timedelta = timedelta(0),
) -> None:
    """A settlement through `client` is turned away, and a right one goes through afterwards."""
    att = await stand.ready()
    before = len(stand.relay.asked)
    if fault is not None:
        stand.relay.arm(fault)
    answer = await stand.settle(att, stand.ctx(sent_at=stand.target.now + ahead), client)
    if len(stand.relay.asked) == before:
        raise NotRun(f"本适配器没有发出这样的报文:{said(answer)}")
    if not isinstance(answer, NotDelivered):
        # What took effect matters more than how it was told.
        await stand.holds(0, when_zh, att)
    turned_away(answer, f"{when_zh}的结算")
    await stand.holds(0, when_zh, att)
    yes(await stand.settle(att), "随后正确签名的结算")
    await stand.holds(1, "随后正确签名的结算", att)


def _one_digit(asked: Asked) -> Asked:
    return replace(asked, body=alter.other_digit(asked.body))


# --- what a scheme signs -----------------------------------------------------------------


def _spoken(scheme: Scheme, body: bytes, clock_ms: int) -> dict[str, str]:
    """Everything a scheme adds to one message."""
    request = Outgoing("1101", body, clock_ms, nonce="n")
    return {**scheme.envelope(body.decode()), **scheme.headers(request)}


def _differ(scheme: Scheme, other: Callable[[], dict[str, str]]) -> bool:
    # Asked twice, because a scheme may put chance into each signature (SM2 does).
    first, again = _spoken(scheme, b"{}", 10**12), _spoken(scheme, b"{}", 10**12)
    return any(first[name] == again[name] != value for name, value in other().items())


def _tells_time(scheme: Scheme) -> bool:
    return _differ(scheme, lambda: _spoken(scheme, b"{}", 2 * 10**12))


def _covers_body(scheme: Scheme) -> bool:
    first, again = _spoken(scheme, b"{}", 10**12), _spoken(scheme, b"{}", 10**12)
    by_chance = first != again
    return by_chance or _differ(scheme, lambda: _spoken(scheme, b"[]", 10**12))


def _carries(scheme: Scheme, key_id: str) -> bool:
    return any(key_id in value for value in _spoken(scheme, b"{}", 10**12).values())


RULES = (
    right_signature,
    wrong_signature,
    old_time,
    early_time,
    unknown_caller,
    body_changed,
    replayed,
)
