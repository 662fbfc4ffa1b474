"""就医地目录: the visited region's catalogue file, and how it splits one line (I6).

Own reader and own arithmetic over the same files that the rest of the house reads; the format is
gateway/policies/README.md §3. Amounts in fen; prices in yuan as Decimal; every rounding half up,
away from zero. What a policy pays is calculator.py's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from adapters.sandbox.bad_seed import line_of, rows_of_csv

NO_LIMIT = Decimal("999999")
"""pric_uplmt_amt of an item without a price limit."""

_CLASS_C, _CLASSES = "c", ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Item:
    """目录项, one dated row."""

    code: str
    grade: str
    self_pay_ratio: Decimal
    price_limit: Decimal | None
    restricted: bool
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Split:
    """One line in its four parts; they sum to total_fen."""

    total_fen: int
    own_fen: int
    over_fen: int
    preself_fen: int

    @property
    def inscp_fen(self) -> int:
        return self.total_fen - self.own_fen - self.over_fen - self.preself_fen


class Catalogue:
    """One region's catalogue; `item` answers what was valid on a day."""

    def __init__(self, items: Iterable[Item], *, after_limit: bool) -> None:
        self._rows: dict[str, list[Item]] = {}
        for item in items:
            self._rows.setdefault(item.code, []).append(item)
        self._after_limit = after_limit

    def item(self, code: str, day: date) -> Item | None:
        for row in self._rows.get(code, ()):
            if row.valid_from <= day <= row.valid_until:
                return row
        return None

    def split(self, item: Item, price: Decimal, quantity: Decimal, approval: str) -> Split:
        """approval is hosp_appr_flag: "1" covered, "2" own pay, "0" or "" not said.

        A negative quantity (refund) is the exact negative of the positive one.
        """
        if quantity < 0:
            positive = self.split(item, price, -quantity, approval)
            return Split(
                -positive.total_fen, -positive.own_fen, -positive.over_fen, -positive.preself_fen
            )
        total = to_fen(price * quantity)
        if _is_own_pay(item, approval):
            return Split(total, total, 0, 0)
        over = 0
        if item.price_limit is not None and price > item.price_limit:
            over = total - to_fen(item.price_limit * quantity)
        base = total - over if self._after_limit else total
        preself = min(_round(Decimal(base) * item.self_pay_ratio), total - over)
        return Split(total, 0, over, preself)


def _is_own_pay(item: Item, approval: str) -> bool:
    if item.grade == _CLASS_C or item.self_pay_ratio == 1:
        return True
    return approval != "1" if item.restricted else approval == "2"


def to_fen(yuan: Decimal) -> int:
    return _round(yuan * 100)


def _round(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


_COLUMNS = (
    "item_code",
    "class",
    "self_pay_ratio",
    "price_limit",
    "restricted",
    "valid_from",
    "valid_until",
)


def read_catalogue(path: Path, *, after_limit: bool) -> Catalogue:
    """Raises BadSeed on a row that does not follow the format."""
    items: list[Item] = []
    for line, row in rows_of_csv(path, _COLUMNS):
        with line_of(path, line):
            items.append(_item(row))
    return Catalogue(items, after_limit=after_limit)


def _item(row: dict[str, str]) -> Item:
    limit, until, grade = row["price_limit"], row["valid_until"], row["class"]
    if grade not in _CLASSES:
        raise ValueError(f"class 为 a(甲)、b(乙)、c(丙),写的是 {grade!r}")
    ratio = Decimal(row["self_pay_ratio"])
    if not 0 <= ratio <= 1:
        raise ValueError(f"self_pay_ratio 在 0 与 1 之间,写的是 {ratio}")
    return Item(
        code=row["item_code"],
        grade=grade,
        self_pay_ratio=ratio,
        price_limit=Decimal(limit) if limit else None,
        restricted=row["restricted"] == "1",
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_until=date.fromisoformat(until) if until else date.max,
    )
