"""用语: Chinese names of states, parts, funds and message outcomes, as a counter shows them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from yrd.claim.v1 import claim_pb2
from yrd.type.v1 import type_pb2

STATES: Mapping[str, str] = MappingProxyType({
    "RECORDED": "已登记,待答复", "SETTLED": "已结算", "REFUSED": "参保地拒绝", "VOIDED": "未发生",
    "UNKNOWN": "结果未知", "REVERSAL_SENT": "已发冲正", "REVIEW": "待人工核对",
    "REVERSING": "撤销中", "REVERSAL_UNKNOWN": "撤销结果未知", "REVERSED": "已撤销",
})  # fmt: skip
KINDS: Mapping[int, str] = MappingProxyType(
    {
        claim_pb2.VISIT_KIND_OUTPATIENT: "门诊",
        claim_pb2.VISIT_KIND_EMERGENCY: "急诊",
        claim_pb2.VISIT_KIND_INPATIENT: "住院",
    }
)
FUNDS: Mapping[int, str] = MappingProxyType(
    {
        type_pb2.FUND_POOLED: "统筹基金",
        type_pb2.FUND_CIVIL_SERVICE: "公务员医疗补助",
        type_pb2.FUND_ENTERPRISE_SUPPLEMENT: "企业补充医疗保险",
        type_pb2.FUND_RESIDENT_MAJOR_ILLNESS: "居民大病保险",
        type_pb2.FUND_EMPLOYEE_LARGE_SUM: "职工大额医疗费用补助",
        type_pb2.FUND_MEDICAL_AID: "医疗救助",
        type_pb2.FUND_DISABLED: "伤残人员医疗保障",
        type_pb2.FUND_OTHER: "其他基金",
    }
)
PARTS: tuple[tuple[str, str], ...] = (
    ("total_fen", "医疗费总额"),
    ("own_pay_fen", "全自费"),
    ("over_limit_fen", "超限价"),
    ("pre_self_pay_fen", "先行自付"),
    ("in_scope_fen", "符合政策范围"),
    ("deductible_fen", "起付线"),
    ("fund_total_fen", "基金支付"),
    ("account_fen", "个人账户"),
    ("cash_fen", "个人现金"),
    ("hospital_fen", "医院负担"),
)
"""Field of a Breakdown → its name, in the order a bill is read."""
AREAS: Mapping[str, str] = MappingProxyType({
    "310118": "青浦", "320509": "吴江", "330421": "嘉善",
    "310000": "上海", "320500": "苏州", "330400": "嘉兴",
    "31": "上海", "32": "江苏", "33": "浙江",
})  # fmt: skip
MESSAGE_OUTCOMES: Mapping[str, str] = MappingProxyType({
    "planned": "已登记,未见答复", "answered": "已答复", "refused": "被拒绝",
    "no_answer": "无答复", "not_sent": "未送达",
})  # fmt: skip


def state_name(claim: claim_pb2.Claim) -> str:
    """SETTLED for CLAIM_STATE_SETTLED."""
    return claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")


def state_zh(claim: claim_pb2.Claim) -> str:
    return STATES.get(state_name(claim), state_name(claim))


def area_zh(code: str) -> str:
    """A short name of a region; the code itself where we know none."""
    return AREAS.get(code) or AREAS.get(code[:2]) or code


def fund_name(fund: int) -> str:
    """pooled for FUND_POOLED: the key of machine-readable output."""
    return type_pb2.Fund.Name(type_pb2.Fund.ValueType(fund)).removeprefix("FUND_").lower()


def amounts(breakdown: claim_pb2.Breakdown) -> dict[str, int]:
    """A breakdown as fen by part, funds as `fund.pooled_fen`."""
    found = {field: int(getattr(breakdown, field)) for field, _ in PARTS}
    found["family_account_fen"] = breakdown.family_account_fen
    found["patient_fen"] = breakdown.patient_fen
    for row in breakdown.funds:
        found[f"fund.{fund_name(row.fund)}_fen"] = row.amount_fen
    return found
