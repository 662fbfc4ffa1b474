"""结算: 2206 / 2303 pre-settle, 2207 / 2304 settle.

The insured region computes (医保发〔2022〕22号 经办规程 第32条); amounts are calculator.py's. A
settlement, the account, the accumulators and the lines move in the caller's one transaction. A
visit is settled once per charging batch; a stay once, or again for the lines that follow a
mid-stay settlement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.sandbox.calculator import Amounts, Case, NoRule, Parts, compute
from adapters.sandbox.context import (
    TIME_FORMAT,
    Call,
    Refusal,
    active_insured_of,
    check_certificate,
    day_of,
    kind_on,
    person_of,
    visit_of,
)
from adapters.sandbox.policies import Who
from adapters.sandbox.provinces import pool_of
from adapters.sandbox.records import Insured, Line, Person, Settlement, Visit
from adapters.sandbox.setlinfo import forward_answer
from adapters.sandbox.wire import Json, Node, fen_of, node_of, text_of

SCHEMES = {"310": "employee", "390": "resident"}
_ID_CARD, _INPATIENT = "02", frozenset({"2303", "2304"})


def pre_settle(call: Call) -> Json:
    """2206 / 2303: what a settlement would answer, without setl_id and without effect."""
    row, person, insured, visit = _computed(call, setl_id="")
    return forward_answer(call, row, person, insured, visit)


def settle(call: Call) -> Json:
    """2207 / 2304: takes effect at once."""
    row, person, insured, visit = _computed(call, setl_id=call.serial("A"))
    call.state.add_settlement(row)
    call.state.move_balance(row, -row.amounts["acct"])
    call.state.move_accumulators(row, 1)
    call.state.mark_lines(row.mdtrt_id, row.batch, row.setl_id)
    paid = replace(insured, balance_fen=insured.balance_fen - row.amounts["acct"])
    return forward_answer(call, row, person, paid, visit)


def _computed(call: Call, setl_id: str) -> tuple[Settlement, Person, Insured, Visit]:
    data = node_of(call.given, "data")
    person = person_of(call, text_of(data, "psn_no"))
    visit = visit_of(call, text_of(data, "mdtrt_id"), person.psn_no)
    _check_identity(data, person)
    if visit.inpatient is not (call.number in _INPATIENT):
        raise Refusal("就诊登记类型与结算交易不符")
    if not visit.med_type:
        raise Refusal("未上传门诊就诊信息,不能结算")
    if not visit.inpatient and text_of(data, "med_type") != visit.med_type:
        raise Refusal("医疗类别与就诊信息不一致")
    if text_of(data, "insutype") != visit.insutype:
        raise Refusal("险种类型与就诊登记信息不一致")
    insured = active_insured_of(call, person.psn_no, visit.insutype, visit.area)
    batch = "" if visit.inpatient else text_of(data, "chrg_bchno")
    parts = _parts(call, visit, batch, data)
    amounts, year = _amounts(call, data, person, insured, visit, parts)
    row = Settlement(
        setl_id=setl_id,
        msgid=call.msgid,
        infno=call.infno,
        mdtrt_id=visit.mdtrt_id,
        batch=batch,
        psn_no=person.psn_no,
        insutype=visit.insutype,
        area=visit.area,
        year=year,
        setl_time=call.now.strftime(TIME_FORMAT),
        amounts=_differing(amounts, call.differ_fen),
        moves=_differing_moves(amounts, call.differ_fen),
    )
    return row, person, insured, visit


def _check_identity(data: Node, person: Person) -> None:
    check_certificate(person, text_of(data, "certno"), text_of(data, "psn_name"))
    number = text_of(data, "mdtrt_cert_no")
    if text_of(data, "mdtrt_cert_type") == _ID_CARD and number and number != person.certno:
        raise Refusal("就诊凭证与参保人员不一致")


def _parts(call: Call, visit: Visit, batch: str, data: Node) -> Parts:
    lines = [line for line in call.state.lines(visit.mdtrt_id) if not batch or line.batch == batch]
    if _settled_before(call, visit) and text_of(data, "mid_setl_flag") != "1" and visit.inpatient:
        raise Refusal("该次住院已结算,不能重复结算")
    open_lines = [line for line in lines if not line.setl_id]
    if not open_lines:
        raise Refusal("该批次费用已结算,不能重复结算" if lines else "没有可结算的费用明细")
    parts = _sum(open_lines)
    stated = {
        "medfee_sumamt": parts.total,
        "fulamt_ownpay_amt": parts.own,
        "overlmt_selfpay": parts.over,
        "preselfpay_amt": parts.preself,
        "inscp_scp_amt": parts.inscp,
    }
    for name, expected in stated.items():
        given = data.get(name)
        if given not in (None, "") and fen_of(given, name) != expected:
            raise Refusal(f"{name} 与已上传费用明细汇总不一致")
    if min(parts.total, parts.own, parts.over, parts.preself, parts.inscp) < 0:
        raise Refusal("费用明细汇总为负,请先核对退费明细")
    return parts


def _settled_before(call: Call, visit: Visit) -> list[Settlement]:
    return [
        row
        for row in call.state.settlements_of(visit.mdtrt_id)
        if not row.cancels and not row.reversed_by
    ]


def _sum(lines: Sequence[Line]) -> Parts:
    return Parts(
        own=sum(line.own_fen for line in lines),
        over=sum(line.over_fen for line in lines),
        preself=sum(line.preself_fen for line in lines),
        inscp=sum(line.inscp_fen for line in lines),
    )


def _amounts(
    call: Call, data: Node, person: Person, insured: Insured, visit: Visit, parts: Parts
) -> tuple[Amounts, str]:
    day = day_of(visit.began)
    policy = call.books.policy
    year = policy.year_of(day)
    used = call.state.accumulators(person.psn_no, visit.insutype, year)
    earlier = _settled_before(call, visit) if visit.inpatient else []
    account = text_of(data, "acct_used_flag")
    filed = pool_of(visit.visited_area) in person.filed.split()
    case = Case(
        who=Who(
            scheme=SCHEMES[visit.insutype],
            person=kind_on(insured, person.brdy, day),
            visit="inpatient" if visit.inpatient else "outpatient",
            level=_level(call, visit),
            day=day,
            stay=used.get("STAY", 0) + (0 if earlier else 1),
        ),
        parts=parts,
        insured_area=visit.area,
        visited_area=visit.visited_area,
        filing="long_term" if filed else "temporary",
        emergency=call.province.kind_of_med_type(visit.med_type) == "emergency",
        balance=insured.balance_fen,
        use_account={"1": True, "0": False}.get(account),
        used=used,
        deductible_paid_in_visit=sum(row.amounts["dedc"] for row in earlier),
    )
    try:
        amounts = compute(policy, case)
    except NoRule as error:
        raise Refusal(f"待遇政策中没有适用规则: {error}") from error
    if earlier:
        rest = {code: change for code, change in amounts.moves.items() if code != "STAY"}
        amounts = replace(amounts, moves=rest)
    return amounts, year


def _level(call: Call, visit: Visit) -> str:
    level = call.books.institutions.get(visit.institution, call.rules.unlisted_level)
    if not level:
        raise Refusal(f"医药机构 {visit.institution} 未定点")
    return level


def _differing(amounts: Amounts, lower_fen: int) -> dict[str, int]:
    """Fault `differ`: the pooled fund pays that much less and the patient that much more cash."""
    shift = min(lower_fen, amounts.hifp)
    parts = amounts.parts
    return {
        "total": parts.total,
        "own": parts.own,
        "over": parts.over,
        "preself": parts.preself,
        "inscp": parts.inscp,
        "dedc": amounts.dedc,
        "hifp": amounts.hifp - shift,
        "hifob": amounts.hifob,
        "hifmi": amounts.hifmi,
        "fund": amounts.fund - shift,
        "acct": amounts.acct,
        "cash": amounts.cash + shift,
        "patient": amounts.patient + shift,
    }


def _differing_moves(amounts: Amounts, lower_fen: int) -> dict[str, int]:
    shift = min(lower_fen, amounts.hifp)
    return {
        code: change - shift if code in ("HIFP", "HIFPO") else change
        for code, change in amounts.moves.items()
    }
