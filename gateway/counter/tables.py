"""表格: a claim as people read it: amounts in yuan, persons masked, in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.counter import wording
from gateway.counter.failure import Failure
from gateway.hospital_files.problem import FileProblem
from ledger.money import format_yuan
from yrd.claim.v1 import claim_pb2

STYLES = {
    "SETTLED": "green", "REVERSED": "cyan", "REFUSED": "red", "VOIDED": "yellow",
}  # fmt: skip
PROVISIONAL_STYLE = "bold yellow"


def state_text(claim: claim_pb2.Claim) -> Text:
    """The state's Chinese name; a provisional one says so."""
    style = PROVISIONAL_STYLE if claim.provisional else STYLES.get(wording.state_name(claim), "")
    note = "(暂定)" if claim.provisional else ""
    return Text(f"{wording.state_zh(claim)}{note}", style=style)


def breakdown_table(claim: claim_pb2.Claim) -> Table:
    """Who bears which part, the region's figures beside our own computation."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("项目")
    table.add_column("参保地结算(元)", justify="right")
    table.add_column("网关核算(元)", justify="right", style="dim")
    settled = claim.settled if claim.HasField("settled") else None
    for label, field, level in _rows(claim):
        name = Text("  " * level + label, style="" if level == 0 else "dim")
        region = format_yuan(_amount(settled, field)) if settled else "—"
        table.add_row(name, region, format_yuan(_amount(claim.computed, field)))
    return table


def _rows(claim: claim_pb2.Claim) -> list[tuple[str, str, int]]:
    """(label, field, indent), zero parts left out except those that every bill shows."""
    funds = {row.fund for b in (claim.settled, claim.computed) for row in b.funds if row.amount_fen}
    shown = {"total_fen", "in_scope_fen", "deductible_fen", "fund_total_fen", "cash_fen"}
    rows: list[tuple[str, str, int]] = []
    for field, label in wording.PARTS:
        present = any(_amount(b, field) for b in (claim.settled, claim.computed))
        if field not in shown and not present:
            continue
        inside = field in ("own_pay_fen", "over_limit_fen", "pre_self_pay_fen", "in_scope_fen")
        rows.append((label, field, 1 if inside else 0))
        if field == "fund_total_fen":
            rows += [
                (name, f"fund:{fund}", 1) for fund, name in wording.FUNDS.items() if fund in funds
            ]
    return rows


def _amount(breakdown: claim_pb2.Breakdown, field: str) -> int:
    if field.startswith("fund:"):
        fund = int(field.removeprefix("fund:"))
        return sum(row.amount_fen for row in breakdown.funds if row.fund == fund)
    return int(getattr(breakdown, field))


def claim_panel(claim: claim_pb2.Claim, *, title: str, notes: Sequence[str] = ()) -> Panel:
    """One claim whole: state, amounts, messages, advice."""
    head = Text.assemble(
        state_text(claim),
        f"  {wording.area_zh(claim.visited_region)}就医",
        f" · {wording.area_zh(claim.insured_region)}参保"
        f" · {wording.KINDS.get(claim.visit_kind, '')} · {claim.person.name_masked}",
    )
    parts: list[RenderableType] = [head, Text(f"结算单 {claim.claim_id}", style="dim")]
    if claim.refusal.reason:
        who = "参保地" if claim.refusal.by == "region" else "网关"
        parts.append(Text(f"{who}:{claim.refusal.text_zh} [{claim.refusal.reason}]", style="red"))
    parts += [Text(), breakdown_table(claim)]
    if claim.differences:
        parts.append(Text("注意:参保地结算与网关核算不一致,以参保地为准,已标记。", style="yellow"))
    if claim.provisional or claim.advice_zh:
        parts += [
            Text(),
            Text(claim.advice_zh, style=PROVISIONAL_STYLE if claim.provisional else ""),
        ]
    parts += [Text(note, style="dim") for note in notes]
    return Panel(Group(*parts), title=Text(title), title_align="left", padding=(0, 1))


def print_failure(console: Console, title: str, failure: Failure, places: Sequence[str]) -> None:
    """An error status; `places` are the JSON paths of its violations, in order."""
    console.print(Text(f"✗ {title}: {failure.text_zh} [{failure.reason}]", style="red"))
    for violation, place in zip(failure.violations, places, strict=True):
        console.print(_at(place, violation.text_zh, violation.reason))
    if failure.undecided:
        console.print("    结果未知:请用[b]同一文件[/b]再次提交,不会重复结算;不要改用新的请求号。")
    if failure.retry_after_ms:
        console.print(f"    建议 {failure.retry_after_ms / 1000:g} 秒后重试。", style="dim")


def print_problems(console: Console, title: str, problems: Sequence[FileProblem]) -> None:
    """What is wrong with a file."""
    console.print(Text(f"✗ {title}: 文件有 {len(problems)} 处问题,未提交", style="red"))
    for problem in problems:
        console.print(_at(problem.path, problem.text_zh, problem.reason))


def _at(place: str, text_zh: str, reason: str) -> Padding:
    """The place on a line of its own: a long path never tears the sentence below it apart."""
    head = Text.assemble(place, (f"  {reason}", "dim"), overflow="fold")
    return Padding(Group(head, Padding(Text(text_zh, overflow="fold"), (0, 0, 0, 2))), (0, 0, 0, 4))
