"""费用明细: the rows of 2204 and 2301 as bill lines.

Amounts are checked here against quantity × unit price (half up, identity I6 of the interface),
because here the row still has its JSON path. Prices are not judged: the visited region's catalogue
does that.
"""

from __future__ import annotations

from decimal import Decimal

from gateway.hospital_files.codes import APPROVALS
from gateway.hospital_files.draft import Draft, put_time
from gateway.hospital_files.node import Node
from ledger.money import Rounding, multiply
from yrd.claim.v1 import claim_pb2

QUANTITY_PLACES = 4
PRICE_PLACES = 6


def add_line(draft: Draft, row: Node, *, inpatient: bool) -> None:
    """Append one row to the request."""
    path = f"visit.lines[{len(draft.request.visit.lines)}]"
    line = draft.request.visit.lines.add()
    draft.origins[path] = row.path
    for attribute, name in (
        ("line_no", "feedetl_sn"),
        ("item_code", "med_list_codg"),
        ("hospital_item_code", "medins_list_codg"),
    ):
        draft.text(line, f"{path}.{attribute}", row, name, required=True)
    put_time(line.occurred_at, row.moment("fee_ocur_time"))
    draft.came_from(f"{path}.occurred_at", row, "fee_ocur_time")
    if inpatient:
        draft.text(line, f"{path}.refund_of", row, "init_feedetl_sn", required=False)
    approved = row.code("hosp_appr_flag", APPROVALS, required=False)
    if approved is not None:
        line.hospital_approved = approved
    draft.came_from(f"{path}.hospital_approved", row, "hosp_appr_flag")
    _add_amounts(draft, line, row, path)


def _add_amounts(draft: Draft, line: claim_pb2.BillLine, row: Node, path: str) -> None:
    quantity = row.decimal("cnt", places=QUANTITY_PLACES)
    price = row.decimal("pric", places=PRICE_PLACES)
    amount = row.fen("det_item_fee_sumamt")
    for attribute, name in (
        ("quantity", "cnt"), ("unit_price_yuan", "pric"), ("amount_fen", "det_item_fee_sumamt"),
    ):  # fmt: skip
        draft.came_from(f"{path}.{attribute}", row, name)
    if quantity is not None:
        line.quantity = _plain(quantity)
        if quantity == 0:
            row.say("cnt", "ZERO_QUANTITY", "不能为 0。")
        elif quantity < 0 and not line.refund_of:
            text = "退费(负数)必须用 init_feedetl_sn 写明原费用流水号;门诊退费请撤销整笔结算。"
            row.say("cnt", "NEGATIVE_WITHOUT_ORIGINAL", text)
    if price is not None:
        line.unit_price_yuan = _plain(price)
        if price <= 0:
            row.say("pric", "NOT_POSITIVE", "必须大于 0;退费用负的数量表示。")
    if amount is not None:
        line.amount_fen = amount
    if quantity is not None and price is not None and amount is not None:
        product = multiply(price, quantity, rounding=Rounding.HALF_UP)
        if product != amount:
            text = "应等于 单价 × 数量(四舍五入到分)。"
            row.say("det_item_fee_sumamt", "AMOUNT_MISMATCH", text)


def _plain(number: Decimal) -> str:
    """The number without exponent: 1E+1 would be a text that nobody writes."""
    return format(number, "f")
