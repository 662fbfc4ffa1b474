"""Findings of an imaginary trial, one of each outcome."""

from __future__ import annotations

from gateway.conformance.rule import Difference, Finding, Group, Outcome, Rule
from gateway.conformance.stand import Stand
from gateway.conformance.suite import Report


async def nothing(stand: Stand) -> None:
    """A trial of nothing."""


def finding(id: str, outcome: Outcome, text_zh: str = "") -> Finding:
    rule = Rule(id, Group.WAY, f"规则 {id} 成立", "因为要紧", "这样做", nothing)
    differences: tuple[Difference, ...] = ()
    if outcome is Outcome.DIFFERS:
        differences = (Difference(text_zh, 'assumptions.late_original = "accepted"'),)
    return Finding(rule, outcome, text_zh, differences, 1_234)


REPORT = Report(
    "zhejiang",
    "浙江仿真平台",
    (
        finding("C01", Outcome.PASSED),
        finding("C02", Outcome.BROKEN, "平台上有效结算应为 1 笔,实为 2 笔\x00<&>"),
        finding("C03", Outcome.DIFFERS, "迟到的原报文生效"),
        finding("C04", Outcome.NOT_RUN, "本省的签名不带时间戳"),
    ),
)
