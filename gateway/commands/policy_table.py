"""待遇参数表: one region's rules on one day, as a table that a 经办人员 can read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rich.table import Table

from gateway.domain.bill import HospitalLevel
from gateway.domain.labels import LEVEL_ZH, PERSON_ZH, SCHEME_ZH, VISIT_ZH
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy import Policy
from gateway.domain.policy_rules import (
    AccountRule,
    CapKind,
    CapMeasure,
    CapRule,
    DeductibleBasis,
    DeductibleRule,
    DropRule,
    LayerRule,
    RatioRule,
    Rule,
    VisitClass,
    WaiverRule,
    YearRule,
)
from gateway.domain.region import COUNTIES
from ledger.money import format_yuan

FILING_ZH = {"temporary": "临时外出未备案", "transfer": "异地转诊", "emergency": "急诊抢救"}
CONFIDENCE_ZH = {"solid": "已查实", "medium": "二手", "unverified": "未核实"}


def policy_tables(policy: Policy, day: date) -> Iterator[Table]:
    """Rules in force, then the open questions."""
    yield _rules(policy, day)
    yield _open_questions(policy)


def _rules(policy: Policy, day: date) -> Table:
    title = f"{policy.name} {policy.region} · {day} 有效的待遇参数 · {policy.version_id}"
    table = Table(title=title, title_justify="left")
    table.add_column("项目", no_wrap=True)
    table.add_column("适用", overflow="fold")
    table.add_column("数值", justify="right", no_wrap=True)
    table.add_column("起止", overflow="fold")
    table.add_column("来源 · 可信度", overflow="fold")
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for rule in policy.in_force(policy.rules, day):
        name, value = _figure(rule)
        mark = f"{rule.document or rule.source} · {CONFIDENCE_ZH[rule.confidence]}"
        # Rules that differ only in the hospital's grade share a row.
        grades = "/".join(LEVEL_ZH[level] for level in HospitalLevel if level in rule.levels)
        key = (name, _applies(rule), _span(rule), mark)
        rows.setdefault(key, []).append(f"{grades} {value}".strip())
    for (name, applies, span, mark), values in rows.items():
        table.add_row(name, applies, "\n".join(values), span, mark)
    return table


def _open_questions(policy: Policy) -> Table:
    table = Table(title=f"{policy.name} · 未定事项", title_justify="left")
    for heading in ("事项", "现用", "可选读法"):
        table.add_column(heading, overflow="fold")
    for setting in policy.settings:
        table.add_row(f"{setting.note}({setting.key})", setting.value, " / ".join(setting.readings))
    for open_ in policy.unsettled:
        table.add_row(open_.question, "—", " / ".join(open_.readings))
    return table


def _figure(rule: Rule) -> tuple[str, str]:
    """What a rule is called, and its figure."""
    match rule:
        case YearRule():
            return "医保年度", f"{rule.start_month} 月 {rule.start_day} 日起"
        case DeductibleRule():
            basis = "年度" if rule.basis is DeductibleBasis.PER_YEAR else "每次"
            return f"起付线({basis})", format_yuan(rule.amount_fen)
        case RatioRule():
            return "支付比例", f"{rule.percent:f}%"
        case CapRule(kind=CapKind.ANNUAL_CAP):
            return "封顶线", format_yuan(rule.amount_fen)
        case CapRule():
            counts = "基金" if rule.measure is CapMeasure.FUND else "费用"
            return f"门诊年度限额({counts})", format_yuan(rule.amount_fen)
        case LayerRule():
            return rule.name, _layer(rule)
        case AccountRule():
            return "个人账户(未指明时)", "使用" if rule.default_use else "不使用"
        case DropRule():
            return "异地降比例", f"{rule.points:f} 个百分点"
        case WaiverRule():
            return "示范区免备案", "不降比例"
    return type(rule).__name__, ""


def _layer(rule: LayerRule) -> str:
    if not rule.enabled:
        return "未计算"
    limit = "" if rule.limit_fen is None else f",至 {format_yuan(rule.limit_fen)}"
    return f"{rule.percent:f}%{limit}"


def _applies(rule: Rule) -> str:
    """Whom a rule speaks about, grades left out; nothing said means everyone."""
    words = [SCHEME_ZH[rule.scheme]] if rule.scheme else []
    words += ["/".join(PERSON_ZH[p] for p in PersonCategory if p in rule.persons)]
    words += ["/".join(VISIT_ZH[v] for v in VisitClass if v in rule.visits)]
    if isinstance(rule, DeductibleRule) and rule.stay_from is not None:
        after = "" if rule.stay_to == rule.stay_from else "及以后"
        words.append(f"第{rule.stay_from}次{after}")
    if isinstance(rule, DropRule):
        words.append("/".join(FILING_ZH[f] for f in sorted(rule.filings)))
    if isinstance(rule, WaiverRule):
        words.append("/".join(COUNTIES.get(c, c) for c in sorted(rule.counties)))
    return " ".join(word for word in words if word) or "全部"


def _span(rule: Rule) -> str:
    begin = rule.valid_from.isoformat() if rule.valid_from else "起始未查明"
    if rule.valid_until:
        return f"{begin} 至 {rule.valid_until}"
    return f"{begin} 起" if rule.valid_from else begin
