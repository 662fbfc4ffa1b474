"""待遇规则: one dated, sourced figure of a region's policy, and which cases it speaks about.

Pure values; the meaning of every field is in gateway/policies/README.md. Amounts are fen, ratios
percent as Decimal, days inclusive in Asia/Shanghai. Nothing here is a fact about the world: every
rule carries its source and its confidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from gateway.domain.bill import HospitalLevel, VisitKind
from gateway.domain.person_category import PersonCategory
from gateway.domain.visit import Scheme


class VisitClass(StrEnum):
    """门诊 or 住院: an emergency visit is an outpatient one here."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"

    @classmethod
    def of(cls, kind: VisitKind) -> VisitClass:
        return cls.INPATIENT if kind.is_inpatient else cls.OUTPATIENT


class Confidence(StrEnum):
    """可信度."""

    SOLID = "solid"
    MEDIUM = "medium"
    UNVERIFIED = "unverified"


class DeductibleBasis(StrEnum):
    """起付线累计方式."""

    PER_YEAR = "per_year"
    PER_STAY = "per_stay"


class CapKind(StrEnum):
    """封顶线 / 门诊年度限额."""

    ANNUAL_CAP = "annual_cap"
    OUTPATIENT_LIMIT = "outpatient_limit"


class CapMeasure(StrEnum):
    """What a limit counts."""

    FUND = "fund"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class Query:
    """The case a rule is asked about."""

    scheme: Scheme
    person: PersonCategory
    visit: VisitClass
    level: HospitalLevel
    day: date
    stay_no: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule carries. An empty selector speaks about everyone."""

    id: str
    source: str
    confidence: Confidence
    valid_from: date | None = None
    """None: the beginning is not known; the policy's usable_from stands in."""
    valid_until: date | None = None
    when: Mapping[str, str]
    """Settings that must have these values for the rule to exist."""
    document: str = ""
    note: str = ""
    scheme: Scheme | None = None
    persons: frozenset[PersonCategory] = frozenset()
    visits: frozenset[VisitClass] = frozenset()
    levels: frozenset[HospitalLevel] = frozenset()

    def is_in_force(self, day: date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)

    def speaks_about(self, query: Query) -> bool:
        """Selectors only; the day and the settings are asked separately."""
        return (
            (self.scheme is None or self.scheme is query.scheme)
            and (not self.persons or query.person in self.persons)
            and (not self.visits or query.visit in self.visits)
            and (not self.levels or query.level in self.levels)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductibleRule(Rule):
    """起付线."""

    amount_fen: int
    basis: DeductibleBasis
    stay_from: int | None = None
    stay_to: int | None = None

    def speaks_about(self, query: Query) -> bool:
        low, high = self.stay_from or 1, self.stay_to
        in_stays = query.visit is VisitClass.OUTPATIENT or (
            low <= query.stay_no and (high is None or query.stay_no <= high)
        )
        # Zero-argument super() does not work in a slotted dataclass: its class cell is the old one.
        return in_stays and Rule.speaks_about(self, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioRule(Rule):
    """统筹基金支付比例."""

    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CapRule(Rule):
    """封顶线, or the yearly limit of outpatient care."""

    kind: CapKind
    measure: CapMeasure = CapMeasure.FUND
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRule(Rule):
    """What follows above the cap: 附加基金, 大额, 大病."""

    name: str
    fund: str
    """A value of Fund; text, so that lint can name an unknown one."""
    enabled: bool
    """False: known, and not computed because a figure is missing."""
    percent: Decimal | None = None
    limit_fen: int | None = None
    threshold_fen: int | None = None
    """起付金额 of a layer that is not computed; for display."""
    percents: tuple[Decimal, ...] = ()
    """Ratios of bands whose edges are not known; for display."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRule(Rule):
    """个人账户: whether it pays when the caller does not say."""

    default_use: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRule(Rule):
    """异地降比例, percentage points."""

    filings: frozenset[str]
    """temporary, transfer, emergency."""
    points: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRule(Rule):
    """示范区免备案: between these counties nothing is taken off the ratio."""

    counties: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRule(Rule):
    """医保年度: the first day of the insurance year."""

    start_month: int
    start_day: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A question nobody has answered for us, with its readings; `value` is the one in force."""

    key: str
    value: str
    readings: tuple[str, ...]
    note: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Known to be open; never used in arithmetic."""

    key: str
    question: str
    readings: tuple[str, ...]
    source: str
    confidence: Confidence
