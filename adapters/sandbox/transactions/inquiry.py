"""结算信息查询: 5203 shows one settlement, or the row that takes one back, by its own setl_id.

Two amounts go by other names than in a settlement (psn_pay, cash_payamt), and the hospital's share
is not there at all. Nothing takes effect.
"""

from __future__ import annotations

from adapters.sandbox.context import Call, Refusal, insured_of, person_of, visit_of
from adapters.sandbox.setlinfo import forward_answer
from adapters.sandbox.wire import Json, Node, node_of, text_of

_RENAMED = {"psn_part_amt": "psn_pay", "psn_cash_pay": "cash_payamt"}
_ELSEWHERE = "4"
"""pay_loc 跨省异地"""


def settlement(call: Call) -> Json:
    """5203: asks with psn_no, mdtrt_id and setl_id."""
    data = node_of(call.given, "data")
    person = person_of(call, text_of(data, "psn_no"))
    visit = visit_of(call, text_of(data, "mdtrt_id"), person.psn_no)
    row = call.state.settlement(text_of(data, "setl_id"))
    if row is None or row.mdtrt_id != visit.mdtrt_id:
        raise Refusal("未查询到该结算信息")
    insured = insured_of(call, person.psn_no, row.insutype, row.area)
    answer = forward_answer(call, row, person, insured, visit)
    info = node_of(answer, "setlinfo")
    shown: Node = {
        _RENAMED.get(name, name): value for name, value in info.items() if name != "hosp_part_amt"
    }
    shown |= {
        "insu_optins": row.area,
        "pay_loc": _ELSEWHERE,
        "fixmedins_code": visit.institution,
        "fixmedins_name": visit.institution,
        "begndate": visit.began[:10],
        "enddate": (visit.ended or visit.began)[:10],
        "refd_setl_flag": "1" if row.amounts["total"] < 0 else "0",
        "year": row.year,
    }
    return {"setlinfo": shown, "setldetail": answer["setldetail"]}
