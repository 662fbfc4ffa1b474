"""对账: what we say of a period to a region's centre, and what the centre says of it (3201, 3202).

Days are those of the centre's 结算时间, inclusive, Asia/Shanghai. Amounts are integer fen; those of
a refund are negative. A statement is evidence of what took effect and never a posting by itself.
Not here: which claims belong to a statement, what follows from a difference (the journeys).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.domain.errors import InvariantViolated


class StatementResult(StrEnum):
    """对账结果 in our words; a region's profile maps its codes to them."""

    BALANCED = "balanced"
    CENTRE_MORE = "centre_more"
    """中心多: the centre has it, we do not."""
    OURS_MORE = "ours_more"
    """医药机构多: we have it, the centre does not."""
    DIFFER = "differ"
    """数据不一致; also a plain 不平 that does not say which way."""


@dataclass(frozen=True, slots=True)
class StatementKey:
    """Which settlements a statement is about; the institution is the call's own."""

    scheme_code: str
    """险种 as the region writes it. Empty in a detail order: 3202 has no 险种."""
    clearing_type: str
    """清算类别"""
    clearing_office: str
    """结算经办机构"""
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise InvariantViolated("a statement's last day is before its first")


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """总账: our sums over a key. Settlements whose fund pays nothing count too."""

    key: StatementKey
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    count: int
    """Whether a refund counts is stated nowhere: the caller's setting decides."""
    refund: bool | None
    """Only refunds, only forward settlements, or both (None: not said on the wire)."""


@dataclass(frozen=True, slots=True)
class StatementVerdict:
    """对账结果 of 3201."""

    balanced: bool
    """False for a code that our dictionary lacks."""
    code: str
    """As written by the region."""
    text: str
    result: StatementResult | None = None
    """What `code` means in that region; None where its dictionary lacks the code."""

    @property
    def centre_may_have_more(self) -> bool:
        """False where it agrees, or says that only we have more."""
        return not self.balanced and self.result is not StatementResult.OURS_MORE


@dataclass(frozen=True, slots=True, repr=False)
class OurRow:
    """明细: one settlement as we hold it. A refund stands beside what it takes back: two rows."""

    settlement_id: str
    visit_id: str
    person_no: str
    total_fen: int
    fund_fen: int
    account_fen: int
    refund: bool


@dataclass(frozen=True, slots=True, repr=False)
class StatementOrder:
    """What the detail of a statement is asked with. Raises InvariantViolated unless it adds up."""

    totals: StatementTotals
    """Of all schemes: `key.scheme_code` is empty, and `rows` are those of every scheme."""
    rows: tuple[OurRow, ...]
    """May be empty: then everything that the centre has is the centre's alone."""
    msgids: tuple[str, str, str]
    """Of 9101, 3202 and 9102, in this order."""

    def __post_init__(self) -> None:
        if self.totals.key.scheme_code:
            # Rows of one scheme only would make every other scheme's row look like the centre's.
            raise InvariantViolated("3202 speaks of all schemes: an order's scheme_code is empty")
        sums = (
            sum(row.total_fen for row in self.rows),
            sum(row.fund_fen for row in self.rows),
            sum(row.account_fen for row in self.rows),
        )
        if sums != (self.totals.total_fen, self.totals.fund_fen, self.totals.account_fen):
            raise InvariantViolated("a statement's rows do not add up to its totals")
        one_way = self.totals.refund
        if one_way is not None and any(row.refund is not one_way for row in self.rows):
            raise InvariantViolated("a statement of one direction holds rows of the other")
        if len({*self.msgids, ""}) != 4:
            raise InvariantViolated("9101, 3202 and 9102 each need a msgid of their own")


@dataclass(frozen=True, slots=True, repr=False)
class StatementRow:
    """对账结果明细: one row of the centre's result file."""

    msgid: str
    """发送方报文ID of the message that made it: the only join key of a row that we do not have."""
    settlement_id: str
    """Empty in a row that only the centre has."""
    visit_id: str
    """Likewise."""
    person_no: str
    result_code: str
    """对账结果 as written; an unknown one is kept."""
    refund: bool
    memo: str
    total_fen: int | None
    """The three amounts are given by some regions only."""
    fund_fen: int | None
    account_fen: int | None
    result: StatementResult | None = None
    """What `result_code` means in that region; None where its dictionary lacks the code."""


@dataclass(frozen=True, slots=True, repr=False)
class SettlementQuery:
    """What 5203 asks with: all three, so that it is no help after a lost reply."""

    person_no: str
    visit_id: str
    settlement_id: str


@dataclass(frozen=True, slots=True, repr=False)
class SettlementRecord:
    """结算信息查询: what a region shows of one settlement, for a person's eyes.

    Never a source for the ledger, so it has no Breakdown: query answers may be incomplete or
    contradict each other. None is what the answer left out.
    """

    settlement_id: str
    visit_id: str
    person_no: str
    msgid: str
    """Of the message that made it; empty where not given."""
    settled_at: datetime | None
    refund: bool | None
    scheme_code: str
    clearing_type: str
    clearing_office: str
    total_fen: int | None
    fund_fen: int | None
    account_fen: int | None
    cash_fen: int | None
