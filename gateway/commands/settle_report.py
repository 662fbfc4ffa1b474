"""What became of files, for people, for a spreadsheet and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.commands.settle_files import FileResult
from gateway.counter import wording
from gateway.counter.client import NOT_SENT
from gateway.counter.result_csv import escape, yuan
from gateway.counter.tables import claim_panel, print_failure, print_problems, state_text
from ledger.money import format_yuan


def print_result(console: Console, notes: Console, result: FileResult) -> None:
    """One file whole."""
    if result.claim is not None:
        lines = [f"回执  {result.receipt}"] if result.receipt else []
        if result.proof:
            lines.append(f"证明  {result.proof.text_zh}")
        console.print(claim_panel(result.claim, title=result.path.name, notes=lines))
    _print_trouble(notes, result)


def _print_trouble(notes: Console, result: FileResult) -> None:
    if result.problems:
        print_problems(notes, str(result.path), result.problems)
    if result.failure is not None:
        print_failure(notes, str(result.path), result.failure, result.places)


def print_list(console: Console, notes: Console, results: Sequence[FileResult]) -> None:
    """Many files, one line each, then what is wrong with any of them."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("文件", overflow="fold", ratio=1)
    for label in ("总额", "基金支付", "账户", "现金"):
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("状态", no_wrap=True)
    table.add_column("证明", no_wrap=True)
    for result in results:
        claim = result.claim
        settled = claim.settled if claim is not None and claim.HasField("settled") else None
        amounts = [
            format_yuan(getattr(settled, field)) if settled else "—"
            for field in ("total_fen", "fund_total_fen", "account_fen", "cash_fen")
        ]
        state = state_text(claim) if claim is not None else Text(_trouble(result), style="red")
        proven = "✓" if result.proof and result.proof.ok else "—"
        table.add_row(Text(result.path.name), *amounts, state, proven)
    console.print(table)
    told: set[str] = set()
    for result in results:
        # What kept many files from being submitted is said once; the list names each of them.
        if result.failure is not None and result.failure.reason in NOT_SENT:
            if result.failure.text_zh in told:
                continue
            told.add(result.failure.text_zh)
        _print_trouble(notes, result)


def _trouble(result: FileResult) -> str:
    if result.problems:
        return f"文件有误({len(result.problems)} 处)"
    if result.failure is None:
        return "网关拒绝"
    if result.failure.reason in NOT_SENT:
        return "未提交"
    return "结果未知" if result.failure.undecided else "网关拒绝"


def summary(results: Sequence[FileResult]) -> Text:
    """One line: how many ended how."""
    settled = sum(r.settled for r in results)
    bad = sum(bool(r.problems) for r in results)
    failed = sum(r.failure is not None for r in results)
    other = len(results) - settled - bad - failed
    parts = [f"{len(results)} 个文件", f"已结算 {settled}"]
    for count, label in ((other, "其他状态"), (failed, "网关拒绝或未答复"), (bad, "文件有误")):
        if count:
            parts.append(f"{label} {count}")
    return Text(",".join(parts), style="green" if settled == len(results) else "yellow")


def as_row(result: FileResult) -> list[str]:
    """One row of the result CSV."""
    claim = result.claim
    settled = claim.settled if claim is not None and claim.HasField("settled") else None
    amounts = [
        yuan(getattr(settled, field) if settled else None)
        for field in ("total_fen", "fund_total_fen", "account_fen", "cash_fen")
    ]
    request = result.hospital.request if result.hospital else None
    reason, text = _reason(result)
    leaf = claim.entries[-1].leaf_index if claim is not None and claim.entries else ""
    texts = [
        result.path.name,
        "成功" if result.settled else "未成功",
        state_text(claim).plain if claim is not None else _trouble(result),
        claim.claim_id if claim is not None else "",
        request.request_id if request else "",
        request.visited_region if request else "",
        request.insured_region if request else "",
    ]
    rest = [
        claim.region_settlement_id if claim is not None else "",
        str(leaf),
        str(result.receipt or ""),
        reason,
        text,
    ]
    return [*map(escape, texts), *amounts, *map(escape, rest)]


def _reason(result: FileResult) -> tuple[str, str]:
    """Reason code and text of whatever kept the file from being settled, or its proof."""
    if result.problems:
        found = "; ".join(f"{p.path} {p.text_zh}" for p in result.problems)
        return result.problems[0].reason, found
    if result.failure is not None:
        found = "; ".join(
            f"{place} {v.text_zh}"
            for place, v in zip(result.places, result.failure.violations, strict=True)
        )
        return result.failure.reason, found or result.failure.text_zh
    if result.claim is not None and result.claim.refusal.reason:
        return result.claim.refusal.reason, result.claim.refusal.text_zh
    return "", result.claim.advice_zh if result.claim is not None else ""


def as_document(result: FileResult) -> dict[str, Any]:
    """One file's outcome for machines; amounts in fen."""
    claim = result.claim
    settled = claim is not None and claim.HasField("settled")
    reason, text = _reason(result)
    return {
        "file": str(result.path),
        "ok": result.settled,
        "id": claim.claim_id if claim is not None else None,
        "state": wording.state_name(claim) if claim is not None else None,
        "provisional": claim.provisional if claim is not None else False,
        "amounts": wording.amounts(claim.settled) if claim is not None and settled else None,
        "leaf_index": claim.entries[-1].leaf_index if claim is not None and claim.entries else None,
        "receipt": str(result.receipt) if result.receipt else None,
        "proof": {"ok": result.proof.ok, "text_zh": result.proof.text_zh} if result.proof else None,
        "reason": reason,
        "text_zh": text,
        "problems": [
            {"path": p.path, "reason": p.reason, "text_zh": p.text_zh} for p in result.problems
        ]
        or [
            {"path": place, "reason": v.reason, "text_zh": v.text_zh}
            for place, v in zip(
                result.places, result.failure.violations if result.failure else (), strict=True
            )
        ],
    }
