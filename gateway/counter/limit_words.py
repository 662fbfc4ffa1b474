"""余额的措辞: a limit and what is left under it, for an administrator and for a machine.

Pure. Amounts in integer fen, in yuan for people; shares in tenths of a percent; days of
Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from gateway.counter import wording
from gateway.domain.business_day import business_day
from ledger.journal import Account, Role
from ledger.limits import Enforcement, Standing

ROLES: Mapping[Role, str] = MappingProxyType({
    Role.FUND_EXPENSE: "基金支出", Role.PAYABLE: "应付", Role.RECEIVABLE: "应收",
    Role.HOSPITAL_PAYABLE: "应付医药机构", Role.PERSONAL_ACCOUNT: "个人账户",
    Role.FUND_DEPOSIT: "基金存款", Role.PREPAYMENT_ASSET: "预付金",
    Role.PREPAYMENT_LIABILITY: "预收金",
})  # fmt: skip
CONFIDENCE: Mapping[str, str] = MappingProxyType({
    "solid": "已核实", "medium": "部分核实", "unverified": "未核实",
})  # fmt: skip
_FUNDS = {wording.fund_name(fund): name for fund, name in wording.FUNDS.items()}


class LimitState(StrEnum):
    """Where a limit stands."""

    ENOUGH = "enough"
    WARNS = "below_warns"
    BLOCKS = "below_blocks"


STATES: Mapping[LimitState, str] = MappingProxyType({
    LimitState.ENOUGH: "充足", LimitState.WARNS: "低于下限(提示)",
    LimitState.BLOCKS: "低于下限(暂停新结算)",
})  # fmt: skip


def state_of(standing: Standing) -> LimitState:
    if not standing.below:
        return LimitState.ENOUGH
    blocks = standing.limit.enforcement is Enforcement.BLOCK
    return LimitState.BLOCKS if blocks else LimitState.WARNS


def account_zh(account: Account) -> str:
    """嘉兴→上海 统筹基金 预付金."""
    parties = f"{wording.area_zh(account.book)}→{wording.area_zh(account.counterparty)}"
    fund = _FUNDS.get(account.fund, account.fund)
    return f"{parties} {fund} {ROLES[account.role]}"


def used_permille(standing: Standing) -> int | None:
    """What has been drawn of what was lent, in tenths of a percent; None where nothing was lent."""
    if standing.balance_fen <= 0:
        return None
    used = standing.balance_fen - standing.available_fen
    return used * 1000 // standing.balance_fen


def used_zh(standing: Standing) -> str:
    """37.5%."""
    permille = used_permille(standing)
    if permille is None:
        return "未拨付"
    sign, (whole, tenth) = "-" if permille < 0 else "", divmod(abs(permille), 10)
    return f"{sign}{whole}.{tenth}%"


def first_day(standing: Standing) -> date:
    return business_day(_time(standing.limit.valid_from_us))


def last_day(standing: Standing) -> date | None:
    """Inclusive."""
    until = standing.limit.valid_until_us
    return None if until is None else business_day(_time(until - 1))


def row(standing: Standing, confidence: str) -> dict[str, object]:
    """For machines."""
    limit, last = standing.limit, last_day(standing)
    state = state_of(standing)
    return {
        "limit_id": limit.limit_id,
        "account": limit.account.code,
        "account_zh": account_zh(limit.account),
        "floor_fen": limit.floor_fen,
        "available_fen": standing.available_fen,
        "balance_fen": standing.balance_fen,
        "used_permille": used_permille(standing),
        "enforcement": limit.enforcement.value,
        "state": state.value,
        "state_zh": STATES[state],
        "valid_from": first_day(standing).isoformat(),
        "valid_until": last.isoformat() if last else None,
        "source": limit.source,
        "confidence": confidence or None,
    }


def _time(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
