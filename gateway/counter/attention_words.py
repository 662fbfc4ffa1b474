"""待办用语: what may be done about a provisional claim, and how long it has waited, in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.counter import wording
from yrd.audit.v1 import audit_pb2 as pb
from yrd.claim.v1 import claim_pb2

_ACTS: Mapping[int, str] = MappingProxyType({
    pb.ATTENTION_ACT_WAIT: "不必处理:系统自动继续",
    pb.ATTENTION_ACT_WAIT_STATEMENT: "等待参保地 {day} 的对账,次日自动索取",
    pb.ATTENTION_ACT_TAKE_BACK: "撤回:./yrd claims take-back {claim} --reason 理由",
    pb.ATTENTION_ACT_READ_AGAIN: "重新读取答复:./yrd claims read-again {claim} --reason 理由",
    pb.ATTENTION_ACT_PHONE_REGION: "凭报文编号联系{region}平台(./yrd claims show {claim})",
})  # fmt: skip
_IDENTITIES: Mapping[str, str] = MappingProxyType({
    "I1": "总额不等于基金、账户、现金与医院负担之和",
    "I2": "基金支付总额不等于各项基金之和",
    "I3": "个人负担总额不等于账户与现金之和",
    "I4": "共济支付超出个人账户支付",
    "I5": "总额不等于全自费、超限价、先行自付与范围内之和",
    "I7": "起付线超出政策范围内费用",
    "I8": "撤销金额不是原结算的相反数",
    "SIGN": "金额正负不一",
})  # fmt: skip
"""Of gateway/domain/breakdown.py."""


def findings(claim: pb.AttentionClaim) -> list[str]:
    """What was found wrong or unknown in the region's answer."""
    return [f"{_IDENTITIES[f]}({f})" if f in _IDENTITIES else f for f in claim.findings]


def acts(claim: pb.AttentionClaim) -> list[str]:
    """What may be done, the first first; acts we have no word for are left out."""
    known = [_ACTS[act] for act in claim.may_do if act in _ACTS]
    region = wording.area_zh(claim.insured_region[:2])
    return [
        text.format(day=claim.statement_day, claim=claim.claim_id, region=region) for text in known
    ]


def state_zh(claim: pb.AttentionClaim) -> str:
    name = claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")
    return wording.STATES.get(name, name)


def since(claim: pb.AttentionClaim) -> datetime:
    """Since when it waits, aware."""
    return claim.since.ToDatetime(tzinfo=UTC)


def waited(claim: pb.AttentionClaim, now: datetime) -> str:
    """How long, in the largest unit that fits."""
    seconds = max(0, int((now - since(claim)).total_seconds()))
    for size, unit in ((86_400, "天"), (3_600, "小时"), (60, "分钟")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}秒"
