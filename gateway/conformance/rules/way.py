"""途中: what a line, a proxy or a tired platform does to a message, and that it costs nobody money.

Without an answer that was read and verified the outcome is unknown: neither yes nor no. Each rule
here goes the whole way out of it, as a journey does: 2601 by the old msgid, then a settlement under
a new one, and at the end the platform holds exactly one.
"""

from __future__ import annotations

from gateway.conformance import alter
from gateway.conformance.answers import said, unknown, yes
from gateway.conformance.relay import Back, Fault, Onward
from gateway.conformance.rule import Broken, Group, NotRun, Rule, rule
from gateway.conformance.stand import HASTE_S, PATIENCE_S, Stand
from gateway.domain.bill import VisitKind
from gateway.domain.visit import Attendance
from gateway.ports import Accepted, Declined, NoAnswer

_UNKNOWN = "没有读到并验过的应答,结果就是未知,不是成功也不是失败"
_PAGE = "<html><body>系统维护中</body></html>"


@rule(
    "C20",
    Group.WAY,
    "请求丢失:结果未知,没有生效;冲正后以新报文结算,恰有一笔",
    why=f"{_UNKNOWN} [rule]",
    does="中继收下结算请求后断开,不送平台",
    quick=True,
)
async def lost_request(stand: Stand) -> None:
    await _unknown(stand, Fault(onward=Onward.LOSE), "请求丢失", effect=0)


@rule(
    "C21",
    Group.WAY,
    "回执丢失:结果未知,已生效一笔;冲正后以新报文结算,恰有一笔",
    why="当作失败而重新结算就是扣两次;结算号随回执一起丢失,只能按报文 ID 冲正 [solid]",
    does="平台结算后,中继断开而不回一个字节",
    quick=True,
)
async def lost_reply(stand: Stand) -> None:
    await _unknown(stand, Fault(back=Back.LOSE), "回执丢失", effect=1)


@rule(
    "C22",
    Group.WAY,
    "回执迟于时限:结果未知,已生效一笔;冲正后以新报文结算,恰有一笔",
    why="超时不是失败(观察到的客户端时限 10–120 秒 [solid])",
    does="平台结算后,中继把回执扣留到时限之后",
)
async def slow_reply(stand: Stand) -> None:
    fault = Fault(back=Back.HOLD)
    await _unknown(stand, fault, "回执超过时限", effect=1, timeout_s=HASTE_S)


@rule(
    "C23",
    Group.WAY,
    "收到另一报文的回执:不采信,结果未知;冲正后以新报文结算,恰有一笔",
    why="串了的回执会把别人的金额记到这一笔上 [rule]",
    does="先结算一次就诊,再把它的回执当作另一次就诊的回执",
)
async def other_reply(stand: Stand) -> None:
    await stand.settled()
    earlier = stand.relay.answered[-1]
    fault = Fault(alter_answer=alter.another(earlier))
    await _unknown(stand, fault, "收到另一报文的回执", effect=1)


@rule(
    "C24",
    Group.WAY,
    "同一回执到达两次:只算一次,下一报文得到自己的回执",
    why="连接上多出的回执不能被当作下一笔的回执 [rule]",
    does="中继把回执在连接上写两遍,随后再结算另一次就诊",
)
async def reply_twice(stand: Stand) -> None:
    first = await stand.ready()
    stand.relay.arm(Fault(back=Back.TWICE))
    one = yes(await stand.settle(first), "回执重复的结算")
    second = await stand.ready()
    two = yes(await stand.settle(second), "随后另一次就诊的结算")
    if one.settlement_id == two.settlement_id:
        raise Broken("第二次就诊得到了第一次的结算号")
    await stand.holds(1, "回执重复", first)
    await stand.holds(1, "随后的结算", second)


@rule(
    "C25",
    Group.WAY,
    "同一请求在途中被送达两次:只有一笔生效,不会得知失败",
    why="代理会自行重发;平台如何看待重复的报文 ID 没有文件说明 [unverified]",
    does="中继把同一结算请求向平台送两遍,交回第二个应答",
)
async def request_twice(stand: Stand) -> None:
    att = await stand.ready()
    stand.relay.arm(Fault(onward=Onward.TWICE))
    answer = await stand.settle(att)
    await stand.holds(1, "请求送达两次", att)
    # A gateway that has seen the signature may turn the second one away: then it is unknown.
    if not isinstance(answer, Accepted | NoAnswer):
        raise Broken(f"平台上已有一笔,本方却得知{said(answer)}")


@rule(
    "C29",
    Group.WAY,
    "签名不符的回执:不采信,结果未知;冲正后以新报文结算,恰有一笔",
    why="应答的签名若不核对,中间人可以改动金额 [rule]",
    does="中继改动应答正文里的一个数字,签名照旧",
)
async def tampered_reply(stand: Stand) -> None:
    if not stand.profile.signing.answers_signed:
        raise NotRun("本省的应答不签名(signing.answers_signed = false)")
    # Decrypted and encrypted again where bodies are: a signature is what must not hold.
    fault = Fault(alter_answer=alter.within(stand.cipher, alter.tampered))
    await _unknown(stand, fault, "应答被改动", effect=1)


