"""检验报告: findings as lines that a person reads, and as one JSON document. Pure.

One line a rule in the order of the rules, under the name of its group; a rule that does not hold
says what was found, what was done and why it matters. Not here: colours on a terminal, files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conformance.rule import Finding, Outcome, Rule
from gateway.conformance.suite import Report

MARKS: Mapping[Outcome, str] = {
    Outcome.PASSED: "✓",
    Outcome.BROKEN: "✗",
    Outcome.DIFFERS: "!",
    Outcome.NOT_RUN: "–",
}
WORDS: Mapping[Outcome, str] = {
    Outcome.PASSED: "通过",
    Outcome.BROKEN: "不符",
    Outcome.DIFFERS: "与假设不同",
    Outcome.NOT_RUN: "未执行",
}


def line(found: Finding) -> str:
    """One rule in one line."""
    tail = f"({WORDS[found.outcome]}:{found.text_zh})" if _is_told_at_once(found) else ""
    return f"{MARKS[found.outcome]} {found.rule.id} {found.rule.text_zh}{tail}"


def below(found: Finding) -> tuple[str, ...]:
    """What stands under the line: nothing where the rule holds."""
    if found.outcome is Outcome.DIFFERS:
        return tuple(f"{d.text_zh};请在配置中核对 {d.key}" for d in found.differences)
    if found.outcome is Outcome.BROKEN:
        return (
            f"不符:{found.text_zh}",
            f"做法:{found.rule.does_zh}",
            f"为何要紧:{found.rule.why_zh}",
        )
    return ()


def total(report: Report) -> str:
    """The last line."""
    counts = ",".join(f"{WORDS[outcome]} {len(report.of(outcome))}" for outcome in Outcome)
    seconds = sum(found.elapsed_ms for found in report.findings) / 1000
    verdict = "符合" if report.conforms else "不符合"
    head = f"{report.platform_zh}({report.profile}){verdict}"
    return f"{head}:{len(report.findings)} 条,{counts}({seconds:.1f} 秒)"


def summary(reports: Iterable[Report]) -> str:
    """Several platforms in one line."""
    every = list(reports)
    passed = sum(report.conforms for report in every)
    rules = max((len(report.findings) for report in every), default=0)
    return f"一致性检验 {passed}/{len(every)} 平台通过({rules} 条)"


def listed(rule: Rule) -> tuple[str, ...]:
    """A rule as `--list` shows it."""
    only = "(只对仿真平台)" if rule.sandbox_only else ""
    return (f"{rule.id} {rule.text_zh}{only}", f"做法:{rule.does_zh}", f"为何要紧:{rule.why_zh}")


def document(report: Report) -> dict[str, Any]:
    """For --json."""
    return {
        "profile": report.profile,
        "platform_zh": report.platform_zh,
        "conforms": report.conforms,
        "counts": {outcome.value: len(report.of(outcome)) for outcome in Outcome},
        "rules": [_rule(found) for found in report.findings],
    }


def _rule(found: Finding) -> dict[str, Any]:
    return {
        "id": found.rule.id,
        "group_zh": found.rule.group.value,
        "text_zh": found.rule.text_zh,
        "why_zh": found.rule.why_zh,
        "outcome": found.outcome.value,
        "found_zh": found.text_zh,
        "differences": [{"text_zh": d.text_zh, "key": d.key} for d in found.differences],
        "elapsed_ms": found.elapsed_ms,
    }


def _is_told_at_once(found: Finding) -> bool:
    return found.outcome is Outcome.NOT_RUN
