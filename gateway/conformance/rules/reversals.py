"""冲正与撤销: 2601 by the original msgid, 2208/2305 by the settlement's id, in every odd order.

What 2601 does when the original never came, or comes late, and whether a second one is harmless,
is stated nowhere [unverified]: the assumption is compared and told, and only money twice, or money
back twice, is a failure. Whatever 2601 is answered, our journeys keep the claim provisional until
3201/3202.
"""

from __future__ import annotations

from gateway.conformance.answers import refused, said, unknown, yes
from gateway.conformance.relay import Fault, Onward
from gateway.conformance.rule import Broken, Group, rule
from gateway.conformance.stand import Sent, Stand
from gateway.domain.bill import VisitKind
from gateway.ports import Accepted, Answer, Declined, Verb


@rule(
    "C60",
    Group.REVERSAL,
    "按报文 ID 冲正结算:没有有效结算;以新报文可再结算,恰有一笔",
    why="回执丢失后唯一的出路(2601 可冲正 2207、2304 等七种 [solid])",
    does="结算、冲正(2601)、再结算",
    quick=True,
)
async def reversal(stand: Stand) -> None:
    sent, _ = await stand.settled()
    yes(await stand.reverse(sent), "冲正(2601)")
    await stand.holds(0, "冲正之后", sent.att)
    yes(await stand.settle(sent.att), "以新报文的结算")
    await stand.holds(1, "以新报文结算之后", sent.att)


@rule(
    "C61",
    Group.REVERSAL,
    "同一报文冲正两次:没有第二次效果",
    why="2601 的回执丢失时必须再发;退两次就是基金多付 [unverified]",
    does="结算后冲正两次,各用新的报文 ID",
    quick=True,
)
async def reversed_twice(stand: Stand) -> None:
    sent, _ = await stand.settled()
    yes(await stand.reverse(sent), "冲正(2601)")
    answer = await stand.reverse(sent)
    await stand.holds(0, "冲正两次之后", sent.att)
    _compare(stand, answer, "second_reversal", "第二次冲正")


@rule(
    "C62",
    Group.REVERSAL,
    "冲正从未到达的报文:没有效果,随后可以结算",
    why="请求丢失与回执丢失无法区分,两种情形都会发 2601 [unverified]",
    does="以从未发出的报文 ID 冲正,随后结算",
    quick=True,
)
async def never_arrived(stand: Stand) -> None:
    att = await stand.ready()
    number = stand.client.transaction(Verb.SETTLE, att.visit.kind)
    answer = await stand.reverse(Sent(stand.ctx(), att, number))
    await stand.holds(0, "冲正从未到达的报文", att)
    _compare(stand, answer, "unknown_reversal", "冲正从未到达的报文")
    yes(await stand.settle(att), "随后的结算")
    await stand.holds(1, "随后的结算", att)


@rule(
    "C63",
    Group.REVERSAL,
    "原报文迟于它的冲正到达:没有生效;若生效,可再冲正",
    why="网络可以让 2601 赶在原报文之前;没有文件说明平台怎么做 [unverified]",
    does="中继扣下结算请求,先冲正,再送达",
)
async def late_original(stand: Stand) -> None:
    att = await stand.ready()
    stand.relay.arm(Fault(onward=Onward.KEEP))
    unknown(await stand.settle(att), "请求被扣下")
    sent = stand.settling(att)
    await stand.reverse(sent)
    await stand.relay.deliver(stand.relay.kept[0])
    held = await stand.effective(att)
    if held not in (0, 1):
        raise Broken(f"迟到的原报文之后,平台上有效结算为 {held} 笔")
    found = "accepted" if held else "refused"
    if held:
        yes(await stand.reverse(sent), "再次冲正迟到的结算")
        await stand.holds(0, "再次冲正之后", att)
    if found != stand.assumed.late_original:
        text = (
            f"迟到的原报文按 {found} 处理,假设是 {stand.assumed.late_original};对账(3202)必须查到它"
        )
        stand.differs(text, f'assumptions.late_original = "{found}"')


@rule(
    "C64",
    Group.REVERSAL,
    "冲正一次冲正:原结算不会复活",
    why="2601 不在可冲正的七种之内;复活就是悄悄多出一笔 [solid]",
    does="结算、冲正,再以 2601 的报文 ID 冲正",
    quick=True,
)
async def reversal_of_reversal(stand: Stand) -> None:
    sent, _ = await stand.settled()
    yes(await stand.reverse(sent), "冲正(2601)")
    answer = await stand.reverse(stand.last)
    await stand.holds(0, "冲正一次冲正之后", sent.att)
    _compare(stand, answer, "reversed_reversal", "冲正一次冲正")


