"""协议登记: what the agreements file says and the ledger does not have yet, recorded at the start.

In one transaction, before anybody is served. What was recorded is never changed: the same id with
another content, or two agreements about one account at once, keeps the gateway from serving. What
is no longer in the file stays recorded. The rules themselves are ledger.limits'.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from gateway.domain.agreement import Agreements, Payment, Prepayment, overlap
from gateway.ports import Ids, Opening
from gateway.store.errors import StoreRefused
from gateway.store.unit_of_work import UnitOfWork
from ledger.commitment import canonical_json
from ledger.limit_store import all_limits, set_limit
from ledger.outcomes import LimitExistsWithDifferent
from ledger.reads import find_entry

FIELDS_ZH = {
    "account": "insured、visited、fund",
    "drawn_by": "insured、visited、fund",
    "floor_fen": "floor_yuan",
    "enforcement": "enforcement",
    "valid_from_us": "valid_from",
    "valid_until_us": "valid_until",
    "source": "source",
}
"""A limit's field as the file calls it."""

_log = structlog.get_logger("yrd.store")


def record_agreements(unit: UnitOfWork, agreements: Agreements, *, at: datetime, ids: Ids) -> None:
    """Record what is new. Raises StoreRefused; nothing is then recorded."""
    _refuse_unfounded(unit, agreements)
    for agreement in agreements.prepayments:
        _record(unit, agreement, ids)
    for payment in agreements.payments:
        _pay(unit, payment, at)


def _refuse_unfounded(unit: UnitOfWork, agreements: Agreements) -> None:
    """New limits beside those that the ledger has, which the file may no longer name."""
    known = {limit.limit_id: limit for limit in all_limits(unit.connection)}
    given = {agreement.limit.limit_id: agreement for agreement in agreements.prepayments}
    limits = known | {name: a.limit for name, a in given.items() if name not in known}
    for name, agreement in given.items():
        if agreement.replaces and agreement.replaces not in limits:
            raise StoreRefused(
                "AGREEMENT_UNKNOWN",
                f"协议 {name} 写明接替 {agreement.replaces},而账本和协议文件中都没有这一编号:"
                "请核对 replaces。",
            )
    replaces = {name: agreement.replaces for name, agreement in given.items()}
    found = overlap(limits.values(), replaces, given.keys() - known.keys())
    if found is not None:
        one, later = (limit.limit_id for limit in found)
        raise StoreRefused(
            "AGREEMENT_OVERLAPS",
            f"协议 {one} 与 {later} 是同一账户同一基金,有效期重叠(已记入账本的协议在到期前一直有效,"
            f'从文件中删去也是如此)。若后者接替前者,请在 {later} 中写明 replaces = "{one}",'
            "且起始日晚于前者。",
        )


def _record(unit: UnitOfWork, agreement: Prepayment, ids: Ids) -> None:
    limit = agreement.limit
    try:
        new = set_limit(unit.connection, limit, salt=ids.salt(), tail=unit.tail)
    except LimitExistsWithDifferent as error:
        field = FIELDS_ZH.get(error.field, error.field)
        raise StoreRefused(
            "AGREEMENT_CHANGED",
            f"协议 {limit.limit_id} 已记入账本,协议文件中的 {field} 与账本不同。"
            "已记入的协议不能修改:请恢复原来的内容;确有变更的,另立一项新编号的 "
            f'[[prepayment]],写明起始日期和 replaces = "{limit.limit_id}"。',
        ) from error
    if new:
        _log.info("agreement_recorded", limit_id=limit.limit_id)


def _pay(unit: UnitOfWork, payment: Payment, at: datetime) -> None:
    body = _body(payment)
    known = find_entry(unit.connection, payment.payment_id)
    if known is None:
        opening = Opening(unit.house_ref(), body)
        unit.append_entry(
            payment.entry(), leaf_type="entry.posted", window=None, opening=opening, at=at
        )
        _log.info("prepayment_recorded", entry_id=payment.payment_id)
        return
    opened = unit.opening(known.index)
    if opened is None or opened[1] != body:
        raise StoreRefused(
            "AGREEMENT_CHANGED",
            f"拨付 {payment.payment_id} 已记入账本,协议文件中的内容与账本不同。"
            "已入账的拨付不能修改:请恢复原来的内容,新的拨付另立一项新编号的 [[payment]]。",
        )


def _body(payment: Payment) -> bytes:
    """What the leaf commits to; the same for the same payment whenever it is read."""
    account = payment.account
    return canonical_json(
        {
            "v": 1,
            "act": "PREPAYMENT",
            "entry_id": payment.payment_id,
            "account": account.code,
            "amount_fen": payment.amount_fen,
            "paid_on": payment.paid_on.isoformat(),
            "source": payment.source,
        }
    )
