"""就医地结算告知: the visited region is told of a settlement made elsewhere.

OUR ASSUMPTION: no national message exists for this. Rows are shaped like those of 3260
(异地清分明细); a reversal has negative amounts. Idempotent by setl_sn, which a settlement and its
reversal may share.
"""

from __future__ import annotations

from adapters.sandbox.context import Call, Refusal
from adapters.sandbox.provinces import pool_of
from adapters.sandbox.wire import Json, Node, dump, fen_of, rows_of, text_of

COLUMNS = (
    "seqno",
    "mdtrtarea",
    "medins_no",
    "certno",
    "mdtrt_id",
    "mdtrt_setl_time",
    "setl_sn",
    "fulamt_advpay_flag",
    "medfee_sumamt",
    "optins_pay_sumamt",
)


def visited_settlements(call: Call) -> Json:
    """Answers how many rows were new and how many were known; a changed row refuses the call."""
    fresh = repeated = 0
    for row in rows_of(call.given, "rows"):
        if _record(call, row):
            fresh += 1
        else:
            repeated += 1
    return {"result": {"accepted": fresh, "repeated": repeated}}


def _record(call: Call, row: Node) -> bool:
    missing = [name for name in COLUMNS if row.get(name) in (None, "")]
    if missing:
        raise Refusal(f"rows.{missing[0]} 不能为空")
    if pool_of(text_of(row, "mdtrtarea")) != call.province.pool:
        raise Refusal("就医地不属于本统筹区")
    total = fen_of(row["medfee_sumamt"], "medfee_sumamt")
    fen_of(row["optins_pay_sumamt"], "optins_pay_sumamt")
    # seqno only numbers the rows of one call, so a repetition may carry another one.
    kept: Json = {name: row[name] for name in COLUMNS if name != "seqno"}
    serial, content = text_of(row, "setl_sn"), dump(kept)
    known = call.state.visited_row(serial, total < 0)
    if known is not None and known != content:
        raise Refusal(f"结算流水号 {serial} 已告知且内容不同")
    call.state.record_visited(serial, total < 0, content)
    return known is None
