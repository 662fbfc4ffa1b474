"""费用明细校验: what a bill must fulfil before anyone can price it.

Pure. It looks at the bill alone: quantities, prices, amounts, and refund lines against their
originals. Whether an item exists is the catalogue's question. All violations are collected, with
their path in the caller's terms (`bill.lines[3].quantity`). Precision: cnt 16,4, pric 16,6 of the
national interface; refund rows: quantity negative, price equal to the original's, never more of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from gateway.domain.bill import Bill, BillLine
from gateway.domain.errors import Violation
from ledger.money import FEN_MAX, MoneyError, Rounding, multiply

QUANTITY_DECIMALS = 4
PRICE_DECIMALS = 6
LINES_MAX = 2000
_FACTOR_MAX = Decimal(10) ** 12


class BillChecker:
    """One bill, indexed by line number. Build it, then ask."""

    def __init__(self, bill: Bill) -> None:
        self._lines = bill.lines
        self._by_no: dict[str, BillLine] = {}
        for line in bill.lines:
            self._by_no.setdefault(line.line_no, line)
        self._bad: set[int] = set()

    def original_of(self, line: BillLine) -> BillLine | None:
        """The charged line a refund takes back; None for a charge, or where there is none."""
        if line.refund_of is None:
            return None
        original = self._by_no.get(line.refund_of)
        return original if original is not None and original.refund_of is None else None

    def is_sound(self, index: int) -> bool:
        """Whether `violations()` found nothing wrong with this line."""
        return index not in self._bad

    def violations(self) -> tuple[Violation, ...]:
        """Everything wrong, in the order of the lines."""
        if not self._lines:
            return (Violation("bill.lines", "EMPTY_BILL", "费用明细为空。"),)
        if len(self._lines) > LINES_MAX:
            text = f"一次最多 {LINES_MAX} 行费用明细。"
            return (Violation("bill.lines", "TOO_MANY_LINES", text),)
        found: list[Violation] = []
        seen: set[str] = set()
        for index, line in enumerate(self._lines):
            wrong = [*self._numbers(line)]
            if line.quantity.is_finite() and line.unit_price.is_finite():
                wrong += self._refund(line)
            if line.line_no in seen:
                wrong.append(("line_no", "DUPLICATE_LINE", "费用明细流水号重复。"))
            seen.add(line.line_no)
            if wrong:
                self._bad.add(index)
            found += [Violation(f"bill.lines[{index}].{f}", r, t) for f, r, t in wrong]
        if sum(abs(line.amount_fen) for line in self._lines) > FEN_MAX:
            found.append(Violation("bill.lines", "OUT_OF_RANGE", "费用合计超出范围。"))
        return (*found, *self._overdrawn())

    def _numbers(self, line: BillLine) -> Iterator[tuple[str, str, str]]:
        if not line.quantity.is_finite() or abs(line.quantity) >= _FACTOR_MAX:
            yield "quantity", "OUT_OF_RANGE", "数量超出范围。"
            return
        if not line.unit_price.is_finite() or abs(line.unit_price) >= _FACTOR_MAX:
            yield "unit_price", "OUT_OF_RANGE", "单价超出范围。"
            return
        if line.quantity == 0:
            yield "quantity", "ZERO_QUANTITY", "数量不能为 0。"
        if line.unit_price <= 0:
            yield "unit_price", "PRICE_NOT_POSITIVE", "单价须大于 0;退费以负数量表示。"
        if _decimals(line.quantity) > QUANTITY_DECIMALS:
            yield "quantity", "TOO_MANY_DECIMALS", f"数量最多 {QUANTITY_DECIMALS} 位小数。"
        if _decimals(line.unit_price) > PRICE_DECIMALS:
            yield "unit_price", "TOO_MANY_DECIMALS", f"单价最多 {PRICE_DECIMALS} 位小数。"
        yield from _amount(line)

    def _refund(self, line: BillLine) -> Iterator[tuple[str, str, str]]:
        if line.refund_of is None:
            if line.quantity < 0:
                yield (
                    "refund_of", "NEGATIVE_WITHOUT_ORIGINAL",
                    "负数量须注明被退的原费用明细流水号。",
                )  # fmt: skip
            return
        original = self.original_of(line)
        if line.quantity > 0:
            yield "quantity", "REFUND_NOT_NEGATIVE", "退费行的数量须为负数。"
        if original is None:
            yield "refund_of", "ORIGINAL_NOT_FOUND", "本批次中找不到被退的原费用明细。"
            return
        if original.item_code != line.item_code:
            yield "item_code", "REFUND_ITEM_DIFFERS", "退费行的项目须与原费用明细相同。"
        if not original.unit_price.is_finite() or original.unit_price != line.unit_price:
            yield "unit_price", "REFUND_PRICE_DIFFERS", "退费行的单价须与原费用明细相同。"

    def _overdrawn(self) -> Iterator[Violation]:
        """Several refunds of one line are taken together: |cnt| ≤ the original's."""
        taken: defaultdict[str, Decimal] = defaultdict(Decimal)
        for index, line in enumerate(self._lines):
            original = self.original_of(line)
            if original is None or not self.is_sound(index):
                continue
            taken[original.line_no] -= line.quantity
            if taken[original.line_no] > original.quantity:
                self._bad.add(index)
                yield Violation(
                    f"bill.lines[{index}].quantity", "REFUND_EXCEEDS_ORIGINAL",
                    "退费数量合计超过原费用明细的数量。",
                )  # fmt: skip


def _decimals(value: Decimal) -> int:
    """Decimals that matter: 1.5000 has one. (normalize() would round a value of 30 digits.)"""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or value == 0:
        return 0
    zeros = next((n for n, digit in enumerate(reversed(digits)) if digit), 0)
    return max(0, -exponent - zeros)


def _amount(line: BillLine) -> Iterator[tuple[str, str, str]]:
    """I6: the line's amount is its price times its quantity, half up."""
    try:
        expected = multiply(line.unit_price, line.quantity, rounding=Rounding.HALF_UP)
    except MoneyError:
        yield "amount_fen", "OUT_OF_RANGE", "金额超出范围。"
        return
    if expected != line.amount_fen:
        text = "金额须等于数量×单价,四舍五入到分。"
        reason = "AMOUNT_MISMATCH" if abs(line.amount_fen) <= FEN_MAX else "OUT_OF_RANGE"
        yield "amount_fen", reason, text
