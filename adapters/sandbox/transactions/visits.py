"""就诊登记: 2201 门诊挂号, 2203 门诊就诊信息, 2401 入院办理, 2402 出院办理."""

from __future__ import annotations

from adapters.sandbox.context import (
    Call,
    Refusal,
    active_insured_of,
    check_certificate,
    day_of,
    person_of,
    visit_of,
)
from adapters.sandbox.records import Visit
from adapters.sandbox.wire import Json, Node, node_of, text_of


def register_outpatient(call: Call) -> Json:
    """2201 → mdtrt_id."""
    data = node_of(call.given, "data")
    visit = _new_visit(call, data, inpatient=False, number=text_of(data, "ipt_otp_no"))
    return {
        "data": {
            "mdtrt_id": visit.mdtrt_id,
            "psn_no": visit.psn_no,
            "ipt_otp_no": visit.number,
            "expContent": "",
        }
    }


def admit(call: Call) -> Json:
    """2401 → mdtrt_id."""
    data = node_of(call.given, "mdtrtinfo")
    _need_med_type(call, text_of(data, "med_type"), inpatient=True)
    visit = _new_visit(call, data, inpatient=True, number=text_of(data, "ipt_no"))
    return {"result": {"mdtrt_id": visit.mdtrt_id, "expContent": ""}}


def _new_visit(call: Call, data: Node, *, inpatient: bool, number: str) -> Visit:
    person = person_of(call, text_of(data, "psn_no"))
    check_certificate(person, text_of(data, "certno"), text_of(data, "psn_name"))
    insutype = text_of(data, "insutype")
    insured = active_insured_of(call, person.psn_no, insutype, call.insured_area)
    began = text_of(data, "begntime")
    day_of(began)
    visit = Visit(
        mdtrt_id=call.serial("S"),
        inpatient=inpatient,
        psn_no=person.psn_no,
        insutype=insutype,
        area=insured.area,
        visited_area=call.visited_area,
        institution=call.institution,
        number=number,
        med_type=text_of(data, "med_type") if inpatient else "",
        began=began,
        ended="",
        msgid=call.msgid,
        cancelled=False,
    )
    call.state.add_visit(visit)
    return visit


def describe_outpatient(call: Call) -> Json:
    """2203: what kind of visit it is. No output."""
    data = node_of(call.given, "mdtrtinfo")
    visit = visit_of(call, text_of(data, "mdtrt_id"), text_of(data, "psn_no"))
    med_type = text_of(data, "med_type")
    _need_med_type(call, med_type, inpatient=False)
    if visit.inpatient:
        raise Refusal("该就诊登记为住院,不能上传门诊就诊信息")
    if any(
        row
        for row in call.state.settlements_of(visit.mdtrt_id)
        if not row.reversed_by and not row.cancels
    ):
        raise Refusal("该就诊已结算,不能修改就诊信息")
    began = text_of(data, "begntime")
    day_of(began)
    call.state.describe_visit(visit.mdtrt_id, med_type, began)
    return None


def discharge(call: Call) -> Json:
    """2402. No output."""
    data = node_of(call.given, "dscginfo")
    visit = visit_of(call, text_of(data, "mdtrt_id"), text_of(data, "psn_no"))
    if not visit.inpatient:
        raise Refusal("该就诊登记不是住院")
    ended = text_of(data, "endtime")
    if day_of(ended) < day_of(visit.began):
        raise Refusal("出院时间早于入院时间")
    call.state.end_visit(visit.mdtrt_id, ended)
    return None


def _need_med_type(call: Call, med_type: str, *, inpatient: bool) -> None:
    kind = call.province.kind_of_med_type(med_type)
    if kind is None or (kind == "inpatient") is not inpatient:
        raise Refusal(f"医疗类别 {med_type} 不在本地区字典内或与交易不符")
