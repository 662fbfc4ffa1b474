"""待遇政策: the insured region's dated rules, and the one that decides a case.

Pure. Files are read by gateway/policy_files.py, arithmetic is gateway/domain/benefits.py,
consistency is gateway/domain/policy_lint.py. A question without a rule is refused (NO_RULE), never
guessed.
医保发〔2022〕22号 第6条: deductible, ratio and cap are the insured region's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from gateway.domain.errors import InvariantViolated, Refused
from gateway.domain.labels import LEVEL_ZH, PERSON_ZH, SCHEME_ZH, VISIT_ZH
from gateway.domain.policy_rules import (
    AccountRule,
    CapKind,
    CapRule,
    DeductibleRule,
    DropRule,
    LayerRule,
    Query,
    RatioRule,
    Rule,
    Setting,
    Unsettled,
    WaiverRule,
    YearRule,
)
from gateway.domain.region import pooling_region_of

R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, slots=True)
class InsuranceYear:
    """医保年度: the span of accumulators, both days inclusive."""

    start: date
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything one pooling region's file says."""

    region: str
    name: str
    version: str
    """As written in the file, e.g. 2026.03-1."""
    digest: str
    """First 12 hex digits of the SHA-256 of what was read, overridden settings included."""
    usable_from: date
    sources: tuple[tuple[str, str], ...]
    settings: tuple[Setting, ...]
    years: tuple[YearRule, ...]
    deductibles: tuple[DeductibleRule, ...]
    ratios: tuple[RatioRule, ...]
    caps: tuple[CapRule, ...]
    layers: tuple[LayerRule, ...]
    accounts: tuple[AccountRule, ...]
    drops: tuple[DropRule, ...]
    waivers: tuple[WaiverRule, ...]
    unsettled: tuple[Unsettled, ...]

    @property
    def version_id(self) -> str:
        """What a receipt names, e.g. policy-310000-2026.03-1-1a2b3c4d5e6f."""
        return f"policy-{self.region}-{self.version}-{self.digest}"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of every table, in the order of the file's tables."""
        return (
            *self.years, *self.deductibles, *self.ratios, *self.caps,
            *self.layers, *self.accounts, *self.drops, *self.waivers,
        )  # fmt: skip

    def setting(self, key: str, default: str = "") -> str:
        return next((s.value for s in self.settings if s.key == key), default)

    def exists(self, rule: Rule) -> bool:
        """Whether the settings in force let the rule exist."""
        return all(self.setting(key) == value for key, value in rule.when.items())

    def in_force(self, rules: Iterable[R], day: date) -> Iterator[R]:
        """Those of `rules` that exist and are valid on a day."""
        if day < self.usable_from:
            return iter(())
        return (r for r in rules if r.is_in_force(day) and self.exists(r))

    def source_text(self, key: str) -> str:
        return dict(self.sources).get(key, "")

    def year_of(self, day: date) -> InsuranceYear:
        """The insurance year that holds a day. Raises Refused NO_RULE where none is known."""
        rule = self._one(list(self.in_force(self.years, day)))
        if rule is None:
            raise self.no_rule("医保年度", None, day)
        start = date(day.year, rule.start_month, rule.start_day)
        if start > day:
            start = start.replace(year=day.year - 1)
        return InsuranceYear(start, start.replace(year=start.year + 1) - timedelta(days=1))

    def deductible(self, query: Query) -> DeductibleRule:
        """Raises Refused NO_RULE."""
        rule = self._match(self.deductibles, query)
        if rule is None:
            raise self.no_rule("起付线", query, query.day)
        return rule

    def ratio(self, query: Query) -> RatioRule:
        """Raises Refused NO_RULE."""
        rule = self._match(self.ratios, query)
        if rule is None:
            raise self.no_rule("支付比例", query, query.day)
        return rule

    def cap(self, query: Query, kind: CapKind) -> CapRule | None:
        return self._match([c for c in self.caps if c.kind is kind], query)

    def layer(self, query: Query) -> LayerRule | None:
        return self._match([layer for layer in self.layers if layer.enabled], query)

    def uncomputed_layers(self, query: Query) -> tuple[LayerRule, ...]:
        """Layers that are known to exist and whose figures are not."""
        known = [layer for layer in self.layers if not layer.enabled and layer.speaks_about(query)]
        return tuple(self.in_force(known, query.day))

    def account(self, query: Query) -> AccountRule | None:
        return self._match(self.accounts, query)

    def drop(self, query: Query, filing: str) -> DropRule | None:
        return self._match([d for d in self.drops if filing in d.filings], query)

    def waiver(self, insured: str, visited: str, day: date) -> WaiverRule | None:
        """The waiver that holds between two area codes on a day, if any."""
        pair = {insured, visited}
        return next((w for w in self.in_force(self.waivers, day) if pair <= w.counties), None)

    def no_rule(self, what_zh: str, query: Query | None, day: date) -> Refused:
        """The refusal that names region, scheme and day; raise it."""
        who = "" if query is None else _who(query)
        metadata = {"region": self.region, "day": day.isoformat()}
        if query is not None:
            metadata |= {"scheme": query.scheme.value, "person": query.person.value}
        return Refused(
            f"no rule: {self.region} {who} {day}",
            reason="NO_RULE",
            text_zh=f"{self.name}({self.region})在 {day} 没有可用的{what_zh}规则({who or '全部'}),"
            "无法计算待遇,请以参保地结果为准。",
            metadata=metadata,
        )

    def _match(self, rules: Iterable[R], query: Query) -> R | None:
        return self._one([r for r in self.in_force(rules, query.day) if r.speaks_about(query)])

    @staticmethod
    def _one(found: list[R]) -> R | None:
        if len(found) > 1:
            ids = ", ".join(r.id for r in found)
            raise InvariantViolated(f"two policy rules decide one case: {ids}")
        return found[0] if found else None


class PolicyBook:
    """The policies of all regions we know."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._by_region = {policy.region: policy for policy in policies}

    @property
    def policies(self) -> tuple[Policy, ...]:
        return tuple(self._by_region[region] for region in sorted(self._by_region))

    def of(self, region: str) -> Policy:
        """The policy an area code is insured under, whatever the day. Raises Refused NO_RULE."""
        pooling = pooling_region_of(region)
        if pooling not in self._by_region:
            raise Refused(
                f"no policy for {pooling}",
                reason="NO_RULE",
                text_zh=f"参保地 {pooling} 的待遇政策尚未载入,无法计算待遇。",
                metadata={"region": pooling},
            )
        return self._by_region[pooling]

    def at(self, region: str, day: date) -> Policy:
        """The same, and refused NO_RULE before the first day the file can be used for."""
        policy = self.of(region)
        if day < policy.usable_from:
            raise policy.no_rule("待遇", None, day)
        return policy


def _who(query: Query) -> str:
    visit = VISIT_ZH[query.visit]
    return f"{SCHEME_ZH[query.scheme]} {PERSON_ZH[query.person]} {visit} {LEVEL_ZH[query.level]}"
