"""费用明细: 2204 / 2301 upload, 2205 / 2302 withdraw. Lines are split by the *visited* catalogue.

One bad row fails the whole call. Source: national interface, detail upload rules.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.sandbox.catalogue import NO_LIMIT, Catalogue, Item, Split
from adapters.sandbox.context import Call, Refusal, day_of, visit_of
from adapters.sandbox.provinces import pool_of
from adapters.sandbox.records import Line, Visit
from adapters.sandbox.wire import (
    Json,
    Node,
    fen_of,
    node_of,
    number_of,
    rows_of,
    text_of,
    yuan,
)

ROWS_PER_CALL = 100
_MEDICINE, _SERVICE = "09", "14"


def upload_outpatient(call: Call) -> Json:
    """2204: all rows of one charging batch; several batches may share a call."""
    return _upload(call, inpatient=False)


def upload_inpatient(call: Call) -> Json:
    """2301: at most 100 rows; refunds name the line they take back."""
    return _upload(call, inpatient=True)


def _upload(call: Call, *, inpatient: bool) -> Json:
    rows = rows_of(call.given, "feedetail")
    if not rows:
        raise Refusal("费用明细为空")
    if len(rows) > ROWS_PER_CALL and inpatient:
        raise Refusal(f"单次上传明细不能超过{ROWS_PER_CALL}条")
    catalogue = call.books.catalogues.get(pool_of(call.visited_area))
    if catalogue is None:
        raise Refusal(f"就医地 {call.visited_area} 的目录未在本平台登记")
    return {"result": [_add_row(call, row, catalogue, inpatient) for row in rows]}


def _add_row(call: Call, row: Node, catalogue: Catalogue, inpatient: bool) -> Json:
    visit = visit_of(call, text_of(row, "mdtrt_id"), text_of(row, "psn_no"))
    serial = text_of(row, "feedetl_sn")
    if visit.inpatient is not inpatient:
        raise Refusal("就诊登记类型与明细上传交易不符")
    known = {line.feedetl_sn: line for line in call.state.lines(visit.mdtrt_id)}
    if serial in known:
        raise Refusal(f"费用明细流水号 {serial} 重复")
    price, quantity = number_of(row["pric"], "pric"), number_of(row["cnt"], "cnt")
    if price <= 0 or quantity == 0:
        raise Refusal(f"明细 {serial} 单价或数量不正确")
    day = day_of(text_of(row, "fee_ocur_time"))
    approval = text_of(row, "hosp_appr_flag")
    if quantity < 0:
        # A refund goes by its original's day and approval, or it would not be its negative.
        original = _original_of(row, known, price, quantity)
        day, approval = date.fromisoformat(original.day), original.approval
    item = _item_of(text_of(row, "med_list_codg"), day, catalogue)
    split = catalogue.split(item, price, quantity, approval)
    if split.total_fen != fen_of(row["det_item_fee_sumamt"], "det_item_fee_sumamt"):
        raise Refusal(f"明细 {serial} 金额不等于单价乘数量")
    line = _line(visit, row, split, day, approval)
    call.state.add_line(line)
    return _answer_row(call, line, item, price, quantity)


def _item_of(code: str, day: date, catalogue: Catalogue) -> Item:
    item = catalogue.item(code, day)
    if item is None:
        raise Refusal(f"目录编码 {code} 在就医地目录中不存在或已停用")
    return item


def _original_of(row: Node, known: dict[str, Line], price: Decimal, quantity: Decimal) -> Line:
    """The line that a refund takes back: same item, same price, and no more than is left of it."""
    serial = text_of(row, "feedetl_sn")
    original = known.get(text_of(row, "init_feedetl_sn"))
    if original is None or original.item != text_of(row, "med_list_codg"):
        raise Refusal(f"退费明细 {serial} 未找到原费用流水号")
    if Decimal(original.price) != price:
        raise Refusal(f"退费明细 {serial} 单价与原明细不一致")
    refunds = (line for line in known.values() if line.refund_of == original.feedetl_sn)
    taken_back = sum((Decimal(line.quantity) for line in refunds), Decimal(0))
    if Decimal(original.quantity) + taken_back + quantity < 0:
        raise Refusal(f"退费明细 {serial} 数量超过原明细")
    return original


def _line(visit: Visit, row: Node, split: Split, day: date, approval: str) -> Line:
    return Line(
        mdtrt_id=visit.mdtrt_id,
        feedetl_sn=text_of(row, "feedetl_sn"),
        batch=text_of(row, "chrg_bchno"),
        item=text_of(row, "med_list_codg"),
        day=day.isoformat(),
        approval=approval,
        quantity=text_of(row, "cnt"),
        price=text_of(row, "pric"),
        refund_of=text_of(row, "init_feedetl_sn"),
        total_fen=split.total_fen,
        own_fen=split.own_fen,
        over_fen=split.over_fen,
        preself_fen=split.preself_fen,
        inscp_fen=split.inscp_fen,
    )


def _answer_row(call: Call, line: Line, item: Item, price: Decimal, quantity: Decimal) -> Json:
    limit = NO_LIMIT if item.price_limit is None else item.price_limit
    return {
        "feedetl_sn": line.feedetl_sn,
        "det_item_fee_sumamt": yuan(line.total_fen),
        "cnt": quantity,
        "pric": price,
        "pric_uplmt_amt": limit,
        "selfpay_prop": item.self_pay_ratio,
        "fulamt_ownpay_amt": yuan(line.own_fen),
        "overlmt_amt": yuan(line.over_fen),
        "preselfpay_amt": yuan(line.preself_fen),
        "inscp_scp_amt": yuan(line.inscp_fen),
        "chrgitm_lv": call.province.grades[item.grade],
        "med_chrgitm_type": _MEDICINE if item.code.startswith("SYN-X") else _SERVICE,
        "bas_medn_flag": call.province.basic_medicine_no,
        "hi_nego_drug_flag": call.province.basic_medicine_no,
        "chld_medc_flag": "0",
        "list_sp_item_flag": "0",
        "lmt_used_flag": "1" if item.restricted else "0",
        "drt_reim_flag": "0",
        "memo": "",
    }


def withdraw_outpatient(call: Call) -> Json:
    """2205: the unsettled rows of a batch; "0000" all of them. No output."""
    return _withdraw(call, "batch", "chrg_bchno")


def withdraw_inpatient(call: Call) -> Json:
    """2302: one unsettled row; "0000" all of them. No output."""
    return _withdraw(call, "feedetl_sn", "feedetl_sn")


def _withdraw(call: Call, column: str, name: str) -> Json:
    data = node_of(call.given, "data")
    visit = visit_of(call, text_of(data, "mdtrt_id"), text_of(data, "psn_no"))
    call.state.drop_unsettled_lines(visit.mdtrt_id, column, text_of(data, name))
    return None
