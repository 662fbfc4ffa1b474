"""医保目录: the visited region's items, dated (就医地目录, 医保发〔2022〕22号 第6条).

Pure values. Reading files is gateway/policy_files.py's. Prices are yuan per unit as Decimal (6
decimals), ratios Decimal 0…1; nothing here is an amount in fen. Validity days are inclusive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from gateway.domain.errors import Refused
from gateway.domain.region import pooling_region_of

WHOLE = Decimal(1)


class ItemClass(StrEnum):
    """甲 / 乙 / 丙."""

    A = "a"
    """甲类: the whole amount is in scope"""
    B = "b"
    """乙类: a share is paid before the ratio (先行自付)"""
    C = "c"
    """丙类: own pay"""

    @property
    def zh(self) -> str:
        return {"a": "甲", "b": "乙", "c": "丙"}[self.value]


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One row: an item as it is paid from `valid_from` to `valid_until`."""

    code: str
    """医疗目录编码, e.g. SYN-XA01-0001 (synthetic)."""
    name_zh: str
    item_class: ItemClass
    self_pay_ratio: Decimal
    """先自付比例 0…1, 4 decimals; 1 means own pay."""
    price_limit: Decimal | None
    """限价, yuan per unit, 6 decimals; None = no limit (999999 on the wire)."""
    restricted: bool
    """限制用药: in scope only when the hospital approved the use."""
    valid_from: date
    valid_until: date | None
    source: str

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    @property
    def is_own_pay(self) -> bool:
        return self.item_class is ItemClass.C or self.self_pay_ratio == WHOLE


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One region's items. The same code may have several rows with disjoint days."""

    region: str
    """统筹区 of the visited side."""
    version: str
    """Changes with any byte of the file, e.g. catalogue-310000-1a2b3c4d5e6f."""
    items: tuple[CatalogueItem, ...]
    _by_code: dict[str, tuple[CatalogueItem, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows: defaultdict[str, list[CatalogueItem]] = defaultdict(list)
        for item in self.items:
            rows[item.code].append(item)
        object.__setattr__(self, "_by_code", {code: tuple(r) for code, r in rows.items()})

    def item(self, code: str, day: date) -> CatalogueItem | None:
        """The row valid on a day, or None: an unknown item is refused, never guessed."""
        for row in self._by_code.get(code, ()):
            if row.is_valid_on(day):
                return row
        return None

    def on(self, day: date) -> tuple[CatalogueItem, ...]:
        """Everything valid on a day, by code."""
        valid = (item for item in self.items if item.is_valid_on(day))
        return tuple(sorted(valid, key=lambda item: item.code))


class CatalogueBook:
    """The catalogues of all regions we serve."""

    def __init__(self, catalogues: Iterable[Catalogue]) -> None:
        self._by_region = {catalogue.region: catalogue for catalogue in catalogues}

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(sorted(self._by_region))

    def of(self, region: str) -> Catalogue:
        """The catalogue a visited area code is priced by. Raises Refused NO_CATALOGUE."""
        pooling = pooling_region_of(region)
        if pooling not in self._by_region:
            raise Refused(
                f"no catalogue for {pooling}",
                reason="NO_CATALOGUE",
                text_zh=f"就医地 {pooling} 的医保目录尚未载入,无法计价。",
                metadata={"region": pooling},
            )
        return self._by_region[pooling]
