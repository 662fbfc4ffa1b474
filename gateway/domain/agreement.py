"""清算协议 · 预付金: what two regions have agreed about money lent in advance, and what was lent.

Pure values, as an agreements file says them and the ledger records them once. The insured region
lends to the visited one, per fund; what it owes for claims draws on it. Amounts are integer fen,
days are days of Asia/Shanghai. The ledger's part is ledger.limits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gateway.domain.policy_rules import Confidence
from ledger.journal import Account, Entry, EntryKind, Leg, Role
from ledger.limits import Limit


@dataclass(frozen=True, slots=True)
class Prepayment:
    """预付金约定: a floor under what one region has lent another."""

    limit: Limit
    replaces: str = ""
    """Id of the agreement that this one supersedes from its first day; "" where there is none."""
    confidence: Confidence | None = None
    """可信度, as in a policy file; kept in the file only: knowing more changes no agreement."""


@dataclass(frozen=True, slots=True)
class Payment:
    """预付金拨付: money that the insured region has lent the visited one."""

    payment_id: str
    """The id of its journal entry, for ever."""
    account: Account
    """insured/prepayment_asset/visited/fund."""
    amount_fen: int
    paid_on: date
    source: str

    def entry(self) -> Entry:
        """Posted in the insured region's book: from its deposits into the prepayment."""
        book, fund = self.account.book, self.account.fund
        deposit = Account(book, Role.FUND_DEPOSIT, book, fund)
        leg = Leg(debit=self.account, credit=deposit, amount_fen=self.amount_fen)
        return Entry(self.payment_id, EntryKind.POSTED, legs=(leg,))


@dataclass(frozen=True, slots=True)
class Agreements:
    """Everything one agreements file says."""

    prepayments: tuple[Prepayment, ...] = ()
    payments: tuple[Payment, ...] = ()


def prepayment_account(insured: str, visited: str, fund: str) -> Account:
    """预付金: pooling regions, 6 digits each, and the fund."""
    return Account(insured, Role.PREPAYMENT_ASSET, visited, fund)


def drawn_by(insured: str, visited: str, fund: str) -> Account:
    """应付: what claims have drawn on it."""
    return Account(insured, Role.PAYABLE, visited, fund)


def overlap(
    limits: Iterable[Limit], replaces: Mapping[str, str], new: Set[str]
) -> tuple[Limit, Limit] | None:
    """The first two limits of one account, earlier and later, that hold at once without the later
    one saying that it replaces the earlier; None if there are none.

    `replaces`: id → id. Pairs of which neither is among the `new` ids were let in before.
    """
    by_account: defaultdict[Account, list[Limit]] = defaultdict(list)
    for limit in limits:
        by_account[limit.account].append(limit)
    for of_account in by_account.values():
        # Only neighbours: what was superseded once does not come back (ledger.limits).
        for one, next_one in pairwise(sorted(of_account, key=lambda limit: limit.valid_from_us)):
            if not new.isdisjoint((one.limit_id, next_one.limit_id)) and not _follows(
                one, next_one, replaces
            ):
                return one, next_one
    return None


def _follows(one: Limit, later: Limit, replaces: Mapping[str, str]) -> bool:
    if one.valid_until_us is not None and one.valid_until_us <= later.valid_from_us:
        return True
    begins_later = one.valid_from_us < later.valid_from_us
    return begins_later and replaces.get(later.limit_id) == one.limit_id
