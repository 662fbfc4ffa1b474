"""异地降比例: how many percentage points a visit elsewhere takes off the ratio, and why.

Pure. The seeds are unverified upper bounds (22号 通知 二(六)) and live in the policies. An
emergency counts as filed (22号 第8、34条); between the demonstration zone's counties no filing is
needed (江苏条例 第五十条: the aim, practice unverified). Steps a–f: gateway/policies/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gateway.domain.bill import VisitKind
from gateway.domain.policy import Policy
from gateway.domain.policy_rules import Query
from gateway.domain.region import is_elsewhere
from gateway.domain.visit import Filing


@dataclass(frozen=True, slots=True)
class Drop:
    """Points off the ratio; label and rule empty at home."""

    points: Decimal = Decimal(0)
    label_zh: str = ""
    rule_id: str = ""


def drop_for(
    policy: Policy, query: Query, *, insured: str, visited: str, kind: VisitKind, filing: Filing
) -> Drop:
    """The first that applies, a to f."""
    # (a) at home
    if not is_elsewhere(insured, visited):
        return Drop()
    # (b) before any filing is asked for: nobody is worse off for having filed
    waiver = policy.waiver(insured, visited, query.day)
    if waiver is not None:
        return Drop(Decimal(0), "示范区免备案,不降比例", waiver.id)
    # (c)
    if filing is Filing.LONG_TERM:
        return Drop(Decimal(0), "长期居住备案,不降比例")
    # (d) (e) (f)
    key, label = "temporary", "其他临时外出,未备案"
    if kind is VisitKind.EMERGENCY:
        key, label = "emergency", "急诊抢救,视同已备案"
    elif filing is Filing.TRANSFER:
        key, label = "transfer", "异地转诊备案"
    rule = policy.drop(query, key)
    if rule is None:
        return Drop(Decimal(0), f"{label},无降幅规则")
    return Drop(rule.points, label, rule.id)
