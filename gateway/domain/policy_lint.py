"""政策检查: what is wrong with a policy file as a whole, although each rule can be read.

Pure. Findings are values; who reads the file decides what to do. It does not judge whether a figure
is right: nothing in here could.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise

from gateway.domain.breakdown import Fund
from gateway.domain.policy import Policy
from gateway.domain.policy_rules import (
    CapRule,
    DeductibleRule,
    DropRule,
    LayerRule,
    RatioRule,
    Rule,
)

_HUNDRED = 100
_FIRST, _LAST = date.min, date.max


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong."""

    region: str
    code: str
    """OVERLAP, GAP, UNSOURCED, UNKNOWN_FUND, UNKNOWN_SETTING, …"""
    rule_ids: tuple[str, ...]
    text_zh: str


def lint(policy: Policy) -> tuple[Finding, ...]:
    """Everything wrong with one region's policy."""
    found: list[Finding] = []
    for code, ids, text in (
        *_identity(policy), *_sources(policy), *_settings(policy), *_figures(policy),
        *_overlaps(policy), *_gaps(policy),
    ):  # fmt: skip
        found.append(Finding(policy.region, code, ids, text))
    return tuple(found)


_Found = Iterator[tuple[str, tuple[str, ...], str]]


def _identity(policy: Policy) -> _Found:
    seen: set[str] = set()
    for rule in policy.rules:
        if rule.id in seen:
            yield "DUPLICATE_ID", (rule.id,), "规则编号重复。"
        seen.add(rule.id)
        if not rule.id.startswith(f"{policy.region}."):
            yield "FOREIGN_ID", (rule.id,), f"规则编号须以 {policy.region}. 开头。"
        if rule.valid_from and rule.valid_until and rule.valid_until < rule.valid_from:
            yield "INVERTED_DATES", (rule.id,), "终止日早于起始日。"


def _sources(policy: Policy) -> _Found:
    keys = {key for key, text in policy.sources if text.strip()}
    for rule in policy.rules:
        if rule.source not in keys:
            yield "UNSOURCED", (rule.id,), f"来源“{rule.source}”没有说明。"
    notes = [(s.key, s.source) for s in policy.settings]
    notes += [(u.key, u.source) for u in policy.unsettled]
    for key, source in notes:
        if source not in keys:
            yield "UNSOURCED", (key,), f"来源“{source}”没有说明。"


def _settings(policy: Policy) -> _Found:
    known = {s.key: s for s in policy.settings}
    for setting in policy.settings:
        if setting.value not in setting.readings:
            yield "BAD_READING", (setting.key,), f"取值“{setting.value}”不在可选读法之中。"
    for rule in policy.rules:
        for key, value in rule.when.items():
            if key not in known or value not in known[key].readings:
                yield "UNKNOWN_SETTING", (rule.id,), f"引用了不存在的设定 {key} = {value}。"


def _figures(policy: Policy) -> _Found:
    if not policy.years:
        yield "NO_YEAR", (), "没有医保年度。"
    funds = {fund.value for fund in Fund} - {Fund.PERSONAL_ACCOUNT.value, Fund.POOLED.value}
    for rule in policy.rules:
        percent = rule.percent if isinstance(rule, RatioRule | LayerRule) else None
        if percent is not None and not 0 <= percent <= _HUNDRED:
            yield "PERCENT_RANGE", (rule.id,), "比例须在 0 到 100 之间。"
        if isinstance(rule, DropRule) and not 0 <= rule.points <= _HUNDRED:
            yield "PERCENT_RANGE", (rule.id,), "降幅须在 0 到 100 之间。"
        if isinstance(rule, DeductibleRule | CapRule) and rule.amount_fen < 0:
            yield "NEGATIVE_AMOUNT", (rule.id,), "金额不能为负。"
        if isinstance(rule, LayerRule):
            if rule.fund not in funds:
                yield "UNKNOWN_FUND", (rule.id,), f"没有名为“{rule.fund}”的基金。"
            if rule.enabled and rule.percent is None:
                yield "LAYER_WITHOUT_PERCENT", (rule.id,), "启用的分层须有唯一的支付比例。"


def _overlaps(policy: Policy) -> _Found:
    """Two rules that could both decide one case on one day."""
    for table in _tables(policy):
        for one, other in combinations(table, 2):
            if _dates_meet(one, other) and _same_world(one, other) and _selectors_meet(one, other):
                yield "OVERLAP", (one.id, other.id), "两条规则在同一天对同一情形都有效。"


def _gaps(policy: Policy) -> _Found:
    """A family of rules (same selectors) that leaves days out between two of its members."""
    for table in _tables(policy):
        families: defaultdict[object, list[Rule]] = defaultdict(list)
        for rule in table:
            families[_family(rule)].append(rule)
        for family in families.values():
            family.sort(key=lambda r: r.valid_from or _FIRST)
            for one, other in pairwise(family):
                end, begin = one.valid_until, other.valid_from
                if end and begin and begin > end + timedelta(days=1):
                    yield "GAP", (one.id, other.id), f"{end} 与 {begin} 之间没有规则。"


def _tables(policy: Policy) -> Iterator[Sequence[Rule]]:
    yield policy.years
    yield policy.deductibles
    yield policy.ratios
    yield from _by_kind(policy.caps)
    yield [layer for layer in policy.layers if layer.enabled]
    yield policy.accounts
    for filing in sorted({f for drop in policy.drops for f in drop.filings}):
        yield [drop for drop in policy.drops if filing in drop.filings]


def _by_kind(caps: Iterable[CapRule]) -> Iterator[Sequence[Rule]]:
    by_kind: defaultdict[str, list[Rule]] = defaultdict(list)
    for cap in caps:
        by_kind[cap.kind].append(cap)
    yield from by_kind.values()


def _dates_meet(one: Rule, other: Rule) -> bool:
    begin = max(one.valid_from or _FIRST, other.valid_from or _FIRST)
    return begin <= min(one.valid_until or _LAST, other.valid_until or _LAST)


def _same_world(one: Rule, other: Rule) -> bool:
    """Rules that need different values of one setting never exist together."""
    return all(other.when.get(key, value) == value for key, value in one.when.items())


def _selectors_meet(one: Rule, other: Rule) -> bool:
    if one.scheme and other.scheme and one.scheme is not other.scheme:
        return False
    pairs: tuple[tuple[frozenset[object], frozenset[object]], ...] = (
        (frozenset(one.persons), frozenset(other.persons)),
        (frozenset(one.visits), frozenset(other.visits)),
        (frozenset(one.levels), frozenset(other.levels)),
    )
    return all(not a or not b or a & b for a, b in pairs) and _stays_meet(one, other)


def _stays_meet(one: Rule, other: Rule) -> bool:
    if not isinstance(one, DeductibleRule) or not isinstance(other, DeductibleRule):
        return True
    low = max(one.stay_from or 1, other.stay_from or 1)
    highs = [rule.stay_to for rule in (one, other) if rule.stay_to is not None]
    return not highs or low <= min(highs)


def _family(rule: Rule) -> object:
    stays = (rule.stay_from, rule.stay_to) if isinstance(rule, DeductibleRule) else None
    measure = rule.measure if isinstance(rule, CapRule) else None
    when = tuple(sorted(rule.when.items()))
    return rule.scheme, rule.persons, rule.visits, rule.levels, stays, measure, when
