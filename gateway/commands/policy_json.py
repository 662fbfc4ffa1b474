"""`yrd policy … --json`: the same answers for machines. Amounts in fen, ratios as decimal text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from decimal import Decimal

import typer

from gateway.commands.policy_cases import BadRow, Verdict
from gateway.domain.breakdown import Breakdown
from gateway.domain.policy import Policy
from gateway.domain.policy_lint import Finding
from gateway.domain.policy_rules import Rule


def write_json(document: dict[str, object]) -> None:
    """One document on stdout."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def policy_json(policy: Policy, day: date) -> dict[str, object]:
    """What is in force on a day."""
    return {
        "region": policy.region,
        "name": policy.name,
        "version": policy.version_id,
        "sources": dict(policy.sources),
        "settings": {s.key: s.value for s in policy.settings},
        "rules": [_rule(rule) for rule in policy.in_force(policy.rules, day)],
        "unsettled": [{"key": u.key, "question": u.question} for u in policy.unsettled],
    }


def findings_json(policies: tuple[Policy, ...], findings: list[Finding]) -> dict[str, object]:
    return {
        "regions": [policy.region for policy in policies],
        "rules": sum(len(policy.rules) for policy in policies),
        "findings": [
            {"region": f.region, "code": f.code, "rules": list(f.rule_ids), "text": f.text_zh}
            for f in findings
        ],
    }


def cases_json(answers: list[Verdict | BadRow], day: date) -> dict[str, object]:
    verdicts = [a for a in answers if isinstance(a, Verdict)]
    bad = [a for a in answers if isinstance(a, BadRow)]
    agreeing = sum(v.agrees for v in verdicts)
    return {
        "as_of": day.isoformat(),
        "cases": [_verdict(v) for v in verdicts],
        "bad_rows": [{"row": b.row, "id": b.case_id, "reason": b.reason_zh} for b in bad],
        "agree": agreeing,
        "differ": len(verdicts) - agreeing,
        "ok": bool(answers) and agreeing == len(answers),
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "row": verdict.row,
        "id": verdict.case_id,
        "day": verdict.day.isoformat(),
        "ok": verdict.agrees,
        "expected": {c.key: c.expected for c in verdict.comparisons},
        "ours": {c.key: c.ours for c in verdict.comparisons},
        "amounts_fen": amounts_fen(verdict.result.breakdown),
        "policy": verdict.result.policy_version,
        "rules": list(verdict.result.rule_ids),
    }


def amounts_fen(breakdown: Breakdown) -> dict[str, int]:
    """Every part of a breakdown by name, funds one by one."""
    parts = {
        "total": breakdown.total_fen,
        "own_pay": breakdown.own_pay_fen,
        "over_limit": breakdown.over_limit_fen,
        "pre_self_pay": breakdown.pre_self_pay_fen,
        "in_scope": breakdown.in_scope_fen,
        "deductible": breakdown.deductible_fen,
        "fund": breakdown.fund_total_fen,
        "account": breakdown.account_fen,
        "cash": breakdown.cash_fen,
    }
    return parts | {f"fund.{fund.value}": amount for fund, amount in breakdown.funds}


def _rule(rule: Rule) -> dict[str, object]:
    named = {f.name: _plain(getattr(rule, f.name)) for f in fields(rule)}
    named = {key: value for key, value in named.items() if value not in (None, "", [], {})}
    return {"table": type(rule).__name__.removesuffix("Rule").lower(), **named}


def _plain(value: object) -> object:
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return sorted(str(_plain(item)) for item in value)
    return str(value)
