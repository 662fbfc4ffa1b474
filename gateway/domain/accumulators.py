"""累计: what a person has used in one insurance year of the insured region, before a visit.

Pure. Amounts in fen. The insured region owns them wherever the visit is (5206); a value from there
is a hint, never proof. An accumulator the region does not tell is 0. Which insurance year they
belong to is the policy's (`Policy.year_of`), not stored here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.domain.breakdown import Breakdown, Fund
from gateway.domain.policy_rules import VisitClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulators:
    """Before a visit. All zero: the first visit of the year."""

    outpatient_deductible_used_fen: int = 0
    """门诊起付线已用"""
    inpatient_deductible_used_fen: int = 0
    """住院起付线已用 (where it counts per year)"""
    pooled_paid_fen: int = 0
    """统筹基金已付, all visits: against the annual cap"""
    outpatient_pooled_paid_fen: int = 0
    """其中门诊: against the outpatient limit"""
    outpatient_in_scope_fen: int = 0
    """门诊范围内费用: against an outpatient limit that counts expense"""
    large_sum_paid_fen: int = 0
    """大额 / 附加基金已付"""
    stays_so_far: int = 0
    """本年度已住院次数"""
    account_balance_fen: int = 0
    """个人账户余额"""

    def deductible_used_fen(self, visit: VisitClass) -> int:
        if visit is VisitClass.OUTPATIENT:
            return self.outpatient_deductible_used_fen
        return self.inpatient_deductible_used_fen

    def after(self, breakdown: Breakdown, visit: VisitClass) -> Accumulators:
        """With one settlement added. With its reversal, the settlement is taken back exactly."""
        pooled = breakdown.fund_fen(Fund.POOLED)
        large = breakdown.fund_total_fen - pooled
        common = replace(
            self,
            pooled_paid_fen=self.pooled_paid_fen + pooled,
            large_sum_paid_fen=self.large_sum_paid_fen + large,
            account_balance_fen=self.account_balance_fen - breakdown.account_fen,
        )
        if visit is VisitClass.OUTPATIENT:
            return replace(
                common,
                outpatient_deductible_used_fen=self.outpatient_deductible_used_fen
                + breakdown.deductible_fen,
                outpatient_pooled_paid_fen=self.outpatient_pooled_paid_fen + pooled,
                outpatient_in_scope_fen=self.outpatient_in_scope_fen + breakdown.in_scope_fen,
            )
        return replace(
            common,
            inpatient_deductible_used_fen=self.inpatient_deductible_used_fen
            + breakdown.deductible_fen,
            stays_so_far=self.stays_so_far + (-1 if breakdown.total_fen < 0 else 1),
        )
