"""重复: the same message again, another message under the same msgid, the same bill again.

No document says how a centre treats a repeated msgid [unverified], so either way of refusing or
repeating the answer is taken; what is not taken is a second settlement.
"""

from __future__ import annotations

from gateway.conformance.answers import refused, said
from gateway.conformance.rule import Broken, Group, rule
from gateway.conformance.stand import Stand
from gateway.ports import Accepted, NoAnswer


@rule(
    "C50",
    Group.REPEAT,
    "同一报文再来一次:没有第二笔,答案不变",
    why="重复的报文 ID 是否去重,没有文件说明 [unverified];两笔就是扣两次",
    does="结算成功后,以同一报文 ID、同样内容再发一次",
    quick=True,
)
async def again(stand: Stand) -> None:
    sent, value = await stand.settled()
    answer = await stand.settle(sent.att, sent.ctx)
    await stand.holds(1, "同一报文再来一次", sent.att)
    if isinstance(answer, NoAnswer):
        raise Broken(f"重复的报文没有得到可读的回答:{said(answer)}")
    found = "same_answer" if isinstance(answer, Accepted) else "refused"
    if isinstance(answer, Accepted) and answer.value != value:
        raise Broken("重复的报文得到了另一个答案")
    if found != stand.assumed.repeated_msgid:
        text = f"重复的报文{said(answer)},假设是 {stand.assumed.repeated_msgid}"
        stand.differs(text, f'assumptions.repeated_msgid = "{found}"')


@rule(
    "C51",
    Group.REPEAT,
    "用过的报文 ID 下换了内容:没有第二笔",
    why="报文 ID 是对账时唯一的连接键,一个 ID 下不能有两笔 [solid]",
    does="结算一次就诊后,以同一报文 ID 结算另一次就诊",
)
async def reused(stand: Stand) -> None:
    sent, _ = await stand.settled()
    other = await stand.ready()
    answer = await stand.settle(other, sent.ctx)
    await stand.holds(1, "同一报文 ID 下的两次就诊", sent.att, other)
    found = "same_answer" if isinstance(answer, NoAnswer) else "refused"
    if isinstance(answer, Accepted):
        raise Broken("平台受理了用过的报文 ID,又没有生效")
    if found != stand.assumed.reused_msgid:
        text = f"用过的报文 ID {said(answer)},假设是 {stand.assumed.reused_msgid}"
        stand.differs(text, f'assumptions.reused_msgid = "{found}"')


@rule(
    "C52",
    Group.REPEAT,
    "同一批费用以新的报文 ID 再结算:被拒,仍只有一笔",
    why="一个收费批次只结算一次 [solid]",
    does="结算成功后,以新的报文 ID 结算同一批费用",
    quick=True,
)
async def same_batch(stand: Stand) -> None:
    sent, _ = await stand.settled()
    answer = await stand.settle(sent.att)
    await stand.holds(1, "同一批费用再结算", sent.att)
    refused(answer, "同一批费用再结算")


RULES = (again, reused, same_batch)
