"""待遇计算: what the insured region's policy pays of a bill, with the working shown.

Pure. A case and the policies go in; a Breakdown with its working in Chinese comes out. It prices
nothing (gateway/domain/pricing.py) and is never the authority: the insured region's own answer is
(22号 第32条); this serves pre-check, predetermination and audit. Amounts are integer fen; each fund
is rounded half up once. The steps are numbered as in gateway/policies/README.md §4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from gateway.domain.accumulators import Accumulators
from gateway.domain.bill import HospitalLevel, VisitKind
from gateway.domain.breakdown import Breakdown, Fund, WorkingStep
from gateway.domain.errors import InvariantViolated
from gateway.domain.filing_drop import Drop, drop_for
from gateway.domain.labels import LEVEL_ZH, PERSON_ZH, SCHEME_ZH
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy import Policy, PolicyBook
from gateway.domain.policy_rules import (
    CapKind,
    CapMeasure,
    DeductibleBasis,
    LayerRule,
    Query,
    VisitClass,
)
from gateway.domain.pricing import Totals
from gateway.domain.visit import Filing, Scheme
from ledger.money import Rounding, divide, format_yuan, percent

__all__ = ["Accumulators", "BenefitCase", "BenefitResult", "compute", "reverse"]

EXPENSE_OVER_CAP = "expense_over_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitCase:
    """One visit, as far as benefits depend on it."""

    insured_region: str
    """参保地 area code, a county's where known (the demonstration zone's waiver needs it)."""
    visited_region: str
    """就医地 area code."""
    scheme: Scheme
    person: PersonCategory
    kind: VisitKind
    level: HospitalLevel
    service_day: date
    """Day of the visit; of a stay, the day of admission."""
    totals: Totals
    """The priced bill's four parts, none negative."""
    accumulators: Accumulators = field(default_factory=Accumulators)
    """Of the insured region's insurance year that holds service_day, before this visit."""
    filing: Filing = Filing.UNSPECIFIED
    stay_no: int | None = None
    """第几次住院; None: accumulators.stays_so_far + 1."""
    use_account: bool | None = None
    """None: as the policy's [[account]] says."""

    @property
    def query(self) -> Query:
        """What the policy is asked."""
        stay_no = self.stay_no or self.accumulators.stays_so_far + 1
        visit = VisitClass.of(self.kind)
        return Query(self.scheme, self.person, visit, self.level, self.service_day, stay_no)


@dataclass(frozen=True, slots=True)
class BenefitResult:
    """The amounts, and everything that decided them."""

    breakdown: Breakdown
    policy_version: str
    """e.g. policy-310000-2026.03-1-1a2b3c4d5e6f."""
    rule_ids: tuple[str, ...]
    """Every rule that was applied, in order."""
    ratio: Decimal
    """Effective ratio 0…1, after any drop."""
    accumulators_after: Accumulators


def compute(case: BenefitCase, book: PolicyBook) -> BenefitResult:
    """What the policy pays. Raises Refused NO_RULE; InvariantViolated if it does not add up."""
    policy = book.at(case.insured_region, case.service_day)
    return _Computation(case, policy).run()


def reverse(result: BenefitResult) -> Breakdown:
    """结算撤销: the exact negative (I8), with its working."""
    original = result.breakdown
    negative = original.negated()
    steps = tuple(
        WorkingStep(f"撤销:{s.label_zh}", f"−({s.formula})", -s.amount_fen, s.rule_id)
        for s in original.working
    )
    return Breakdown(
        total_fen=negative.total_fen, own_pay_fen=negative.own_pay_fen,
        over_limit_fen=negative.over_limit_fen, pre_self_pay_fen=negative.pre_self_pay_fen,
        in_scope_fen=negative.in_scope_fen, deductible_fen=negative.deductible_fen,
        funds=negative.funds, account_fen=negative.account_fen,
        family_account_fen=negative.family_account_fen, cash_fen=negative.cash_fen,
        hospital_fen=negative.hospital_fen, working=steps,
    )  # fmt: skip


