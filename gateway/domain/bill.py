"""费用明细: what a hospital asks to have settled, before anyone has priced it.

Pure values. Amounts are integer fen; quantity and unit price are Decimals as the national interface
carries them (cnt 16,4; pric 16,6). Parsing and refusal of bad input happen at the edge, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class VisitKind(StrEnum):
    """医疗类别, as far as it decides pricing and benefits."""

    OUTPATIENT = "outpatient"
    """普通门诊"""
    EMERGENCY = "emergency"
    """急诊 (benefits as outpatient; counts as filed, 医保发〔2022〕22号 第8、34条)"""
    INPATIENT = "inpatient"
    """住院"""

    @property
    def is_inpatient(self) -> bool:
        return self is VisitKind.INPATIENT


class HospitalLevel(StrEnum):
    """医院等级, ours: regions code it in opposite directions (hosp_lv, dedc_hosp_lv)."""

    PRIMARY = "primary"
    """一级及基层"""
    SECONDARY = "secondary"
    """二级"""
    TERTIARY = "tertiary"
    """三级"""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One 费用明细. A refund line has a negative quantity and names the line it takes back."""

    line_no: str
    """费用明细流水号, unique within the visit (digits, at most 15)."""
    item_code: str
    """医疗目录编码 (national item code)."""
    hospital_item_code: str
    """医药机构目录编码."""
    occurred_at: datetime
    """费用发生时间, aware."""
    quantity: Decimal
    """cnt, at most 4 decimals; negative only on a refund."""
    unit_price: Decimal
    """pric in yuan, at most 6 decimals, positive."""
    amount_fen: int
    """明细项目费用总额 = quantity × unit_price, half up to the fen (I6)."""
    hospital_approved: bool | None = None
    """hosp_appr_flag for restricted items (限制用药): True covered, False own pay, None not
    said."""
    refund_of: str | None = None
    """init_feedetl_sn: the line_no of the original."""


@dataclass(frozen=True, slots=True)
class Bill:
    """All lines of one charging batch (收费批次) or stay."""

    batch_no: str
    """收费批次号 (chrg_bchno); for a stay the hospital's own stay number."""
    lines: tuple[BillLine, ...]

    @property
    def total_fen(self) -> int:
        """医疗费总额."""
        return sum(line.amount_fen for line in self.lines)
