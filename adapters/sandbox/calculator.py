"""待遇计算: what the insured region pays of one visit. Independent of the gateway's own calculator.

Pure: a policy, a case and what was used before go in, Amounts in fen come out. Written from
gateway/policies/README.md §4 alone; step numbers below are that page's. Fractions until the single
half-up rounding of each fund.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from adapters.sandbox.policies import NoRule, RegionPolicy, Who, fen, share
from adapters.sandbox.provinces import pool_of

LAYER_FUNDS: Mapping[str, tuple[str, str]] = {
    "employee_large_sum": ("hifob", "HIFOB"),
    "resident_major_illness": ("hifmi", "HIFMI"),
}
"""Policy fund → (settlement part, accumulator)."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The bill, split by the visited region's catalogue."""

    own: int
    over: int
    preself: int
    inscp: int

    @property
    def total(self) -> int:
        return self.own + self.over + self.preself + self.inscp


@dataclass(frozen=True, slots=True)
class Case:
    """One visit as the policy sees it."""

    who: Who
    parts: Parts
    insured_area: str
    visited_area: str
    filing: str
    """long_term, transfer or temporary."""
    emergency: bool
    balance: int
    use_account: bool | None
    """None: the policy's default."""
    used: Mapping[str, int]
    """Accumulators of the insurance year by code; see README.md."""
    deductible_paid_in_visit: int = 0
    """Of an earlier mid-stay settlement of the same stay."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """结算金额 in fen, and what the visit adds to the accumulators."""

    parts: Parts
    dedc: int
    hifp: int
    hifob: int
    hifmi: int
    acct: int
    moves: Mapping[str, int] = field(default_factory=dict)

    @property
    def fund(self) -> int:
        return self.hifp + self.hifob + self.hifmi

    @property
    def patient(self) -> int:
        return self.parts.total - self.fund

    @property
    def cash(self) -> int:
        return self.patient - self.acct


def compute(policy: RegionPolicy, case: Case) -> Amounts:
    """Raises NoRule when the policy has no (or no single) rule for the case."""
    outpatient = case.who.visit == "outpatient"
    inscp = case.parts.inscp  # (1)
    dedc = _deductible(policy, case)  # (2)
    limit = policy.find("cap", case.who, kind="outpatient_limit") if outpatient else None
    eligible = inscp - dedc  # (3)
    if limit is not None and limit["measure"] == "expense":
        counted = min(inscp, max(0, fen(limit["amount"]) - case.used.get("INSCO", 0)))
        eligible = max(0, counted - dedc)
    ratio = _ratio(policy, case)  # (4)
    due = half_up(eligible * ratio)  # (5)
    within = due  # (6)
    if limit is not None and limit["measure"] == "fund":
        within = min(due, max(0, fen(limit["amount"]) - case.used.get("HIFPO", 0)))
    pooled = within
    cap = policy.find("cap", case.who, kind="annual_cap")
    if cap is not None:
        pooled = min(within, max(0, fen(cap["amount"]) - case.used.get("HIFP", 0)))
    over_limit_cut = within < due
    base = eligible if not over_limit_cut or ratio == 0 else half_up(within / ratio)
    fund_part, code, above = _layer(policy, case, within - pooled, base, pooled, ratio)  # (7)
    above = min(above, eligible - pooled)
    patient = case.parts.total - pooled - above  # (8)
    moves = {"HIFP": pooled, "DEDC" if outpatient else "DEDCI": dedc, code: above}
    moves |= {"HIFPO": pooled, "INSCO": inscp} if outpatient else {"STAY": 1}
    return Amounts(
        parts=case.parts,
        dedc=dedc,
        hifp=pooled,
        hifob=above if fund_part == "hifob" else 0,
        hifmi=above if fund_part == "hifmi" else 0,
        acct=min(case.balance, patient) if _uses_account(policy, case) else 0,
        moves={code: change for code, change in moves.items() if change},
    )


def _deductible(policy: RegionPolicy, case: Case) -> int:
    rule = policy.need("deductible", case.who)
    amount = fen(rule["amount"])
    if rule["basis"] == "per_year":
        used = case.used.get("DEDC" if case.who.visit == "outpatient" else "DEDCI", 0)
    else:
        used = case.deductible_paid_in_visit
    return min(case.parts.inscp, max(0, amount - used))


def _ratio(policy: RegionPolicy, case: Case) -> Fraction:
    rule = policy.need("ratio", case.who)
    return max(Fraction(0), share(rule["percent"]) - _drop(policy, case) / 100)


def _drop(policy: RegionPolicy, case: Case) -> Fraction:
    """医保发〔2022〕22号 第7、8条: the first that applies of (a) to (f)."""
    if pool_of(case.insured_area) == pool_of(case.visited_area):
        return Fraction(0)
    if policy.waives_filing(case.insured_area, case.visited_area, case.who.day):
        return Fraction(0)
    if case.filing == "long_term":
        return Fraction(0)
    filing = "emergency" if case.emergency else case.filing
    return policy.drop_points(
        filing if filing in ("emergency", "transfer") else "temporary", case.who
    )


def _layer(
    policy: RegionPolicy, case: Case, over_cap: int, base: int, pooled: int, ratio: Fraction
) -> tuple[str, str, int]:
    """(settlement part, accumulator, fen) of the layer above the annual cap."""
    rule = policy.find("layer", case.who)
    if rule is None or not rule["enabled"] or over_cap <= 0:
        return "", "", 0
    fund_part, code = LAYER_FUNDS[rule["fund"]]
    if policy.settings.get("over_cap_base") == "expense_over_cap":
        over_cap = max(0, base - half_up(pooled / ratio))
    pays = half_up(over_cap * share(rule["percent"]))
    if "limit" in rule:
        pays = min(pays, max(0, fen(rule["limit"]) - case.used.get(code, 0)))
    return fund_part, code, pays


def _uses_account(policy: RegionPolicy, case: Case) -> bool:
    if case.use_account is not None:
        return case.use_account
    rule = policy.find("account", case.who)
    return rule is not None and bool(rule["default_use"])


def half_up(value: Fraction) -> int:
    """Nearest whole fen, halves away from zero."""
    doubled = abs(value) * 2
    magnitude = (doubled.numerator // doubled.denominator + 1) // 2
    return -magnitude if value < 0 else magnitude


__all__ = ["Amounts", "Case", "NoRule", "Parts", "compute", "half_up"]
