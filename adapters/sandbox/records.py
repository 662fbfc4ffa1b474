"""平台记录: the rows of a platform's state as values. Amounts are integer fen; no SQL, no wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """参保人 as the platform registers them."""

    psn_no: str
    certno: str
    token: str
    card_no: str
    name: str
    gend: str
    brdy: str
    filed: str


@dataclass(frozen=True, slots=True)
class Insured:
    """参保信息: one insuinfo row."""

    psn_no: str
    insutype: str
    area: str
    kind: str
    status: str
    employer: str
    balance_fen: int


@dataclass(frozen=True, slots=True)
class Visit:
    """就诊."""

    mdtrt_id: str
    inpatient: bool
    psn_no: str
    insutype: str
    area: str
    visited_area: str
    institution: str
    number: str
    med_type: str
    began: str
    ended: str
    msgid: str
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Line:
    """费用明细, split by the visited region's catalogue."""

    mdtrt_id: str
    feedetl_sn: str
    batch: str
    item: str
    day: str
    approval: str
    quantity: str
    price: str
    refund_of: str
    total_fen: int
    own_fen: int
    over_fen: int
    preself_fen: int
    inscp_fen: int
    setl_id: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """结算, or the row that takes one back (`cancels` is set, every amount negated)."""

    setl_id: str
    msgid: str
    infno: str
    mdtrt_id: str
    batch: str
    psn_no: str
    insutype: str
    area: str
    year: str
    setl_time: str
    amounts: Mapping[str, int]
    moves: Mapping[str, int]
    cancels: str = ""
    reversed_by: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """A settlement or a refund as a statement counts it."""

    setl_id: str
    msgid: str
    mdtrt_id: str
    psn_no: str
    insutype: str
    inpatient: bool
    amounts: tuple[int, int, int]
    """Total, fund and account; negative in a refund."""
    refund: bool


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file, or the result of a comparison."""

    query_no: str
    institution: str
    filename: str
    until: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a message was answered."""

    refmsgid: str
    infcode: int
    err_msg: str
    output: str