@rule(
    "C34",
    Group.WAY,
    "查询的回执丢失:自动再问一次",
    why="查询没有后果,一次断线不应让窗口停下 [rule]",
    does="人员查询(1101)的第一个回执丢失",
)
async def lost_read(stand: Stand) -> None:
    stand.relay.arm(Fault(back=Back.LOSE))
    yes(await stand.client.find_person(stand.ctx(), stand.target.site.patient), "再问的查询")
    if len(stand.relay.asked) != 2:
        raise Broken(f"查询应恰好问两次,实为 {len(stand.relay.asked)} 次")


@rule(
    "C35",
    Group.WAY,
    "撤销的回执丢失:结果未知,已没有有效结算",
    why="撤销也会扣两次或退两次;再次撤销不能再退 [rule]",
    does="平台撤销后,中继断开而不回一个字节",
)
async def lost_cancellation(stand: Stand) -> None:
    sent, value = await stand.settled()
    stand.relay.arm(Fault(back=Back.LOSE))
    unknown(await stand.cancel(sent, value), "撤销的回执丢失")
    await stand.holds(0, "撤销的回执丢失", sent.att)


@rule(
    "C36",
    Group.WAY,
    "住院结算的回执丢失:结果未知,已生效一笔;冲正后以新报文结算,恰有一笔",
    why="住院一笔金额大,平台也慢(2304 曾见近 2 秒 [solid]),回执最容易等不到",
    does="平台住院结算(2304)后,中继断开而不回一个字节",
)
async def lost_stay(stand: Stand) -> None:
    kind = VisitKind.INPATIENT
    await _unknown(stand, Fault(back=Back.LOSE), "住院结算的回执丢失", effect=1, kind=kind)


def _damaged(id: str, text_zh: str, fault: Fault, does: str) -> Rule:
    """The platform settled, and its answer arrives in a state that nobody can read."""

    @rule(
        id,
        Group.WAY,
        f"{text_zh}:结果未知,已生效一笔;冲正后以新报文结算,恰有一笔",
        why=f"{_UNKNOWN};网关的 5xx 与断掉的应答都不说明平台做了什么 [rule]",
        does=does,
        quick=id == "C30",
    )
    async def trial(stand: Stand) -> None:
        await _unknown(stand, fault, text_zh, effect=1)

    return trial


DAMAGED = (
    _damaged(
        "C26",
        "应答是乱码",
        Fault(alter_answer=alter.page(200, "\x00\ufffd%%乱码%%")),
        "结算的应答换成不是 JSON 的内容",
    ),
    _damaged("C27", "应答被截断", Fault(alter_answer=alter.truncated), "结算的应答只送到前一半"),
    _damaged("C28", "应答是空的", Fault(alter_answer=alter.page(200, "")), "结算的应答正文为空"),
    _damaged(
        "C30",
        "HTTP 500",
        Fault(alter_answer=alter.page(500, "Internal Server Error")),
        "平台结算后,应答换成 HTTP 500",
    ),
    _damaged(
        "C31",
        "HTTP 502 的网页",
        Fault(alter_answer=alter.page(502, _PAGE)),
        "平台结算后,应答换成代理的 502 页面",
    ),
    _damaged(
        "C32",
        "HTTP 401 的网页(不是服务网关的格式)",
        Fault(alter_answer=alter.page(401, _PAGE)),
        "平台结算后,应答换成不知谁给的 401 页面",
    ),
    _damaged(
        "C33",
        "HTTP 302 转向",
        Fault(alter_answer=alter.page(302, _PAGE)),
        "平台结算后,应答换成转向",
    ),
)


async def _unknown(
    stand: Stand,
    fault: Fault,
    when_zh: str,
    *,
    effect: int,
    timeout_s: float = PATIENCE_S,
    kind: VisitKind = VisitKind.OUTPATIENT,
) -> None:
    """Into the unknown by `fault`, where `effect` settlements took effect; and out of it."""
    att = await stand.ready(kind)
    stand.relay.arm(fault)
    answer = await stand.settle(att, stand.ctx(timeout_s=timeout_s))
    unknown(answer, when_zh)
    await stand.holds(effect, when_zh, att)
    await _out(stand, att, when_zh)


async def _out(stand: Stand, att: Attendance, when_zh: str) -> None:
    reversal = await stand.reverse(stand.settling(att))
    if not isinstance(reversal, Accepted | Declined):
        raise Broken(f"{when_zh}之后的冲正(2601)没有得到回答:{said(reversal)}")
    await stand.holds(0, f"{when_zh}、冲正之后", att)
    yes(await stand.settle(att), "冲正后以新报文的结算")
    await stand.holds(1, "以新报文结算之后", att)


RULES = (
    lost_request,
    lost_reply,
    slow_reply,
    other_reply,
    reply_twice,
    request_twice,
    *DAMAGED[:3],
    tampered_reply,
    *DAMAGED[3:],
    lost_read,
    lost_cancellation,
    lost_stay,
)
