"""余额下限: what becomes of an entry that a limit refuses, or that has crossed a floor.

A refusal is told to the counter, where a patient stands: nothing was settled, and what to do now.
A crossing is told in our own log, once, by the entry that passed the floor. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from gateway.domain.errors import Refused
from ledger.limits import Warned
from ledger.outcomes import BelowFloor

PREPAYMENT_BELOW_FLOOR = "PREPAYMENT_BELOW_FLOOR"

_log = structlog.get_logger("yrd.store")


def below_floor(error: BelowFloor) -> Refused:
    """The refusal as the counter hears it. What is left is between the regions: no amount here."""
    return Refused(
        f"limit {error.limit_id} keeps new settlements from {error.account}",
        reason=PREPAYMENT_BELOW_FLOOR,
        text_zh=(
            "参保地预付给就医地的结算资金已低于协议下限,按协议暂停新的直接结算。"
            "本次没有发生结算,医保基金未支付,待遇累计不变。"
            "请通知医院医保办联系参保地医保经办机构;资金补足后可用原请求重试,"
            "患者不便等候的,可先自费结算,持票据回参保地手工报销。"
        ),
        metadata={"limit_id": error.limit_id},
    )


def tell_crossed(warnings: Iterable[Warned]) -> None:
    """After the commit: one line for each floor that an entry has crossed."""
    for warned in warnings:
        if warned.crossed:
            _log.warning(
                "balance_below_floor",
                limit_id=warned.limit_id,
                available_fen=warned.available_fen,
                floor_fen=warned.floor_fen,
            )
