"""撤销与冲正: 2208 / 2305 cancel by setl_id, 2601 reverses by the original msgid.

A cancellation is a new row, the exact negative of the original, and gives back account money and
accumulators. 2601 has no output. What is nowhere stated (2601 for an unknown msgid, an original
that arrives late, the setl_id of a cancellation) is OUR ASSUMPTION: Rules and README.md decide.
"""

from __future__ import annotations

from adapters.sandbox.context import (
    TIME_FORMAT,
    Call,
    Refusal,
    insured_of,
    person_of,
    visit_of,
)
from adapters.sandbox.records import Settlement
from adapters.sandbox.setlinfo import cancel_answer
from adapters.sandbox.wire import Json, node_of, text_of

REVERSIBLE = frozenset({"2102", "2103", "2207", "2208", "2304", "2305", "2401"})
"""The seven transactions that 2601 may take back (both published specifications)."""

_CANCELS = {"2208": "2207", "2305": "2304"}


def cancel_settlement(call: Call) -> Json:
    """2208 / 2305: answers the negative amounts under a setl_id of its own."""
    data = node_of(call.given, "data")
    visit = visit_of(call, text_of(data, "mdtrt_id"), text_of(data, "psn_no"))
    original = call.state.settlement(text_of(data, "setl_id"))
    if original is None or original.mdtrt_id != visit.mdtrt_id or original.cancels:
        raise Refusal("未查询到该结算信息")
    if original.infno.rstrip("A") != _CANCELS[call.number]:
        raise Refusal("结算类型与撤销交易不符")
    if original.reversed_by:
        raise Refusal("该结算已撤销,不能重复撤销")
    row = take_back(call, original)
    insured = insured_of(call, row.psn_no, row.insutype, row.area)
    return cancel_answer(call, row, insured.balance_fen)


def take_back(call: Call, original: Settlement) -> Settlement:
    """The exact negative of a row (I8), booked; the original is marked as reversed by it."""
    row = Settlement(
        setl_id=call.serial("A"),
        msgid=call.msgid,
        infno=call.infno,
        mdtrt_id=original.mdtrt_id,
        batch=original.batch,
        psn_no=original.psn_no,
        insutype=original.insutype,
        area=original.area,
        year=original.year,
        setl_time=call.now.strftime(TIME_FORMAT),
        amounts={part: -fen for part, fen in original.amounts.items()},
        moves={code: -change for code, change in original.moves.items()},
        cancels=original.setl_id,
    )
    call.state.add_settlement(row)
    call.state.mark_reversed(original.setl_id, row.setl_id)
    call.state.move_balance(row, -row.amounts["acct"])
    call.state.move_accumulators(row, 1)
    call.state.release_lines(original.setl_id)
    return row


def reverse_message(call: Call) -> Json:
    """2601: takes back the effect of one earlier message. Asked again, it changes nothing more."""
    data = node_of(call.given, "data")
    person = person_of(call, text_of(data, "psn_no"))
    original, number = text_of(data, "omsgid"), text_of(data, "oinfno").rstrip("A")
    if number not in REVERSIBLE:
        raise Refusal(f"交易 {number} 不允许冲正")
    if number == "2401":
        return _reverse_admission(call, original, person.psn_no)
    row = call.state.settlement_by_msgid(original)
    if row is None:
        return _unknown(call, original)
    if row.psn_no != person.psn_no or row.infno.rstrip("A") != number:
        raise Refusal("原交易与人员编号或交易编号不一致")
    if row.reversed_by:
        return None
    if row.cancels:
        _restore(call, row)
    else:
        take_back(call, row)
    return None


def _restore(call: Call, cancelling: Settlement) -> None:
    """冲正 of a cancellation: the settlement that it cancelled stands again."""
    original = call.state.settlement(cancelling.cancels)
    if original is None:
        raise Refusal("未查询到原结算信息")
    if any(
        line.setl_id
        for line in call.state.lines(original.mdtrt_id)
        if not original.batch or line.batch == original.batch
    ):
        raise Refusal("费用已重新结算,不能冲正该撤销")
    insured = insured_of(call, original.psn_no, original.insutype, original.area)
    if insured.balance_fen < original.amounts["acct"]:
        raise Refusal("个人账户余额不足,不能冲正该撤销")
    take_back(call, cancelling)
    call.state.mark_reversed(original.setl_id, "")
    call.state.mark_lines(original.mdtrt_id, original.batch, original.setl_id)


def _reverse_admission(call: Call, original: str, psn_no: str) -> Json:
    visit = call.state.visit_by_msgid(original)
    if visit is None:
        return _unknown(call, original)
    if visit.psn_no != psn_no or not visit.inpatient:
        raise Refusal("原交易与人员编号或交易编号不一致")
    if any(
        not row.reversed_by and not row.cancels for row in call.state.settlements_of(visit.mdtrt_id)
    ):
        raise Refusal("该次住院已结算,不能冲正入院办理")
    call.state.cancel_visit(visit.mdtrt_id)
    return None


def _unknown(call: Call, original: str) -> Json:
    if call.rules.unknown_reversal == "refuse":
        raise Refusal("未查询到原交易信息")
    call.state.bar(original)
    return None
