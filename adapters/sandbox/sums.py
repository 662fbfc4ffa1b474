"""合计核对: whether a settlement's answer adds up, shown with its figures.

Pure. The identities I1, I2, I3 and I5 of the national interface (I5 and the last: held in every
complete message that was seen), and the sum of the fund rows. Amounts in yuan as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.sandbox.wire import BadField, Json, Unreadable, number_of, parse

_ALSO = {
    "psn_cash_pay": ("pdn_cash_pay", "cash_payamt"),
    "psn_part_amt": ("psn_pay",),
    "hosp_part_amt": ("ownpay_hosp_part",),
}
"""Other spellings of the same field in 2208, 2305 and 5203."""
_OFTEN_MISSING = frozenset({"hosp_part_amt", "hifdm_pay"})
_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("医疗费总额 = 基金 + 个人负担 + 医院负担", "medfee_sumamt",
     ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt")),
    ("基金支付总额 = 各项基金之和", "fund_pay_sumamt",
     ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay",
      "hifdm_pay")),
    ("个人负担 = 个人账户 + 现金", "psn_part_amt", ("acct_pay", "psn_cash_pay")),
    ("医疗费总额 = 全自费 + 超限价 + 先行自付 + 符合范围", "medfee_sumamt",
     ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sum:
    """One rule with its figures."""

    rule: str
    working: str
    holds: bool | None
    """None = an amount is missing, so nobody can say."""


def sums_of(answer: str) -> list[Sum]:
    """Of an answer that has a setlinfo; none for any other."""
    try:
        output = parse(answer.encode()).get("output")
    except Unreadable:
        return []
    info = output.get("setlinfo") if isinstance(output, dict) else None
    if not isinstance(output, dict) or not isinstance(info, dict) or "medfee_sumamt" not in info:
        return []
    found = [_sum(info, rule, left, right) for rule, left, right in _RULES]
    rows = output.get("setldetail")
    if isinstance(rows, list):
        found.append(_of_rows(info, rows))
    return found


def _sum(info: Mapping[str, Json], rule: str, left: str, right: tuple[str, ...]) -> Sum:
    total = _amount(info, left)
    parts = [_amount(info, name) for name in right]
    parts = [
        Decimal(0) if part is None and name in _OFTEN_MISSING else part
        for name, part in zip(right, parts, strict=True)
    ]
    known = [part for part in parts if part is not None]
    working = f"{_word(total)} = {' + '.join(_word(part) for part in parts if part != 0) or '0'}"
    if total is None or len(known) < len(parts):
        return Sum(rule, working, None)
    return Sum(rule, working, total == sum(known))


def _of_rows(info: Mapping[str, Json], rows: list[Json]) -> Sum:
    rule = "基金明细之和 = 基金支付总额 + 个人账户"
    paid = [_amount(row, "fund_payamt") for row in rows if isinstance(row, dict)]
    funds, account = _amount(info, "fund_pay_sumamt"), _amount(info, "acct_pay")
    known = [part for part in paid if part is not None]
    working = (
        f"{' + '.join(_word(part) for part in paid) or '0'} = {_word(funds)} + {_word(account)}"
    )
    if funds is None or account is None or len(known) < len(rows):
        return Sum(rule, working, None)
    return Sum(rule, working, sum(known, Decimal(0)) == funds + account)


def _amount(node: Mapping[str, Json], name: str) -> Decimal | None:
    for spelled in (name, *_ALSO.get(name, ())):
        try:
            if node.get(spelled) is not None:
                return number_of(node[spelled], spelled)
        except BadField:
            return None
    return None


def _word(amount: Decimal | None) -> str:
    return "缺" if amount is None else format(amount, "f")
