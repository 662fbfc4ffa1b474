"""就医地目录计价: each line split into 全自费 · 超限价 · 先行自付 · 范围内.

Pure. A bill and the visited region's catalogue go in; a PricedBill comes out, or every violation of
the bill at once. What the insured region pays of it is gateway/domain/benefits.py's question.
Amounts are integer fen, each product rounded half up away from zero on its own line, so that a full
refund is the exact negative of its original. Identities I5 and I6 hold by construction and are
checked all the same. Restricted items and refunds: national interface, fee details (2204, 2301).
Whether pre-self-pay is taken before or after the price limit is not known for any region:
`preself_basis` is a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from gateway.domain.bill import Bill, BillLine
from gateway.domain.bill_checks import BillChecker
from gateway.domain.business_day import business_day
from gateway.domain.catalogue import Catalogue, CatalogueItem, ItemClass
from gateway.domain.errors import InvariantViolated, Malformed, Violation
from ledger.money import Rounding, multiply, percent


class PreselfBasis(StrEnum):
    """先行自付口径 of a visited region (setting `preself_basis`, unverified)."""

    BEFORE_LIMIT = "before_limit"
    """The ratio on the whole line, as I6 is printed."""
    AFTER_LIMIT = "after_limit"
    """The ratio on the line without its part above the price limit."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The four parts of a bill, or of one line (I5): what benefits are computed from."""

    own_pay_fen: int = 0
    over_limit_fen: int = 0
    pre_self_pay_fen: int = 0
    in_scope_fen: int = 0

    @property
    def total_fen(self) -> int:
        return self.own_pay_fen + self.over_limit_fen + self.pre_self_pay_fen + self.in_scope_fen

    def as_tuple(self) -> tuple[int, int, int, int]:
        return self.own_pay_fen, self.over_limit_fen, self.pre_self_pay_fen, self.in_scope_fen

    def plus(self, other: Totals) -> Totals:
        return Totals(
            self.own_pay_fen + other.own_pay_fen,
            self.over_limit_fen + other.over_limit_fen,
            self.pre_self_pay_fen + other.pre_self_pay_fen,
            self.in_scope_fen + other.in_scope_fen,
        )

    def negated(self) -> Totals:
        return Totals(
            -self.own_pay_fen, -self.over_limit_fen, -self.pre_self_pay_fen, -self.in_scope_fen
        )


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One bill line with its split and what decided it."""

    line_no: str
    item_code: str
    name_zh: str
    item_class: ItemClass
    self_pay_ratio: Decimal
    price_limit: Decimal | None
    amount_fen: int
    own_pay_fen: int
    over_limit_fen: int
    pre_self_pay_fen: int
    in_scope_fen: int
    note_zh: str = ""
    """Why it is own pay although its class would be covered; empty otherwise."""

    @property
    def parts(self) -> Totals:
        return Totals(
            self.own_pay_fen, self.over_limit_fen, self.pre_self_pay_fen, self.in_scope_fen
        )


@dataclass(frozen=True, slots=True)
class PricedBill:
    """A bill whose every line is split."""

    lines: tuple[PricedLine, ...]
    catalogue_version: str
    totals: Totals

    @property
    def total_fen(self) -> int:
        return self.totals.total_fen

    @property
    def own_pay_fen(self) -> int:
        return self.totals.own_pay_fen

    @property
    def over_limit_fen(self) -> int:
        return self.totals.over_limit_fen

    @property
    def pre_self_pay_fen(self) -> int:
        return self.totals.pre_self_pay_fen

    @property
    def in_scope_fen(self) -> int:
        return self.totals.in_scope_fen


def price(
    bill: Bill, catalogue: Catalogue, *, preself_basis: PreselfBasis = PreselfBasis.BEFORE_LIMIT
) -> PricedBill:
    """Split every line. Raises Malformed with *all* violations (`bill.lines[i].…`)."""
    checker = BillChecker(bill)
    found = list(checker.violations())
    priced: list[PricedLine] = []
    for index, line in enumerate(bill.lines):
        # A refund goes by its original's day and approval, or it would not take back what it gave.
        model = checker.original_of(line) or line
        item = catalogue.item(line.item_code, business_day(model.occurred_at))
        if item is None:
            found.append(_unknown_item(index, line))
            continue
        if not checker.is_sound(index):
            continue
        priced.append(_price_line(line, model.hospital_approved, item, preself_basis))
    if found:
        raise _malformed(found)
    return _sum_up(bill, tuple(priced), catalogue)


def _price_line(
    line: BillLine, approved: bool | None, item: CatalogueItem, basis: PreselfBasis
) -> PricedLine:
    sign = -1 if line.quantity < 0 else 1
    quantity = abs(line.quantity)
    amount = multiply(line.unit_price, quantity, rounding=Rounding.HALF_UP)
    note = _own_pay_note(item, approved)
    if item.is_own_pay or note:
        parts = Totals(own_pay_fen=amount)
    else:
        parts = _covered(amount, line.unit_price, quantity, item, basis)
    if parts.total_fen != amount or min(parts.as_tuple()) < 0:
        raise InvariantViolated(f"I6 does not hold for an item {item.code}")
    if sign < 0:
        parts = parts.negated()
    return PricedLine(
        line_no=line.line_no, item_code=item.code, name_zh=item.name_zh,
        item_class=item.item_class, self_pay_ratio=item.self_pay_ratio,
        price_limit=item.price_limit, amount_fen=sign * amount, own_pay_fen=parts.own_pay_fen,
        over_limit_fen=parts.over_limit_fen, pre_self_pay_fen=parts.pre_self_pay_fen,
        in_scope_fen=parts.in_scope_fen, note_zh=note,
    )  # fmt: skip


def _own_pay_note(item: CatalogueItem, approved: bool | None) -> str:
    """限制用药: listed as restricted needs the hospital's yes; anything else only lacks its no."""
    if item.is_own_pay:
        return ""
    if item.restricted and approved is not True:
        return "限制用药,未经医院审批通过,全自费"
    if approved is False:
        return "医院审批为自费,全自费"
    return ""


