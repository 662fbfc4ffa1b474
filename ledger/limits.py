"""余额限制: how far an account may be drawn down, by an agreement and from a date.

Pure. A limit guards what is available on an account that is normally in debit (预付金: lent in
advance to another region), less what another account owes against it (应付). Below its floor a
limit *warns*: a patient stands at the counter; only an agreement that says so, from a date on,
*blocks*.
Limits are facts of the log: never changed, ended by their date or superseded by a further one of
the same account (`as_they_count`).
Amounts are integer fen, times integer microseconds since 1970 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.journal import AMOUNT_MAX, Account, Entry, EntryKind, JournalError

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}", re.ASCII)
SOURCE_MAX = 400
"""Most characters of a limit's source note."""

Sums = tuple[int, int, int, int]
"""Pending debit and credit, posted debit and credit of one account, in fen."""


class Enforcement(StrEnum):
    """What happens below the floor."""

    WARN = "warn"
    """提示: the entry is taken, and whoever made it is told."""
    BLOCK = "block"
    """限制: a pending entry is refused."""


@dataclass(frozen=True, slots=True)
class Limit:
    """余额限制: one floor under one account."""

    limit_id: str
    account: Account
    """Whose balance is guarded; normally in debit."""
    floor_fen: int
    """The least that is to be available; 0 or more."""
    enforcement: Enforcement
    valid_from_us: int
    source: str
    """The agreement or document that says so."""
    drawn_by: Account | None = None
    """What draws on it: its credit balance counts against the account. Same book, same fund."""
    valid_until_us: int | None = None
    """No longer in force from this moment on."""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.limit_id):
            raise JournalError("LIMIT_MALFORMED", "a limit's id is 1 to 64 plain characters")
        if not isinstance(self.enforcement, Enforcement):
            raise JournalError("LIMIT_MALFORMED", "a limit warns or blocks")
        if type(self.floor_fen) is not int or not 0 <= self.floor_fen <= AMOUNT_MAX:
            raise JournalError("LIMIT_MALFORMED", "a floor is 0 fen or more, within bounds")
        if not 0 < len(self.source) <= SOURCE_MAX:
            raise JournalError("LIMIT_MALFORMED", "a limit names its source, in 400 characters")
        if self.valid_until_us is not None and self.valid_until_us <= self.valid_from_us:
            raise JournalError("LIMIT_MALFORMED", "a limit ends after it begins")
        drawn = self.drawn_by
        if drawn is not None and (
            drawn == self.account
            or (drawn.book, drawn.fund) != (self.account.book, self.account.fund)
        ):
            raise JournalError(
                "LIMIT_MALFORMED", "what draws is another account, same book and fund"
            )

    def in_force(self, at_us: int) -> bool:
        """At this moment?"""
        ended = self.valid_until_us is not None and self.valid_until_us <= at_us
        return self.valid_from_us <= at_us and not ended

    @property
    def accounts(self) -> tuple[str, ...]:
        """Codes of the accounts whose sums decide."""
        drawn = self.drawn_by
        return (self.account.code,) if drawn is None else (self.account.code, drawn.code)

    def available(self, sums: Mapping[str, Sums]) -> int:
        """What is left, in fen: posted, less all that is taken or reserved. What a pending entry
        would bring does not count before it is posted."""
        _, pending_credit, debit, credit = sums[self.account.code]
        left = debit - credit - pending_credit
        if self.drawn_by is not None:
            _, pending_credit, debit, credit = sums[self.drawn_by.code]
            left -= credit - debit + pending_credit
        return left

    def blocks(self, entry: Entry) -> bool:
        """Whether this entry may be refused: the intent may, what a region has decided may not."""
        return self.enforcement is Enforcement.BLOCK and (
            entry.kind is EntryKind.PENDING
            or (entry.kind is EntryKind.POSTED and entry.resolves is None)
        )


def as_they_count(limits: Sequence[Limit]) -> list[Limit]:
    """接替: of the limits of one account only the one that began last counts, from then on.

    Given in the order in which they were set, answered in it, each ended no later than its
    successor begins; of two that begin at once the one set later counts. What was superseded does
    not come back when its successor ends, so that a limit of one day ends another for good.
    """
    ends: dict[int, int] = {}
    following: dict[Account, int] = {}
    for place in sorted(range(len(limits)), key=lambda n: (-limits[n].valid_from_us, -n)):
        limit = limits[place]
        begins = following.get(limit.account)
        following[limit.account] = limit.valid_from_us
        if begins is not None:
            ends[place] = begins
    return [
        _ended(limit, ends.get(place))
        for place, limit in enumerate(limits)
        if ends.get(place) != limit.valid_from_us
    ]


def _ended(limit: Limit, at_us: int | None) -> Limit:
    given = limit.valid_until_us
    if at_us is None or (given is not None and given <= at_us):
        return limit
    return replace(limit, valid_until_us=at_us)


@dataclass(frozen=True, slots=True)
class Standing:
    """A limit, and what is available at the moment of asking."""

    limit: Limit
    available_fen: int
    balance_fen: int
    """Posted on the account itself, before what draws on it."""

    @property
    def below(self) -> bool:
        """Less is left than the floor."""
        return self.available_fen < self.limit.floor_fen


@dataclass(frozen=True, slots=True)
class Warned:
    """提示: an entry was taken that leaves less than a floor."""

    limit_id: str
    account: str
    available_fen: int
    floor_fen: int
    before_fen: int
    """What was available before the entry."""

    @property
    def crossed(self) -> bool:
        """It was this entry that passed the floor; those after it only go on below."""
        return self.before_fen >= self.floor_fen
