"""`yrd policy`: 待遇政策 shown, checked for consistency, and held against worked cases.

Reads policy files only: no region, no database, no network. Nothing it prints is authority. Results
go to stdout (a table, or one JSON document with --json), what is wrong with the input to stderr.
Exit code 0 only if everything held.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.clock import SystemClock
from gateway.commands.policy_cases import BadRow, CasesUnreadable, Verdict, check_cases
from gateway.commands.policy_json import cases_json, findings_json, policy_json, write_json
from gateway.commands.policy_table import policy_tables
from gateway.domain.business_day import business_day
from gateway.domain.errors import DomainError
from gateway.domain.policy import Policy
from gateway.domain.policy_lint import Finding, lint
from gateway.policy_files import (
    POLICY_DIR,
    PolicyFileError,
    load_policy_book,
    read_policies,
)
from ledger.money import format_yuan

DEFAULT_DAY = "2025-09-30"
"""The day of cases without a service date: the seed figures are of 2025."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="待遇政策: show the dated rules, check them, and check worked cases against them.",
)

DirectoryOption = Annotated[
    Path, typer.Option("--policies", help="Directory of policy files.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def show(
    region: Annotated[
        str, typer.Argument(help="参保地 area code, e.g. 310000 or 330421; all regions if absent.")
    ] = "",
    as_of: Annotated[
        str, typer.Option("--as-of", help="Rules in force on this day, YYYY-MM-DD; default today.")
    ] = "",
    policies: DirectoryOption = POLICY_DIR,
    as_json: JsonOption = False,
) -> None:
    """待遇参数: what is in force on a day, with the source and confidence of each figure.

    Example: yrd policy show 320509 --as-of 2025-09-30
    """
    day = _day(as_of) if as_of else business_day(SystemClock().now())
    try:
        book = load_policy_book(policies)
        chosen = (book.at(region, day),) if region else book.policies
    except PolicyFileError as error:
        raise _stop(str(error)) from error
    except DomainError as error:
        raise _stop(error.violations[0].text_zh if error.violations else error.zh) from error
    if as_json:
        write_json({"as_of": day.isoformat(), "policies": [policy_json(p, day) for p in chosen]})
        return
    console = Console()
    for policy in chosen:
        for table in policy_tables(policy, day):
            console.print(table)
    console.print("以上参数来自二手来源,不具权威性;参保地的结算结果为准。", style="dim")


@app.command("lint")
def lint_command(policies: DirectoryOption = POLICY_DIR, as_json: JsonOption = False) -> None:
    """检查政策文件: overlaps, gaps, rules without source, unknown funds. Exit 1 on any finding.

    Example: yrd policy lint --json
    """
    try:
        read = read_policies(policies)
    except PolicyFileError as error:
        raise _stop(str(error)) from error
    findings = [finding for policy in read for finding in lint(policy)]
    if as_json:
        write_json(findings_json(read, findings))
    else:
        _print_findings(read, findings)
    if findings:
        raise typer.Exit(1)


@app.command()
def check(
    cases: Annotated[Path, typer.Argument(help="CSV of worked cases.", metavar="CASES.csv")],
    as_of: Annotated[
        str, typer.Option("--as-of", help="Day of rows without service_date, YYYY-MM-DD.")
    ] = DEFAULT_DAY,
    policies: DirectoryOption = POLICY_DIR,
    as_json: JsonOption = False,
) -> None:
    """核对算例: compute each case and compare to the fen. Exit 1 on any difference or bad row.

    `filed=no` takes the temporary-absence drop (seed 20 points,
    unverified) off the ratio; `any` means that every person or grade it
    covers gives the same result. Columns and words:
    tests/golden/benefits/README.md.

    Example: yrd policy check cases.csv --as-of 2025-09-30
    """
    day = _day(as_of)
    try:
        answers = check_cases(cases, load_policy_book(policies), as_of=day)
    except (PolicyFileError, CasesUnreadable) as error:
        raise _stop(str(error)) from error
    if as_json:
        write_json(cases_json(answers, day))
    else:
        _print_cases(answers)
    if not answers or not all(isinstance(a, Verdict) and a.agrees for a in answers):
        raise typer.Exit(1)


def _print_findings(policies: tuple[Policy, ...], findings: list[Finding]) -> None:
    console = Console()
    if not findings:
        rules = sum(len(policy.rules) for policy in policies)
        console.print(f"{len(policies)} 个地区、{rules} 条规则,未发现问题。")
        return
    table = Table(title="政策检查", title_justify="left")
    for heading in ("地区", "问题", "规则", "说明"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        ids = "\n".join(finding.rule_ids)
        table.add_row(finding.region, finding.code, ids, finding.text_zh)
    console.print(table)


def _print_cases(answers: list[Verdict | BadRow]) -> None:
    console = Console()
    verdicts = [a for a in answers if isinstance(a, Verdict)]
    table = Table(title="算例核对(元)", title_justify="left")
    for heading in ("算例", "情形", "项目", "应为", "本系统", "结果"):
        right = heading in ("应为", "本系统")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for verdict in verdicts:
        for number, c in enumerate(verdict.comparisons):
            first = (verdict.case_id, verdict.title_zh) if number == 0 else ("", "")
            mark = "一致" if c.agrees else "[bold red]不一致[/]"
            last = number == len(verdict.comparisons) - 1
            table.add_row(*first, c.label_zh, c.expected, c.ours, mark, end_section=last)
    if verdicts:
        console.print(table)
    for verdict in verdicts:
        if not verdict.agrees:
            _print_working(console, verdict)
    bad = [a for a in answers if isinstance(a, BadRow)]
    for row in bad:
        typer.echo(f"第 {row.row} 行 {row.case_id}:{row.reason_zh}", err=True)
    agreeing = sum(v.agrees for v in verdicts)
    different = len(verdicts) - agreeing
    console.print(
        f"共 {len(answers)} 例:{agreeing} 例一致,{different} 例不一致,{len(bad)} 行有误。"
    )


def _print_working(console: Console, verdict: Verdict) -> None:
    """The working of a case that differs: where to look."""
    table = Table(title=f"{verdict.case_id} 的计算过程", title_justify="left")
    for heading in ("步骤", "算式", "金额", "规则"):
        table.add_column(heading, overflow="fold")
    for step in verdict.result.breakdown.working:
        table.add_row(step.label_zh, step.formula, format_yuan(step.amount_fen), step.rule_id)
    console.print(table)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("日期应为 YYYY-MM-DD", param_hint="--as-of") from error


def _stop(text_zh: str) -> typer.Exit:
    typer.echo(text_zh, err=True)
    return typer.Exit(1)
