"""正常: a visit from beginning to end, cancelled again; a refusal that leaves nothing behind."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace

from gateway.conformance.answers import refused, said, yes
from gateway.conformance.rule import Broken, Group, rule
from gateway.conformance.stand import Stand
from gateway.domain.accumulators import Accumulators
from gateway.domain.bill import VisitKind
from gateway.domain.breakdown import Breakdown
from gateway.ports import Accepted, Declined, RegionSettlement


@rule(
    "C10",
    Group.PLAIN,
    "人员信息可读,险种与人员类别是配置里有的代码",
    why="险种与类别决定待遇,读错就算错(代码表因省而异 [unverified])",
    does="查询测试人员(1101),比较代码与配置",
    quick=True,
)
async def person(stand: Stand) -> None:
    found = await stand.person()
    for row in found.insurances:
        if row.scheme is None:
            stand.differs(f"险种代码 {row.scheme_code} 不在配置中", "dictionary.schemes")
        if row.person_kind is None:
            text = f"人员类别代码 {row.person_kind_code} 不在配置中"
            stand.differs(text, "dictionary.person_kinds")


@rule(
    "C11",
    Group.PLAIN,
    "预结算没有生效,结算与预结算一致,金额恒等式成立,平台上恰有一笔",
    why="金额由参保地计算,恒等式不成立的结算不能入账(22号 第32条 [medium];恒等式 [solid])",
    does="门诊一次:登记、明细、预结算、结算",
    quick=True,
)
async def settlement(stand: Stand) -> None:
    att = await stand.ready()
    foreseen = yes(await stand.client.predetermine(stand.ctx(), att), "预结算")
    value = yes(await stand.settle(att), "结算")
    await stand.holds(1, "预结算与结算各一次", att)
    _sound(stand, value, att.bill.total_fen)
    if value.breakdown != foreseen.breakdown:
        raise Broken("结算金额与刚才的预结算不同")


@rule(
    "C12",
    Group.PLAIN,
    "门诊结算撤销是原结算的精确负数,撤销后没有有效结算",
    why="撤销必须分文不差地退回(恒等式 I8 [solid])",
    does="门诊结算后按结算号撤销(2208)",
    quick=True,
)
async def cancellation(stand: Stand) -> None:
    await _and_back(stand, VisitKind.OUTPATIENT)


@rule(
    "C13",
    Group.PLAIN,
    "累计随结算增加,随撤销恢复原数",
    why="累计决定下一次的起付线与封顶线;多扣的起付线要本人承担 [solid]",
    does="在结算前、结算后、撤销后各查一次累计(5206)",
)
async def accumulators(stand: Stand) -> None:
    att = await stand.ready()
    before = await _used(stand)
    value = yes(await stand.settle(att), "结算")
    after = await _used(stand)
    if before == after and value.breakdown.in_scope_fen:
        raise Broken("结算之后累计没有变化")
    yes(await stand.cancel(stand.settling(att), value), "撤销")
    if await _used(stand) != before:
        raise Broken("撤销之后累计没有恢复原数")


@rule(
    "C14",
    Group.PLAIN,
    "住院从入院到结算一次,撤销后没有有效结算",
    why="住院的交易、金额字段与门诊不同,各省缺的字段也不同 [solid]",
    does="入院、明细、出院、结算(2304)、撤销(2305)",
)
async def stay(stand: Stand) -> None:
    await _and_back(stand, VisitKind.INPATIENT)


@rule(
    "C15",
    Group.PLAIN,
    "金额与明细不符的结算被拒并说明原因,没有生效;改正后可以结算",
    why="拒绝必须没有后果,否则改正后再结算就是两笔 [solid]",
    does="结算时少报一行明细的金额,然后报足",
    quick=True,
)
async def refusal(stand: Stand) -> None:
    att = await stand.ready()
    short = replace(att, bill=replace(att.bill, lines=att.bill.lines[:-1]))
    answer = await stand.settle(short)
    await stand.holds(0, "金额不符的结算", att)
    if not refused(answer, "金额不符的结算").text:
        raise Broken("拒绝没有说明原因(错误信息为空)")
    yes(await stand.settle(att), "改正后的结算")
    await stand.holds(1, "改正后的结算", att)


@rule(
    "C16",
    Group.PLAIN,
    "同一批费用的两笔结算同时到达,只有一笔生效",
    why="两个窗口同时收费、或重发撞上原报文时,不能扣两次 [rule]",
    does="同一批费用以两个报文 ID 同时结算",
)
async def at_once(stand: Stand) -> None:
    att = await stand.ready()
    both = await asyncio.gather(stand.settle(att), stand.settle(att, client=stand.connected()))
    await stand.holds(1, "两笔同时结算", att)
    others = [answer for answer in both if not isinstance(answer, Accepted)]
    if len(others) != 1 or not isinstance(others[0], Declined):
        raise Broken(f"应一笔受理、一笔拒绝,实为{said(both[0])}与{said(both[1])}")


async def _used(stand: Stand) -> Accumulators:
    found = await stand.person()
    day = stand.target.now.date()
    insurance = stand.insurance(found)
    return yes(await stand.client.accumulators(stand.ctx(), found, insurance, day), "累计(5206)")


async def _and_back(stand: Stand, kind: VisitKind) -> None:
    """Settled, then cancelled by the settlement's own id: the exact negative."""
    sent, value = await stand.settled(kind)
    await stand.holds(1, "结算", sent.att)
    _sound(stand, value, sent.att.bill.total_fen)
    back = yes(await stand.cancel(sent, value), "撤销")
    await stand.holds(0, "撤销之后", sent.att)
    wrong = _not_mirrored(value.breakdown, back)
    if wrong:
        raise Broken(f"撤销的金额不是原结算的负数:{'、'.join(wrong)}")


def _sound(stand: Stand, value: RegionSettlement, total_fen: int) -> None:
    if value.broken:
        raise Broken(f"结算金额不成立:{'、'.join(value.broken)}")
    if value.breakdown.total_fen != total_fen:
        raise Broken("结算的医疗费总额与账单不同")
    for code in value.unknown_codes:
        stand.differs(f"结算里有配置中没有的代码 {code}", "dictionary")


def _not_mirrored(original: Breakdown, back: RegionSettlement) -> list[str]:
    """Amounts of a cancellation that are given and are not the exact negative (I8)."""
    wanted, found = original.negated(), back.breakdown
    names = [f.name for f in fields(Breakdown) if f.name not in ("working", *back.not_given)]
    return [name for name in names if getattr(wanted, name) != getattr(found, name)]


RULES = (person, settlement, cancellation, accumulators, stay, refusal, at_once)
