"""窗口提示: what the person at the counter should do now, for each state of a claim.

Kept with a claim at its last change: a text changed here does not change an answer given before.
"""

from __future__ import annotations

from types import MappingProxyType

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord

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
            "参保地返回的金额有误,须人工核对;请勿收费,也不要重复结算,并联系经办机构。"
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


def advice(record: ClaimRecord) -> str:
    """The text that goes with a claim as it stands."""
    silent = record.state is ClaimState.REVERSAL_SENT and not record.reversal_answered
    return UNANSWERED if silent and record.awaits_reconciliation else ADVICE[record.state]
