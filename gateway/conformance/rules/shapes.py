"""写法: the same answer as another platform might write it: read alike, or not at all.

An amount is read exactly or the whole answer is no answer; nothing is rounded, and what is not
given is not zero. Read by a client that asks for no signature, because a relay cannot sign.
Source: the interface's general rules (an empty number, numbers as text), both specifications.
"""

from __future__ import annotations

from gateway.conformance import alter
from gateway.conformance.answers import unknown, yes
from gateway.conformance.relay import Fault
from gateway.conformance.rule import Broken, Group, Rule, rule
from gateway.conformance.stand import Stand


def _alike(id: str, text_zh: str, change: alter.Alteration, why: str, does: str) -> Rule:
    """Written so, it says the same."""

    @rule(id, Group.SHAPE, text_zh, why=why, does=does)
    async def trial(stand: Stand) -> None:
        att = await stand.ready()
        foreseen = yes(await stand.client.predetermine(stand.ctx(), att), "预结算")
        stand.relay.arm(Fault(alter_answer=_on(stand, change)))
        value = yes(await stand.settle(att, client=stand.believing()), "这样写的结算")
        await stand.holds(1, "这样写的结算", att)
        if value.breakdown != foreseen.breakdown or value.broken:
            raise Broken("这样写的金额读出来不同")

    return trial


def _unreadable(id: str, text_zh: str, change: alter.Alteration, why: str, does: str) -> Rule:
    """Written so, it says nothing that could be booked."""

    @rule(id, Group.SHAPE, text_zh, why=why, does=does)
    async def trial(stand: Stand) -> None:
        att = await stand.ready()
        stand.relay.arm(Fault(alter_answer=_on(stand, change)))
        unknown(await stand.settle(att, client=stand.believing()), "这样写的应答到达")
        await stand.holds(1, "这样写的结算", att)

    return trial


def _on(stand: Stand, change: alter.Alteration) -> alter.Alteration:
    # What is outside `output` is altered as it travels: two members of one name cannot be read.
    return change if change in _OUTSIDE else alter.within(stand.cipher, change)


_OUTSIDE = (alter.code_of_another_type, alter.unheard_of_code, alter.code_twice)

RULES = (
    _alike(
        "C40",
        '金额写作文本("12.30")与写作数字读得一样',
        alter.amounts(alter.as_text),
        "同一平台内两种写法并存 [solid]",
        "把结算应答里的金额都写成文本",
    ),
    _alike(
        "C41",
        "金额写作数字(12.30)与写作文本读得一样",
        alter.amounts(alter.as_number),
        "同一平台内两种写法并存 [solid]",
        "把结算应答里的金额都写成数字",
    ),
    _alike(
        "C42",
        "金额省略末尾的零(12.3、100)读得一样",
        alter.amounts(alter.shortest),
        "常见的 JSON 库会省略末尾的零 [solid]",
        "把 12.30 写成 12.3,把 100.00 写成 100",
    ),
    _alike(
        "C43",
        '状态码写作文本("0")或数字(0)读得一样',
        alter.code_of_another_type,
        "规范与实际报文两种都有 [solid]",
        "把状态码换成另一种类型",
    ),
    _unreadable(
        "C44",
        "金额有三位小数:不四舍五入,结果未知",
        alter.amounts(alter.third_decimal),
        "金额以分为单位,必须精确;取舍一分就对不平账 [rule]",
        "给每个金额添上第三位小数",
    ),
    _unreadable(
        "C45",
        "金额是空文本:不当作零,结果未知",
        alter.amounts(alter.empty),
        '空数字在接口里写作"",与零不是一回事 [solid]',
        "把结算应答里的金额都写成空文本",
    ),
    _unreadable(
        "C46",
        "金额是 null:不当作零,结果未知",
        alter.amounts(alter.null),
        "没有给出的金额不能由本方填成零 [solid]",
        "把结算应答里的金额都写成 null",
    ),
    _unreadable(
        "C47",
        "状态码没有见过:不当作拒绝,结果未知",
        alter.unheard_of_code,
        "有的省用 −2 表示业务错误、−1 表示系统错误;存疑就是未知 [medium]",
        "把状态码换成 7",
    ),
    _unreadable(
        "C48",
        "同一名称出现两次:不采信,结果未知",
        alter.code_twice,
        "同样的字节会被读成两种意思 [rule]",
        "在成功的应答前再写一个失败的状态码",
    ),
)
