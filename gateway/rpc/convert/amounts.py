"""结算信息 as protobuf: breakdowns, differences and priced lines. Amounts in fen."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.breakdown import Breakdown
from gateway.domain.pricing import PricedLine
from gateway.rpc.convert.enums import FUNDS
from yrd.claim.v1 import claim_pb2


def breakdown(ours: Breakdown) -> claim_pb2.Breakdown:
    """One Breakdown, sums included, so that a caller need not add."""
    return claim_pb2.Breakdown(
        total_fen=ours.total_fen,
        own_pay_fen=ours.own_pay_fen,
        over_limit_fen=ours.over_limit_fen,
        pre_self_pay_fen=ours.pre_self_pay_fen,
        in_scope_fen=ours.in_scope_fen,
        deductible_fen=ours.deductible_fen,
        funds=[
            claim_pb2.FundAmount(fund=FUNDS[fund], amount_fen=amount)
            for fund, amount in ours.funds
        ],
        fund_total_fen=ours.fund_total_fen,
        account_fen=ours.account_fen,
        family_account_fen=ours.family_account_fen,
        cash_fen=ours.cash_fen,
        hospital_fen=ours.hospital_fen,
        patient_fen=ours.patient_fen,
        working=[
            claim_pb2.WorkingStep(
                label_zh=step.label_zh, formula=step.formula, amount_fen=step.amount_fen,
                rule_id=step.rule_id,
            )
            for step in ours.working
        ],
    )  # fmt: skip


def differences(rows: Iterable[tuple[str, int, int]]) -> list[claim_pb2.Difference]:
    """(part, ours, the region's) each."""
    return [
        claim_pb2.Difference(part=part, computed_fen=ours, region_fen=theirs)
        for part, ours, theirs in rows
    ]


def priced_lines(lines: Iterable[PricedLine]) -> list[claim_pb2.PricedLine]:
    """The catalogue's split of each line."""
    return [
        claim_pb2.PricedLine(
            line_no=line.line_no,
            item_class=line.item_class.zh,
            amount_fen=line.amount_fen,
            own_pay_fen=line.own_pay_fen,
            over_limit_fen=line.over_limit_fen,
            pre_self_pay_fen=line.pre_self_pay_fen,
            in_scope_fen=line.in_scope_fen,
            item_name=line.name_zh,
        )
        for line in lines
    ]
