"""费用明细: the lines of a request's bill.

Here texts become values; what the values must fulfil together (amounts, refunds against their
originals, unique numbers) is asked of the domain, so that every edge refuses the same bills.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from gateway.domain.bill import Bill, BillLine
from gateway.domain.bill_checks import LINES_MAX, BillChecker
from gateway.rpc.convert import texts
from gateway.rpc.convert.decimals import decimal
from gateway.rpc.convert.door import Door
from gateway.rpc.convert.findings import Findings
from gateway.rpc.convert.paths import caller_path
from gateway.rpc.convert.times import past_instant
from yrd.claim.v1 import claim_pb2

ITEM_CODE_MAX = 50
HOSPITAL_ITEM_CODE_MAX = 150
ITEM_NAME_MAX = 200
BATCH_NO_MAX = 30

_LINE_INDEX = re.compile(r"^bill\.lines\[(\d+)\]")


def bill(found: Findings, field: str, message: claim_pb2.Visit, door: Door) -> Bill:
    """The bill; what is wrong goes into `found`, and then the value must not be used."""
    batch_no = texts.text(
        found, f"{field}.batch_no", message.batch_no, at_most=BATCH_NO_MAX, required=True
    )
    field = f"{field}.lines"
    if len(message.lines) > LINES_MAX:
        found.add(field, "TOO_MANY", f"费用明细超过{LINES_MAX}条,请分批结算。")
        return Bill(batch_no, ())
    if not message.lines:
        found.add(field, "REQUIRED", "费用明细为空,至少需要一条。")
        return Bill(batch_no, ())
    unreadable: set[int] = set()
    lines: list[BillLine] = []
    for index, line in enumerate(message.lines):
        numbers = _numbers(found, f"{field}[{index}]", line)
        if numbers is None:
            unreadable.add(index)
        lines.append(_line(found, f"{field}[{index}]", line, numbers, door))
    whole = Bill(batch_no, tuple(lines))
    _check(found, whole, unreadable)
    if not unreadable and whole.total_fen <= 0:
        found.add(field, "NOT_POSITIVE", "费用合计须大于零,没有可结算的金额。")
    return whole


def _check(found: Findings, whole: Bill, unreadable: set[int]) -> None:
    """The domain's own checks. A line with unreadable numbers has been told about already, and a
    refund of such a line cannot be compared with it."""
    lost = {whole.lines[index].line_no for index in unreadable}
    silent = unreadable | {i for i, line in enumerate(whole.lines) if line.refund_of in lost}
    for violation in BillChecker(whole).violations():
        match = _LINE_INDEX.match(violation.field)
        if match is None or int(match[1]) not in silent:
            found.add(caller_path(violation.field), violation.reason, violation.text_zh)


def _line(
    found: Findings,
    field: str,
    message: claim_pb2.BillLine,
    numbers: tuple[Decimal, Decimal] | None,
    door: Door,
) -> BillLine:
    quantity, unit_price = numbers or (Decimal(1), Decimal(1))
    texts.text(found, f"{field}.item_name", message.item_name, at_most=ITEM_NAME_MAX)
    return BillLine(
        line_no=texts.line_no(found, f"{field}.line_no", message.line_no),
        item_code=texts.text(
            found, f"{field}.item_code", message.item_code, at_most=ITEM_CODE_MAX, required=True
        ),
        hospital_item_code=texts.text(
            found, f"{field}.hospital_item_code", message.hospital_item_code,
            at_most=HOSPITAL_ITEM_CODE_MAX, required=True,
        ),
        occurred_at=_occurred_at(found, f"{field}.occurred_at", message, door),
        quantity=quantity,
        unit_price=unit_price,
        amount_fen=message.amount_fen,
        hospital_approved=(
            message.hospital_approved if message.HasField("hospital_approved") else None
        ),
        refund_of=message.refund_of or None,
    )  # fmt: skip


def _numbers(
    found: Findings, field: str, message: claim_pb2.BillLine
) -> tuple[Decimal, Decimal] | None:
    """(quantity, unit price), or None where either cannot be read."""
    quantity = decimal(found, f"{field}.quantity", message.quantity)
    unit_price = decimal(found, f"{field}.unit_price_yuan", message.unit_price_yuan)
    return None if quantity is None or unit_price is None else (quantity, unit_price)


def _occurred_at(found: Findings, field: str, message: claim_pb2.BillLine, door: Door) -> datetime:
    if not message.HasField("occurred_at"):
        found.add(field, "REQUIRED", "费用发生时间必填。")
        return door.now
    return past_instant(found, field, message.occurred_at, door.now) or door.now
