"""`yrd verify`: derive the whole database again say what does not hold, and what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from gateway.commands.terminal import kept, notes, output, stop
from gateway.config import ConfigError, Environment, Settings, load_settings
from gateway.counter.answers import check_answer
from gateway.store.errors import StoreRefused
from gateway.store.verify_store import StoreReport, verify_store
from ledger.note import KeyMalformed
from ledger.report import Problem

SHOWN_MAX = 50
"""Problems shown on a terminal; --json has all that were kept."""


def run(*, data: Path | None, as_json: bool) -> None:
    """Verify; exit code 1 if anything does not hold."""
    place = kept(data, command="verify")
    try:
        settings = load_settings(place.settings)
        vkey = place.vkey.read_text(encoding="ascii").strip()
        report = _verify(settings, vkey)
    except (ConfigError, StoreRefused, KeyMalformed) as error:
        stop(str(error))
    except OSError as error:
        stop(f"{place.vkey} 无法读取({error.strerror}):查账只信日志公钥,请把它放回来。")
    except SQLAlchemyError as error:
        # So damaged that it cannot be asked: that is a finding, not a slip of the command line.
        what = type(getattr(error, "orig", None) or error).__name__
        stop(f"{place.root} 的数据库无法读取({what}):请从备份或副本恢复后再查账。", code=1)
    if as_json:
        json.dump(_document(report), sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    else:
        _print(output(), report)
    raise typer.Exit(0 if report.ok else 1)


def _verify(settings: Settings, vkey: str) -> StoreReport:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=notes(), transient=True) as bar:
        task = bar.add_task("查账", total=None)
        return verify_store(
            settings.database,
            settings.keys_dir,
            vkey,
            production=settings.environment is Environment.PRODUCTION,
            check_answer=check_answer,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _parts(report: StoreReport) -> tuple[tuple[str, str, dict[str, int], tuple[Problem, ...]], ...]:
    return (
        ("ledger", "账本与日志", report.ledger.checked, report.ledger.problems),
        ("state", "结算单与账本对照", report.state.checked, report.state.problems),
    )


def _print(console: Console, report: StoreReport) -> None:
    for _, title, checked, problems in _parts(report):
        mark = Text("✗ ", style="red") if problems else Text("✓ ", style="green")
        counts = "、".join(f"{what} {count}" for what, count in sorted(checked.items()))
        console.print(mark.append(f"{title}:", style="bold"), Text(counts), sep="")
        for problem in problems[:SHOWN_MAX]:
            console.print(Text(f"    {problem.code}  {problem.where}", style="red"))
            console.print(f"      {problem.what}", markup=False)
            console.print(f"      → {problem.do}", markup=False, style="yellow")
        if len(problems) > SHOWN_MAX:
            console.print(f"    …… 另有 {len(problems) - SHOWN_MAX} 处,用 --json 查看")
    total = report.ledger.problems_total + report.state.problems_total
    if report.ok:
        console.print("查账通过。", style="bold green")
    else:
        console.print(
            f"查账发现 {total} 处问题。请先停止写入,再按上面的提示处理。", style="bold red"
        )


def _document(report: StoreReport) -> dict[str, object]:
    checked = {
        f"{name}.{what}": count
        for name, _, counts, _ in _parts(report)
        for what, count in counts.items()
    }
    return {
        "ok": report.ok,
        "checked": sum(checked.values()),
        "by_kind": checked,
        "problems_total": report.ledger.problems_total + report.state.problems_total,
        "problems": [
            {"in": name, "code": p.code, "where": p.where, "what": p.what, "do": p.do}
            for name, _, _, problems in _parts(report)
            for p in problems
        ],
    }