class _Computation:
    """One run. Holds the working while it grows; nothing of it survives but the result."""

    def __init__(self, case: BenefitCase, policy: Policy) -> None:
        if min(case.totals.as_tuple()) < 0:
            raise InvariantViolated("benefits are computed of charges, not of refunds")
        self.case, self.policy, self.query = case, policy, case.query
        self.before, self.in_scope = case.accumulators, case.totals.in_scope_fen
        self.steps: list[WorkingStep] = []
        self.ratio = Decimal(0)
        who = f"{SCHEME_ZH[case.scheme]} {PERSON_ZH[case.person]} {LEVEL_ZH[case.level]}"
        stay = f" 第{self.query.stay_no}次住院" if case.kind.is_inpatient else ""
        self.who = f"{who}{stay or (' 急诊' if case.kind is VisitKind.EMERGENCY else ' 门诊')}"

    def run(self) -> BenefitResult:
        parts = self.case.totals
        shown = (parts.total_fen, parts.own_pay_fen, parts.over_limit_fen, parts.pre_self_pay_fen)
        self._step("符合政策范围", " − ".join(format_yuan(a) for a in shown), self.in_scope)
        deductible = self._deductible()
        eligible = self._eligible(deductible)
        uncapped = self._ratio_and_fund(eligible)
        allowed = self._outpatient_limit(uncapped)
        pooled = self._annual_cap(allowed)
        layer, layer_fen = self._layer(eligible, uncapped, allowed, pooled)
        funds = [(Fund.POOLED, pooled)]
        if layer is not None:
            funds.append((Fund(layer.fund), layer_fen))
        self._uncomputed(self.in_scope - pooled - layer_fen)
        account, cash = self._account(parts.total_fen - pooled - layer_fen)
        breakdown = Breakdown(
            total_fen=parts.total_fen, own_pay_fen=parts.own_pay_fen,
            over_limit_fen=parts.over_limit_fen, pre_self_pay_fen=parts.pre_self_pay_fen,
            in_scope_fen=self.in_scope, deductible_fen=deductible,
            funds=tuple((fund, amount) for fund, amount in funds if amount),
            account_fen=account, family_account_fen=0, cash_fen=cash, working=tuple(self.steps),
        )  # fmt: skip
        return self._checked(breakdown, eligible)

    # (2) 起付线
    def _deductible(self) -> int:
        rule = self.policy.deductible(self.query)
        still_open = rule.amount_fen
        if rule.basis is DeductibleBasis.PER_YEAR:
            used = self.before.deductible_used_fen(self.query.visit)
            still_open = max(0, rule.amount_fen - used)
            if used:
                formula = f"max(0, {format_yuan(rule.amount_fen)} − {format_yuan(used)})"
                self._step("起付线尚余(年度累计)", formula, still_open, rule.id)
        taken = min(self.in_scope, still_open)
        formula = f"min({format_yuan(self.in_scope)}, {format_yuan(still_open)})"
        self._step(f"起付线({self.who})", formula, taken, rule.id)
        return taken

    # (3) 起付线以上; a limit that counts expense is applied here
    def _eligible(self, deductible: int) -> int:
        counted = self.in_scope
        limit = self._limit(CapMeasure.EXPENSE)
        if limit is not None:
            rule_id, amount = limit
            left = max(0, amount - self.before.outpatient_in_scope_fen)
            counted = min(self.in_scope, left)
            formula = f"min({format_yuan(self.in_scope)}, {format_yuan(left)})"
            self._step("门诊年度限额内费用", formula, counted, rule_id)
        eligible = max(0, counted - deductible)
        formula = f"{format_yuan(counted)} − {format_yuan(deductible)}"
        self._step("起付线以上", formula, eligible)
        return eligible

    # (4) (5) 比例, 异地降比例, 统筹应付
    def _ratio_and_fund(self, eligible: int) -> int:
        rule = self.policy.ratio(self.query)
        drop = self._drop()
        points = max(Decimal(0), rule.percent - drop.points)
        self.ratio = points.scaleb(-2)
        if drop.label_zh:
            formula = f"{_points(points)}%"
            if drop.points:
                off = f"{_points(rule.percent)}% − {_points(drop.points)} 个百分点"
                formula = f"{off} = {formula}"
            self._step(f"异地支付比例({drop.label_zh})", formula, 0, drop.rule_id)
        fund = percent(eligible, self.ratio, rounding=Rounding.HALF_UP)
        formula = f"{format_yuan(eligible)} × {_points(points)}%"
        self._step(f"统筹应付({self.who})", formula, fund, rule.id)
        return fund

    def _drop(self) -> Drop:
        case = self.case
        return drop_for(
            self.policy, self.query, insured=case.insured_region, visited=case.visited_region,
            kind=case.kind, filing=case.filing,
        )  # fmt: skip

    # (6) 门诊年度限额: what is cut here is the patient's
    def _outpatient_limit(self, fund: int) -> int:
        limit = self._limit(CapMeasure.FUND)
        if limit is None:
            return fund
        rule_id, amount = limit
        left = max(0, amount - self.before.outpatient_pooled_paid_fen)
        allowed = min(fund, left)
        formula = f"min({format_yuan(fund)}, {format_yuan(left)})"
        self._step("门诊年度限额", formula, allowed, rule_id)
        return allowed

    def _limit(self, measure: CapMeasure) -> tuple[str, int] | None:
        if self.query.visit is not VisitClass.OUTPATIENT:
            return None
        rule = self.policy.cap(self.query, CapKind.OUTPATIENT_LIMIT)
        return None if rule is None or rule.measure is not measure else (rule.id, rule.amount_fen)

    # (6) 封顶线
    def _annual_cap(self, allowed: int) -> int:
        rule = self.policy.cap(self.query, CapKind.ANNUAL_CAP)
        if rule is None:
            self._step("封顶线(该日的封顶线未查明,未计入)", "—", allowed)
            return allowed
        left = max(0, rule.amount_fen - self.before.pooled_paid_fen)
        pooled = min(allowed, left)
        formula = f"min({format_yuan(allowed)}, {format_yuan(left)})"
        self._step("统筹基金支付(封顶线内)", formula, pooled, rule.id)
        return pooled

    # (7) 大额 / 附加基金
    def _layer(
        self, eligible: int, uncapped: int, allowed: int, pooled: int
    ) -> tuple[LayerRule | None, int]:
        rule = self.policy.layer(self.query) if allowed > pooled else None
        if rule is None or rule.percent is None:
            return None, 0
        base = allowed - pooled
        if self.policy.setting("over_cap_base") == EXPENSE_OVER_CAP:
            reached = eligible if allowed == uncapped else self._expense_of(allowed)
            base = max(0, reached - self._expense_of(pooled))
        paid = percent(base, rule.percent.scaleb(-2), rounding=Rounding.HALF_UP)
        formula = f"{format_yuan(base)} × {_points(rule.percent)}%"
        if rule.limit_fen is not None:
            left = max(0, rule.limit_fen - self.before.large_sum_paid_fen)
            paid, formula = min(paid, left), f"min({formula}, {format_yuan(left)})"
        paid = min(paid, eligible - pooled)
        self._step(rule.name, formula, paid, rule.id)
        return rule, paid

    def _expense_of(self, fund: int) -> int:
        """The expense that a fund amount stands for: fund ÷ ratio, half up."""
        numerator, denominator = self.ratio.as_integer_ratio()
        return divide(fund * denominator, numerator, rounding=Rounding.HALF_UP)

    def _uncomputed(self, burden: int) -> None:
        """Say so where a layer may be due whose figures are not known."""
        for rule in self.policy.uncomputed_layers(self.query):
            if rule.threshold_fen is not None and burden > rule.threshold_fen:
                formula = f"{format_yuan(burden)} > {format_yuan(rule.threshold_fen)}"
                self._step(f"{rule.name}(可能涉及,分档未查明,未计算)", formula, 0, rule.id)

    # (8) 个人账户, 现金
    def _account(self, burden: int) -> tuple[int, int]:
        rule = self.policy.account(self.query)
        said = self.case.use_account
        used = said if said is not None else rule is not None and rule.default_use
        balance = max(0, self.before.account_balance_fen)
        account = min(burden, balance) if used else 0
        if used and balance:
            formula = f"min({format_yuan(burden)}, {format_yuan(balance)})"
            rule_id = rule.id if rule is not None and said is None else ""
            self._step("个人账户支付", formula, account, rule_id)
        cash = burden - account
        self._step("个人现金支付", f"{format_yuan(burden)} − {format_yuan(account)}", cash)
        return account, cash

    def _checked(self, breakdown: Breakdown, eligible: int) -> BenefitResult:
        """I1–I4 and I7, raised and not asserted: an assert vanishes under -O."""
        broken = list(breakdown.violations())
        if breakdown.fund_total_fen > eligible:
            broken.append("FUND_ABOVE_ELIGIBLE")
        if broken or min(breakdown.cash_fen, breakdown.account_fen, breakdown.deductible_fen) < 0:
            raise InvariantViolated(f"a computed breakdown does not add up: {broken}")
        rule_ids = tuple(dict.fromkeys(s.rule_id for s in self.steps if s.rule_id))
        after = self.before.after(breakdown, self.query.visit)
        return BenefitResult(breakdown, self.policy.version_id, rule_ids, self.ratio, after)

    def _step(self, label: str, formula: str, amount: int, rule_id: str = "") -> None:
        self.steps.append(WorkingStep(label, formula, amount, rule_id))


def _points(value: Decimal) -> str:
    """70 and not 7E+1, 62.5 and not 62.50."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
