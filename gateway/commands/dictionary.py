"""`yrd dictionary`: 字典 of the regions: loaded by 1901, shown, and what is unknown.

Results go to stdout (tables, or one JSON document with --json), progress to stderr. Exit code 0 if
all is well, 1 if something was not taken over or a code is unknown, 2 if it could not be done.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from adapters import registry
from adapters.baseline.dictionary import USED
from adapters.baseline.fields import dictionary_name
from adapters.baseline.profile import ProfileError
from gateway.clock import SystemClock
from gateway.commands.dictionary_load import Outcome, Wanted, load
from gateway.commands.dictionary_tables import (
    Ours,
    code_rows,
    code_table,
    reading,
    still_unknown,
    summary_rows,
    summary_table,
    unknown_row,
    unknown_table,
)
from gateway.commands.terminal import kept, notes, output, stop
from gateway.config import ConfigError, Settings, load_settings
from gateway.domain.business_day import business_day
from gateway.domain.dictionary import CodeSince
from gateway.domain.errors import DomainError
from gateway.domain.visit import Institution
from gateway.participants import load_institutions
from gateway.store.dictionaries import loaded_days, read_dictionaries, unknown_codes
from gateway.store.errors import StoreRefused

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="字典: what codes a region has, loaded from it by 1901 (docs/dictionaries.md).",
)

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="YRD_DATA", metavar="DIR", help="Data directory (数据目录)."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Province = Annotated[str, typer.Argument(help="shanghai, jiangsu, zhejiang …, or 31, 32, 33 …")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="One dictionary, e.g. clr_type; repeat for more. Default: all."),
]
Day = Annotated[str, typer.Option("--day", help="As of this day, YYYY-MM-DD. Default: today.")]
_REFUSED = (ConfigError, StoreRefused, DomainError, ProfileError)


@app.command("load")
def load_command(
    province: Province,
    kind: Kinds = None,
    day: Day = "",
    institution: Annotated[
        str, typer.Option("--institution", help="In whose name to ask; default: the first.")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also what was loaded as of that day already.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Also take over that codes which we use are gone.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """装载: ask the region for its dictionaries by 1901 and take over what is new.

    Stop the gateway of a SQLite database first; start it afterwards, it reads
    dictionaries at the start. A run that was cut off goes on where it stopped.

    [dim]Examples:[/dim]
      ./yrd dictionary load zhejiang --data /srv/yrd
      ./yrd dictionary load 31 --kind clr_type --data /srv/yrd
    """
    settings, code = _settings(data, "dictionary load"), _code(province)
    if code not in settings.regions:
        stop(f"设置中没有 [regions.{code}]:这一网关没有接入 {province}。")
    today = business_day(SystemClock().now())
    asked = _day(day) if day else today
    if asked > today:
        stop(f"--day {asked} 晚于今天({today}):只能装载到今天为止的字典。")
    try:
        wanted = Wanted(
            code, tuple(kind or USED), asked, _asking(settings, institution), again, withdraw
        )
        told = _quiet if as_json else _tell
        outcomes = asyncio.run(load(settings, wanted, told, clock=SystemClock()))
    except _REFUSED as error:
        stop(_words(error))
    if as_json:
        _print([_document(outcome) for outcome in outcomes])
    failed = [o for o in outcomes if o.change is None and not o.known]
    if any(o.lost for o in outcomes):
        notes().print("平台没有答复,其余字典未装载;再执行一次即从中断处继续。", style="yellow")
    raise typer.Exit(1 if failed else 0)


@app.command()
def show(
    province: Province, kind: Kinds = None, day: Day = "", data: Data = None, as_json: Json = False
) -> None:
    """查看: which dictionaries are loaded, or the codes of one.

    [dim]Examples:[/dim]
      ./yrd dictionary show zhejiang --data /srv/yrd
      ./yrd dictionary show zhejiang --kind clr_type --day 2026-06-30 --data /srv/yrd
    """
    settings, code = _settings(data, "dictionary show"), _code(province)
    asked = _day(day) if day else business_day(SystemClock().now())
    try:
        ours = Ours(settings, asked)
        loaded = reading(settings, lambda c: (read_dictionaries(c), loaded_days(c, code)))
    except _REFUSED as error:
        stop(_words(error))
    table, days = loaded[0].of(code), loaded[1]
    _tell_missing(province, kind or [], table.kinds(asked), asked)
    if kind:
        rows = {name: code_rows(table, name, code, asked, ours) for name in kind}
        if as_json:
            return _print(rows)
        for name, found in rows.items():
            output().print(Text(f"{dictionary_name(name)} {name}", "bold"))
            output().print(code_table(found))
        return None
    summary = summary_rows(table, days, code, asked, ours)
    if as_json:
        return _print(summary)
    return output().print(summary_table(summary))


@app.command()
def unknown(data: Data = None, as_json: Json = False) -> None:
    """未知代码: codes that regions answered and that nobody here knows, and what to do.

    Exit code 1 if there are any.

    [dim]Example:[/dim]
      ./yrd dictionary unknown --data /srv/yrd
    """
    settings = _settings(data, "dictionary unknown")
    today = business_day(SystemClock().now())
    try:
        ours = Ours(settings, today)
        seen, loaded = reading(settings, lambda c: (unknown_codes(c), read_dictionaries(c)))
    except _REFUSED as error:
        stop(_words(error))
    rows = [unknown_row(one) for one in still_unknown(seen, loaded, ours, today)]
    if as_json:
        _print(rows)
    elif rows:
        output().print(unknown_table(rows))
    else:
        output().print("没有未知代码。")
    raise typer.Exit(1 if rows else 0)


def _tell_missing(province: str, wanted: list[str], loaded: tuple[str, ...], day: date) -> None:
    """What was asked for and never loaded, and how to load it."""
    for name in wanted or ([] if loaded else [""]):
        if name not in loaded:
            what, option = (f" {name}", f" --kind {name}") if name else ("", "")
            command = f"./yrd dictionary load {province}{option}"
            notes().print(f"截至 {day} 没有装载过 {province} 的字典{what}:{command}", markup=False)


def _tell(outcome: Outcome) -> None:
    """One line a dictionary, and a line for each code that changed or went."""
    console, name = output(), f"{dictionary_name(outcome.kind)} {outcome.kind}".strip()
    made = outcome.change
    if made is None:
        mark = Text("· ", "dim") if outcome.known else Text("✗ ", "red")
        console.print(mark, Text(name, "bold"), Text(f"  {outcome.why_zh}"), sep="")
        return
    counts = (
        f"  新增 {len(made.new)}  变更 {len(made.changed)}  停用 {len(made.withdrawn)}"
        f"  未变 {made.same}"
    )
    console.print(Text("✓ ", "green"), Text(name, "bold"), Text(counts), sep="")
    if made.same or made.changed:  # the first load is all new: nobody wants to read it here
        for one in made.new:
            console.print(Text(f"    + {_said(one)}"))
    for before, now in made.changed:
        console.print(Text(f"    ~ {now.row.code} {before.row.label} → {now.row.label}"))
    for one in made.withdrawn:
        console.print(Text(f"    - {_said(one)}", "yellow"))


def _said(one: CodeSince) -> str:
    return f"{one.row.code} {one.row.label}"


def _quiet(outcome: Outcome) -> None:
    """With --json everything comes in one document at the end."""


def _document(outcome: Outcome) -> dict[str, Any]:
    made = outcome.change
    found: dict[str, Any] = {"kind": outcome.kind, "taken_over": made is not None}
    if made is None:
        return found | {"why_zh": outcome.why_zh, "already": outcome.known}
    return found | {
        "new": [_row(one) for one in made.new],
        "changed": [{**_row(now), "was": was.row.label} for was, now in made.changed],
        "withdrawn": [_row(one) for one in made.withdrawn],
        "same": made.same,
    }


def _row(one: CodeSince) -> dict[str, str]:
    return {"code": one.row.code, "label": one.row.label, "since": one.valid_from.isoformat()}


def _settings(data: Path | None, command: str) -> Settings:
    try:
        return load_settings(kept(data, command=command).settings)
    except ConfigError as error:
        stop(str(error))


def _code(province: str) -> str:
    for code, name in registry.DECLARED.items():
        if province in (code, name):
            return code
    known = "、".join(f"{name}({code})" for code, name in registry.DECLARED.items())
    stop(f"没有省份 {province} 的适配器:可用 {known}。")


def _asking(settings: Settings, code: str) -> Institution:
    institutions = load_institutions(settings.participants)
    if code and code not in institutions:
        stop(f"参与机构文件 {settings.participants} 中没有 {code}。")
    return institutions[code] if code else institutions[min(institutions)]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(f"{text!r} 不是日期:应为 YYYY-MM-DD。")


def _words(error: Exception) -> str:
    return error.zh if isinstance(error, DomainError) else str(error)


def _print(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    print(flush=True)
