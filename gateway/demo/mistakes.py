"""错误请求: what the gateway must refuse by itself, each made from a good request by one change.

Data and pure changes. The expected reason is the violation's, or the error's where it has no field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yrd.claim.v1 import claim_pb2

Request = claim_pb2.SettleClaimRequest
YEARS_AHEAD_S = 40 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong request."""

    key: str
    title_zh: str
    change: Callable[[Request], None]
    status: str
    reason: str
    field: str = ""
    """Field path that must be named; empty where the whole request is at fault."""


def _unknown_item(request: Request) -> None:
    request.visit.lines[1].item_code = "SYN-XX99-9999"


def _wrong_check_digit(request: Request) -> None:
    right = request.patient.id_number
    wrong = f"{right[:-1]}{'0' if right[-1] != '0' else '1'}"
    request.patient.id_number = wrong
    request.patient.certificate_number = wrong


def _future(request: Request) -> None:
    request.visit.lines[0].occurred_at.seconds += YEARS_AHEAD_S


def _negative(request: Request) -> None:
    line = request.visit.lines[1]
    line.quantity = f"-{line.quantity}"
    line.amount_fen = -line.amount_fen


def _elsewhere(request: Request) -> None:
    request.insured_region = "110000"


def _too_precise(request: Request) -> None:
    request.visit.lines[0].unit_price_yuan = "38.0000001"


FRESH = (
    Mistake("unknown_item", "项目编码不在就医地目录", _unknown_item,
            "INVALID_ARGUMENT", "UNKNOWN_ITEM", "visit.lines[1].item_code"),
    Mistake("wrong_check_digit", "身份证号码校验位错误", _wrong_check_digit,
            "INVALID_ARGUMENT", "CHECK_DIGIT", "patient.id_number"),
    Mistake("future_date", "费用发生时间在将来", _future,
            "INVALID_ARGUMENT", "FUTURE_DATE", "visit.lines[0].occurred_at"),
    Mistake("negative", "退费行没有原费用流水号", _negative,
            "INVALID_ARGUMENT", "NEGATIVE_WITHOUT_ORIGINAL", "visit.lines[1].refund_of"),
    Mistake("too_precise", "单价超过六位小数", _too_precise,
            "INVALID_ARGUMENT", "", "visit.lines[0].unit_price_yuan"),
    Mistake("region_not_served", "参保地尚未接入", _elsewhere,
            "INVALID_ARGUMENT", "", "insured_region"),
)  # fmt: skip
"""Sent under a fresh request_id each."""


def other_body(request: Request) -> None:
    """The same request_id with another bill."""
    request.invoice_no = "INV-OTHER"