def _covered(
    amount: int, unit_price: Decimal, quantity: Decimal, item: CatalogueItem, basis: PreselfBasis
) -> Totals:
    """I6: over limit first, then pre-self-pay, and the rest is in scope."""
    over = 0
    if item.price_limit is not None and unit_price > item.price_limit:
        over = amount - multiply(item.price_limit, quantity, rounding=Rounding.HALF_UP)
    base = amount if basis is PreselfBasis.BEFORE_LIMIT else amount - over
    share = percent(base, item.self_pay_ratio, rounding=Rounding.HALF_UP)
    # Before the limit, a high ratio on a dear item would reach into the over-limit part.
    share = min(share, amount - over)
    return Totals(0, over, share, amount - over - share)


def _malformed(found: list[Violation]) -> Malformed:
    """A single violation lends its reason and text to the whole: nobody has to dig for it."""
    reasons = {violation.reason for violation in found}
    return Malformed(
        "cannot be priced",
        reason=reasons.pop() if len(reasons) == 1 else "BILL_MALFORMED",
        text_zh=found[0].text_zh if len(found) == 1 else None,
        violations=tuple(found),
    )


def _sum_up(bill: Bill, lines: tuple[PricedLine, ...], catalogue: Catalogue) -> PricedBill:
    totals = Totals()
    for line in lines:
        totals = totals.plus(line.parts)
    if totals.total_fen != bill.total_fen:
        raise InvariantViolated("I5 does not hold for a bill")
    if min(totals.as_tuple()) < 0:
        # Refunding in many small steps can round more back than was charged.
        text = "退费各行四舍五入后之和超过原收费,请合并退费行后重报。"
        raise _malformed([Violation("bill.lines", "REFUND_EXCEEDS_ORIGINAL", text)])
    return PricedBill(lines, catalogue.version, totals)


def _unknown_item(index: int, line: BillLine) -> Violation:
    text = f"就医地目录中没有在费用发生日有效的项目 {line.item_code[:30]},请核对医保目录编码。"
    return Violation(f"bill.lines[{index}].item_code", "UNKNOWN_ITEM", text)
