"""结算信息: who bears which part of one bill, with the identities that any settlement must satisfy.

Pure. Amounts are integer fen. Names follow docs/glossary.md; wire names live in the adapters.
Identities: domain numbering I1–I8 of the national interface's setlinfo (docs/glossary.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fund(StrEnum):
    """基金 (and account money, which is *not* fund but is posted and cleared separately)."""

    POOLED = "pooled"
    """统筹基金 hifp"""
    CIVIL_SERVICE = "civil_service"
    """公务员医疗补助 cvlserv"""
    ENTERPRISE_SUPPLEMENT = "enterprise_supplement"
    """企业补充医疗保险 hifes"""
    RESIDENT_MAJOR_ILLNESS = "resident_major_illness"
    """居民大病保险 hifmi"""
    EMPLOYEE_LARGE_SUM = "employee_large_sum"
    """职工大额医疗费用补助 hifob"""
    MEDICAL_AID = "medical_aid"
    """医疗救助 maf"""
    DISABLED = "disabled"
    """伤残人员医疗保障 hifdm (some provinces)"""
    OTHER = "other"
    """其他支出 oth"""
    PERSONAL_ACCOUNT = "personal_account"
    """个人账户: never part of fund_total_fen"""


@dataclass(frozen=True, slots=True)
class WorkingStep:
    """One line of the working shown, in Chinese a patient can read."""

    label_zh: str
    """e.g. `起付线(在职 三级 第1次住院)`"""
    formula: str
    """e.g. `min(18,432.10, 1,500.00)`"""
    amount_fen: int
    rule_id: str = ""
    """The policy rule that decided it, e.g. `310000.employee.inpatient.2024-07`."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One settlement's amounts. Build it freely; `violations()` says what does not add up."""

    total_fen: int
    """医疗费总额 medfee_sumamt"""
    own_pay_fen: int
    """全自费"""
    over_limit_fen: int
    """超限价"""
    pre_self_pay_fen: int
    """先行自付"""
    in_scope_fen: int
    """符合政策范围"""
    deductible_fen: int
    """实际支付起付线: consumed by this visit"""
    funds: tuple[tuple[Fund, int], ...]
    """Amount per fund, zero amounts left out, PERSONAL_ACCOUNT never in here."""
    account_fen: int
    """个人账户支出 acct_pay, family sharing included"""
    family_account_fen: int
    """共济 acct_mulaid_pay, part of account_fen (I4)"""
    cash_fen: int
    """个人现金支出"""
    hospital_fen: int = 0
    """医院负担"""
    working: tuple[WorkingStep, ...] = field(default=(), compare=False)

    @property
    def fund_total_fen(self) -> int:
        """基金支付总额 (I2 by construction)."""
        return sum(amount for _, amount in self.funds)

    @property
    def patient_fen(self) -> int:
        """个人负担总金额 = account + cash (I3 by construction)."""
        return self.account_fen + self.cash_fen

    @property
    def due_to_hospital_fen(self) -> int:
        """What the two regions owe the hospital: fund + personal account."""
        return self.fund_total_fen + self.account_fen

    def fund_fen(self, fund: Fund) -> int:
        return sum(amount for f, amount in self.funds if f is fund)

    def negated(self) -> Breakdown:
        """The exact negative (I8): what a reversal must answer."""
        return Breakdown(
            total_fen=-self.total_fen,
            own_pay_fen=-self.own_pay_fen,
            over_limit_fen=-self.over_limit_fen,
            pre_self_pay_fen=-self.pre_self_pay_fen,
            in_scope_fen=-self.in_scope_fen,
            deductible_fen=-self.deductible_fen,
            funds=tuple((f, -a) for f, a in self.funds),
            account_fen=-self.account_fen,
            family_account_fen=-self.family_account_fen,
            cash_fen=-self.cash_fen,
            hospital_fen=-self.hospital_fen,
        )

    def violations(self) -> tuple[str, ...]:
        """Names of the identities that fail: I1, I4, I5, I7, and SIGN for a mixed-sign answer."""
        found: list[str] = []
        if self.total_fen != self.fund_total_fen + self.patient_fen + self.hospital_fen:
            found.append("I1")
        if abs(self.family_account_fen) > abs(self.account_fen):
            found.append("I4")
        parts = self.own_pay_fen + self.over_limit_fen + self.pre_self_pay_fen + self.in_scope_fen
        if self.total_fen != parts:
            found.append("I5")
        if abs(self.deductible_fen) > abs(self.in_scope_fen):
            found.append("I7")
        amounts = (
            self.total_fen,
            self.own_pay_fen,
            self.over_limit_fen,
            self.pre_self_pay_fen,
            self.in_scope_fen,
            self.deductible_fen,
            *(a for _, a in self.funds),
            self.account_fen,
            self.family_account_fen,
            self.cash_fen,
            self.hospital_fen,
        )
        if any(a < 0 for a in amounts) and any(a > 0 for a in amounts):
            found.append("SIGN")
        return tuple(found)

    def differences(self, other: Breakdown) -> tuple[tuple[str, int, int], ...]:
        """(part, ours, theirs) wherever two breakdowns disagree; the working is not compared."""
        rows: list[tuple[str, int, int]] = []
        for name in (
            "total_fen",
            "own_pay_fen",
            "over_limit_fen",
            "pre_self_pay_fen",
            "in_scope_fen",
            "deductible_fen",
            "fund_total_fen",
            "account_fen",
            "cash_fen",
            "hospital_fen",
        ):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                rows.append((name, ours, theirs))
        for fund in Fund:
            ours, theirs = self.fund_fen(fund), other.fund_fen(fund)
            if ours != theirs:
                rows.append((f"fund.{fund.value}", ours, theirs))
        return tuple(rows)
