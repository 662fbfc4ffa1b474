"""窗口提示: what the person at the counter should do now, for each state of a claim.

Kept with a claim at its last change: a text changed here does not change an answer given before.
"""

from __future__ import annotations

from types import MappingProxyType

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import Attention, ClaimRecord, Standing

ADVICE: MappingProxyType[ClaimState, str] = MappingProxyType(
    {
        ClaimState.RECORDED: (
            "结算正在处理,请稍候查询结果;在此之前请勿重复结算,也不要收取全额费用。"
        ),
        ClaimState.SETTLED: "结算成功,请按个人现金支出收费,并打印结算单。",
        ClaimState.REFUSED: (
            "参保地未同意结算,未发生任何扣款;请按原因处理后,以新的请求号重新结算。"
        ),
        ClaimState.VOIDED: "本次结算未生效,未发生任何扣款;可以使用新的请求号重新结算。",
        ClaimState.UNKNOWN: (
            "结算结果暂时不明,可能已经生效;请勿重复结算,系统正在自动处理,请稍后查询。"
        ),
        ClaimState.REVERSAL_SENT: (
            "结算结果不明,已向参保地发出冲正;以对账结果为准,在此之前请勿就同一费用再次结算。"
        ),
        ClaimState.REVIEW: (
            "参保地返回的结算信息有误或含未知代码,须人工核对;请勿收费,也不要重复结算,并联系经办机构。"
        ),
        ClaimState.REVERSING: "撤销正在处理,请稍候查询结果;在此之前请勿退费。",
        ClaimState.REVERSAL_UNKNOWN: (
            "撤销结果暂时不明,以对账结果为准;在此之前请勿退费,也不要重复撤销。"
        ),
        ClaimState.REVERSED: "结算已撤销,请退还个人现金支出;如需重新结算,请使用新的请求号。",
    }
)

UNANSWERED = (
    "结算结果不明,已多次向参保地发出冲正,均未得到答复;系统不再重发,等待对账,"
    "请联系经办机构核对;在此之前请勿就同一费用再次结算。"
)
"""REVERSAL_SENT, after the last attempt: nothing more happens by itself."""


BY_STATEMENT: MappingProxyType[tuple[ClaimState, Standing], str] = MappingProxyType(
    {
        (ClaimState.VOIDED, Standing.ABSENT): (
            "对账确认:参保地没有该笔结算,未发生任何扣款;可以使用新的请求号重新结算。"
        ),
        (ClaimState.VOIDED, Standing.TAKEN_BACK): (
            "对账确认:该笔结算已在参保地冲销,未发生任何扣款;可以使用新的请求号重新结算。"
        ),
        (ClaimState.REVERSED, Standing.TAKEN_BACK): (
            "对账确认:结算已撤销,请退还个人现金支出;如需重新结算,请使用新的请求号。"
        ),
        (ClaimState.SETTLED, Standing.EFFECTIVE): (
            "对账确认:撤销未生效,原结算仍然有效,请勿退费;如仍需撤销,请以新的请求号重新发起。"
        ),
        (ClaimState.UNKNOWN, Standing.EFFECTIVE): (
            "对账确认:参保地已有该笔结算,但本系统未收到结果,正在向参保地冲正;"
            "请勿就同一费用再次结算。"
        ),
        (ClaimState.REVERSAL_SENT, Standing.EFFECTIVE): (
            "对账确认:参保地仍有该笔结算,正在再次冲正,以下一次对账为准;请勿就同一费用再次结算。"
        ),
        (ClaimState.REVIEW, Standing.EFFECTIVE): (
            "对账确认:参保地已有该笔结算,但其金额或代码有误,须由经办人员决定撤回或入账;"
            "请勿收费,也不要重复结算。"
        ),
    }
)
"""Once a statement has decided, or has told what was unknown."""
PERSON = "对账结果尚不能确定该笔业务,须由经办人员核对;在此之前请勿就同一费用再次结算或退费。"
"""A statement that contradicts itself, or a settlement that stands after every 冲正."""


def advice(record: ClaimRecord) -> str:
    """The text that goes with a claim as it stands."""
    if record.provisional and record.attention in (Attention.AMBIGUOUS, Attention.STILL_EFFECTIVE):
        return PERSON
    if record.found is not None and (record.state, record.found.standing) in BY_STATEMENT:
        return BY_STATEMENT[record.state, record.found.standing]
    silent = record.state is ClaimState.REVERSAL_SENT and not record.reversal_answered
    return UNANSWERED if silent and record.awaits_reconciliation else ADVICE[record.state]
