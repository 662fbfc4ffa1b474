"""分录: double entry that cannot be wrong. An entry either balances or cannot be built.

Pure. A leg moves one amount from the credit of one account to the debit of another in the same book
and the same fund, so that every book balances for every fund by construction; an entry that touches
two books holds legs of both and is taken whole or not at all. Nothing is edited: a pending entry is
resolved once by a posted, voided or expired one, and a posted one is corrected by an entry that
reverses it. Amounts are integer fen. No balances, storage or time here.

States: TigerBeetle's two-phase transfers (pending → posted | voided | expired).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

AMOUNT_MAX = 10**16 - 1
"""Largest amount of one leg in fen; see ledger.money.FEN_MAX."""
LEGS_MAX = 64
"""Most legs of one entry. A settlement has about four."""

_BOOK = re.compile(r"[0-9A-Z]{6,18}", re.ASCII)
_COUNTERPARTY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}", re.ASCII)
_FUND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_ENTRY_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}", re.ASCII)
_EXPIRES_MAX_US = 1 << 53
"""The year 2255; and what every reader of JSON can hold."""


class JournalError(ValueError):
    """An account, a leg or an entry that may not exist; `reason` says which rule it breaks."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Role(StrEnum):
    """科目: what an account is for in its book."""

    FUND_EXPENSE = "fund_expense"
    """基金支出: what the insured region's fund bears."""
    PAYABLE = "payable"
    """应付: owed to another region."""
    RECEIVABLE = "receivable"
    """应收: owed by another region."""
    HOSPITAL_PAYABLE = "hospital_payable"
    """应付医药机构: owed to a hospital or pharmacy."""
    PERSONAL_ACCOUNT = "personal_account"
    """个人账户: paid from the insured person's account."""
    FUND_DEPOSIT = "fund_deposit"
    """基金存款: the money that a region's fund holds; what it lends in advance comes from here."""
    PREPAYMENT_ASSET = "prepayment_asset"
    """预付金: lent in advance to another region."""
    PREPAYMENT_LIABILITY = "prepayment_liability"
    """预付金: held in advance from another region."""


class EntryKind(StrEnum):
    """分录状态: each state is its own row; none is ever changed into another."""

    PENDING = "pending"
    """待定: the intent, before the region has answered."""
    POSTED = "posted"
    """入账: the region said yes."""
    VOIDED = "voided"
    """作废: the region said no."""
    EXPIRED = "expired"
    """失效: given up, and logged as such."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """账户: one role towards one counterparty, in one region's book, for one fund."""

    book: str
    """Pooling region whose book it is in, e.g. 330400."""
    role: Role
    counterparty: str
    """The other side: a region (310000), an institution (H00310000001) or a reference."""
    fund: str
    """基金: pooled, serious_illness, personal …; the names are the caller's."""
    code: str = field(init=False, compare=False, repr=False)
    """330400/payable/310000/pooled. Made once: each append asks for it a dozen times."""

    def __post_init__(self) -> None:
        if not isinstance(self.role, Role):
            raise JournalError("ROLE_UNKNOWN", "an account's role is one of Role")
        for pattern, part, name in (
            (_BOOK, self.book, "book"),
            (_COUNTERPARTY, self.counterparty, "counterparty"),
            (_FUND, self.fund, "fund"),
        ):
            if not pattern.fullmatch(part):
                raise JournalError("ACCOUNT_MALFORMED", f"the {name} of an account is malformed")
        code = f"{self.book}/{self.role}/{self.counterparty}/{self.fund}"
        object.__setattr__(self, "code", code)

    @classmethod
    def parse(cls, code: str) -> Account:
        """The account with this code. Raises JournalError."""
        parts = code.split("/")
        if len(parts) != 4:
            raise JournalError("ACCOUNT_MALFORMED", "an account is book/role/counterparty/fund")
        book, role, counterparty, fund = parts
        if role not in Role.__members__.values():
            raise JournalError("ROLE_UNKNOWN", "no such role")
        return cls(book=book, role=Role(role), counterparty=counterparty, fund=fund)


@dataclass(frozen=True, slots=True)
class Leg:
    """借贷: one amount, debited to one account credited to another of the same book and fund."""

    debit: Account
    credit: Account
    amount_fen: int

    def __post_init__(self) -> None:
        if isinstance(self.amount_fen, bool) or not isinstance(self.amount_fen, int):
            raise JournalError("AMOUNT_NOT_FEN", "an amount is an integer number of fen")
        if not 0 < self.amount_fen <= AMOUNT_MAX:
            raise JournalError("AMOUNT_OUT_OF_RANGE", "a leg moves more than 0 fen, within bounds")
        if self.debit.book != self.credit.book:
            raise JournalError("BOOKS_DIFFER", "a leg stays in one book; use one leg per book")
        if self.debit.fund != self.credit.fund:
            raise JournalError("FUNDS_DIFFER", "a leg stays in one fund; use one leg per fund")
        if self.debit == self.credit:
            raise JournalError("ACCOUNTS_SAME", "a leg moves between two accounts")

    def mirrored(self) -> Leg:
        """The leg that takes this one back."""
        return Leg(debit=self.credit, credit=self.debit, amount_fen=self.amount_fen)