@rule(
    "C65",
    Group.REVERSAL,
    "冲正一次撤销:原结算恢复,恰有一笔;若被拒则仍无结算",
    why="撤销的回执丢失时会发;恢复成两笔或说而不做都不行 [unverified]",
    does="结算、撤销(2208),再冲正撤销的报文",
)
async def reversal_of_cancellation(stand: Stand) -> None:
    sent, value = await stand.settled()
    yes(await stand.cancel(sent, value), "撤销")
    answer = await stand.reverse(stand.last)
    if isinstance(answer, Accepted):
        await stand.holds(1, "冲正撤销之后", sent.att)
        return
    await stand.holds(0, "冲正撤销被拒之后", sent.att)
    if stand.assumed.reversed_cancellation != "refused":
        stand.differs(f"冲正撤销{said(answer)}", 'assumptions.reversed_cancellation = "refused"')


@rule(
    "C66",
    Group.REVERSAL,
    "同一结算撤销两次:没有第二次效果",
    why="窗口会按两次;退两次就是基金多付 [solid]",
    does="结算后按结算号撤销两次",
    quick=True,
)
async def cancelled_twice(stand: Stand) -> None:
    sent, value = await stand.settled()
    yes(await stand.cancel(sent, value), "撤销")
    answer = await stand.cancel(sent, value)
    await stand.holds(0, "撤销两次之后", sent.att)
    _compare(stand, answer, "second_cancellation", "第二次撤销")


@rule(
    "C67",
    Group.REVERSAL,
    "先冲正后撤销、先撤销后冲正:都只退一次",
    why="两条退路可能都走到:回执丢失后冲正,随后回执又找到 [rule]",
    does="一次就诊先 2601 后 2208,另一次先 2208 后 2601",
)
async def both_ways_back(stand: Stand) -> None:
    one, value = await stand.settled()
    yes(await stand.reverse(one), "冲正(2601)")
    await stand.cancel(one, value)
    await stand.holds(0, "先冲正后撤销", one.att)
    two, value = await stand.settled()
    yes(await stand.cancel(two, value), "撤销")
    await stand.reverse(two)
    await stand.holds(0, "先撤销后冲正", two.att)


@rule(
    "C68",
    Group.REVERSAL,
    "冲正时人员编号或交易编号不对:被拒,结算仍在",
    why="否则一个报文 ID 就能退掉别人的结算 [rule]",
    does="以错误的人员编号、再以错误的原交易编号冲正",
)
async def of_somebody_else(stand: Stand) -> None:
    sent, _ = await stand.settled()
    number = sent.att.person.person_no
    stranger = number[:-1] + ("0" if number[-1] != "0" else "1")
    answer = await stand.reverse(sent, person_no=stranger)
    await stand.holds(1, "以别人的人员编号冲正", sent.att)
    refused(answer, "以别人的人员编号冲正")
    other = stand.client.transaction(Verb.SETTLE, VisitKind.INPATIENT)
    answer = await stand.reverse(sent, transaction=other)
    await stand.holds(1, "以错误的原交易编号冲正", sent.att)
    refused(answer, "以错误的原交易编号冲正")


@rule(
    "C69",
    Group.REVERSAL,
    "冲正不可冲正的交易(费用明细):被拒,明细仍在,可以结算",
    why="2601 只限七种交易 [solid]",
    does="以 2204 为原交易编号冲正,随后结算",
)
async def not_reversible(stand: Stand) -> None:
    att = await stand.ready()
    number = stand.client.transaction(Verb.UPLOAD_LINES, att.visit.kind)
    answer = await stand.reverse(Sent(stand.ctx(), att, number))
    yes(await stand.settle(att), "随后的结算")
    await stand.holds(1, "随后的结算", att)
    refused(answer, "冲正费用明细")


@rule(
    "C70",
    Group.REVERSAL,
    "按报文 ID 冲正入院:该次住院不再接受费用",
    why="入院的回执丢失时没有就诊号,只能按报文 ID 取消(2401 在七种之内 [solid])",
    does="入院登记、冲正、再上传明细",
)
async def reversed_admission(stand: Stand) -> None:
    att, admitted = await stand.admitted()
    yes(await stand.reverse(admitted), "冲正入院(2601)")
    answer = await stand.client.upload_lines(stand.ctx(), att, att.bill.lines)
    refused(answer, "冲正入院之后上传明细")


def _compare(stand: Stand, answer: Answer[object], key: str, what_zh: str) -> None:
    """A yes or a no, against what we assume. Raises Broken for neither."""
    if not isinstance(answer, Accepted | Declined):
        raise Broken(f"{what_zh}没有得到可读的回答:{said(answer)}")
    found = "accepted" if isinstance(answer, Accepted) else "refused"
    assumed = getattr(stand.assumed, key)
    if found != assumed:
        stand.differs(f"{what_zh}{said(answer)},假设是 {assumed}", f'assumptions.{key} = "{found}"')


RULES = (
    reversal,
    reversed_twice,
    never_arrived,
    late_original,
    reversal_of_reversal,
    reversal_of_cancellation,
    cancelled_twice,
    both_ways_back,
    of_somebody_else,
    not_reversible,
    reversed_admission,
)
