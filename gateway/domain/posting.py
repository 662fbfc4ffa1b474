"""记账: which accounts one settlement moves, in both regions' books.

Pure. Per claim the hospital is due D = funds + account money (cash passes between patient and
hospital and is recorded, not posted):

* 就医地 book: debit receivable from the insured region, credit hospital payable;
* 参保地 book: debit fund expense (or the personal accounts), credit payable to the visited region.

One pair of legs per fund, account money apart from fund money; so each book and each fund balances.
"""

from __future__ import annotations

from gateway.domain.breakdown import Breakdown, Fund
from gateway.domain.errors import InvariantViolated
from gateway.domain.region import pooling_region_of
from ledger.journal import Account, Leg, Role


def settlement_legs(
    breakdown: Breakdown, *, visited_region: str, insured_region: str, institution: str
) -> tuple[Leg, ...]:
    """Legs of a settlement, in fen. A negative breakdown is refused: mirror the original's legs."""
    visited, insured = pooling_region_of(visited_region), pooling_region_of(insured_region)
    amounts = [*breakdown.funds, (Fund.PERSONAL_ACCOUNT, breakdown.account_fen)]
    if any(amount < 0 for _, amount in amounts):
        raise InvariantViolated(
            "a settlement posts no negative amount; a reversal mirrors its legs"
        )
    legs: list[Leg] = []
    for fund, amount in amounts:
        if amount:
            legs += _pair(fund, amount, visited=visited, insured=insured, institution=institution)
    return tuple(legs)


def _pair(
    fund: Fund, amount_fen: int, *, visited: str, insured: str, institution: str
) -> list[Leg]:
    of_person = fund is Fund.PERSONAL_ACCOUNT
    source = Role.PERSONAL_ACCOUNT if of_person else Role.FUND_EXPENSE
    return [
        Leg(
            debit=Account(insured, source, insured, fund.value),
            credit=Account(insured, Role.PAYABLE, visited, fund.value),
            amount_fen=amount_fen,
        ),
        Leg(
            debit=Account(visited, Role.RECEIVABLE, insured, fund.value),
            credit=Account(visited, Role.HOSPITAL_PAYABLE, institution, fund.value),
            amount_fen=amount_fen,
        ),
    ]