@dataclass(frozen=True, slots=True)
class Entry:
    """分录: legs that are taken whole or not at all, under an id that its maker chose for ever.

    No legs at all is allowed where a claim moves no fund (an all-cash visit still has its entry).
    """

    entry_id: str
    kind: EntryKind
    legs: tuple[Leg, ...] = ()
    resolves: str | None = None
    """The pending entry that this one ends. A posted entry's legs may differ from it: the insured
    region decides the amounts."""
    reverses: str | None = None
    """冲销: the posted entry that this one takes back."""
    linked: str | None = None
    """连环: the first entry of the chain that was taken whole or not at all; that one names
    itself."""
    expires_us: int | None = None
    """失效时刻 of a pending entry, in microseconds since 1970 UTC. After it the ledger logs an
    expired entry, unless another came first; until that is logged the entry is pending."""

    def __post_init__(self) -> None:
        if not isinstance(self.kind, EntryKind):
            raise JournalError("KIND_UNKNOWN", "an entry's kind is one of EntryKind")
        for name in (self.entry_id, self.resolves, self.reverses, self.linked):
            if name is not None and not _ENTRY_ID.fullmatch(name):
                raise JournalError("ENTRY_ID_MALFORMED", "an entry id is 1 to 64 plain characters")
        if self.entry_id in (self.resolves, self.reverses):
            raise JournalError("REFERS_TO_ITSELF", "an entry cannot resolve or reverse itself")
        if len(self.legs) > LEGS_MAX:
            raise JournalError("TOO_MANY_LEGS", f"an entry has at most {LEGS_MAX} legs")
        self._check_kind()

    def _check_expiry(self, expires_us: object) -> None:
        if self.kind is not EntryKind.PENDING:
            raise JournalError("EXPIRY_NOT_PENDING", "only a pending entry expires")
        if type(expires_us) is not int or not 0 < expires_us < _EXPIRES_MAX_US:
            raise JournalError("EXPIRY_MALFORMED", "an expiry is in microseconds since 1970")

    def _check_kind(self) -> None:
        if self.kind is EntryKind.PENDING and self.resolves is not None:
            raise JournalError("PENDING_RESOLVES", "a pending entry resolves nothing")
        if self.expires_us is not None:
            self._check_expiry(self.expires_us)
        if self.kind not in (EntryKind.VOIDED, EntryKind.EXPIRED):
            return
        if self.resolves is None:
            raise JournalError("RESOLVES_MISSING", f"a {self.kind.value} entry ends a pending one")
        if self.legs or self.reverses is not None:
            raise JournalError("LEGS_FORBIDDEN", f"a {self.kind.value} entry moves nothing")


def reversal(original: Entry, *, entry_id: str, kind: EntryKind = EntryKind.POSTED) -> Entry:
    """The entry that takes a posted one back, leg by leg."""
    if original.kind is not EntryKind.POSTED:
        raise JournalError("NOT_POSTED", "only a posted entry can be reversed")
    legs = tuple(leg.mirrored() for leg in original.legs)
    return Entry(entry_id=entry_id, kind=kind, legs=legs, reverses=original.entry_id)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """试算平衡: the sums of one book and one fund."""

    book: str
    fund: str
    debits_fen: int
    credits_fen: int

    @property
    def difference_fen(self) -> int:
        """Zero, or the books are wrong."""
        return self.debits_fen - self.credits_fen


def trial_balance(sides: Iterable[tuple[Account, int, int]]) -> tuple[TrialBalance, ...]:
    """Sums per (book, fund) of (account, debits in fen, credits in fen), in order of book, fund."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for account, debits_fen, credits_fen in sides:
        total = sums[account.book, account.fund]
        total[0] += debits_fen
        total[1] += credits_fen
    return tuple(TrialBalance(book, fund, *sums[book, fund]) for book, fund in sorted(sums))


def sides(legs: Iterable[Leg]) -> Iterable[tuple[Account, int, int]]:
    """Each leg as its debit side and its credit side."""
    for leg in legs:
        yield leg.debit, leg.amount_fen, 0
        yield leg.credit, 0, leg.amount_fen
