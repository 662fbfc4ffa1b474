"""`yrd limits`: what is left of each prepayment, beside the floor that an agreement sets."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from gateway.agreement_files import load_agreements
from gateway.clock import SystemClock
from gateway.commands.terminal import kept, output, stop
from gateway.config import ConfigError, Settings, load_settings
from gateway.counter.limit_words import (
    CONFIDENCE,
    STATES,
    LimitState,
    account_zh,
    first_day,
    last_day,
    row,
    state_of,
    used_zh,
)
from gateway.database import Postgresql
from gateway.store.engine import read_engine
from gateway.store.errors import StoreRefused
from gateway.store.migrate import refuse_unmigrated
from gateway.store.open_store import refuse_missing
from gateway.store.postgresql import refuse_unreachable
from ledger.limit_store import all_limits, standings
from ledger.limits import Standing
from ledger.money import format_yuan

STYLES = {LimitState.ENOUGH: "green", LimitState.WARNS: "yellow", LimitState.BLOCKS: "bold red"}


def run(*, data: Path | None, as_json: bool) -> None:
    """Show them; exit code 1 if one is below its floor."""
    place = kept(data, command="limits")
    try:
        settings = load_settings(place.settings)
        found, others = _read(settings)
        marks = _confidence(settings)
    except (ConfigError, StoreRefused) as error:
        stop(str(error))
    if as_json:
        rows = [row(standing, marks.get(standing.limit.limit_id, "")) for standing in found]
        json.dump({"limits": rows, "not_in_force": others}, sys.stdout,
                  ensure_ascii=False, indent=1)  # fmt: skip
        print(flush=True)
    else:
        _show(found, others, marks)
    raise typer.Exit(1 if any(standing.below for standing in found) else 0)


def _read(settings: Settings) -> tuple[list[Standing], int]:
    """Those in force, and how many are not; one snapshot, which blocks nobody."""
    if isinstance(settings.database, Path):
        refuse_missing(settings.database)
    engine = read_engine(settings.database)
    try:
        if isinstance(settings.database, Postgresql):
            refuse_unreachable(engine, settings.database)
        with engine.connect() as connection, connection.begin():
            refuse_unmigrated(connection)
            found = standings(connection, SystemClock().now())
            return found, len(all_limits(connection)) - len(found)
    finally:
        engine.dispose()


def _confidence(settings: Settings) -> dict[str, str]:
    """Limit id → mark, as the agreements file has it today."""
    agreements = load_agreements(settings.agreements).prepayments
    return {a.limit.limit_id: a.confidence.value for a in agreements if a.confidence}


def _show(found: list[Standing], others: int, marks: dict[str, str]) -> None:
    console = output()
    if found:
        console.print(table(found, marks))
    else:
        console.print("没有生效中的预付金下限:见 docs/limits.md(设置项 agreements)。")
    if others:
        console.print(f"另有 {others} 项尚未生效、已到期或已被接替。", style="dim")


def table(found: list[Standing], marks: dict[str, str]) -> Table:
    """One line a limit, and below it where it comes from."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    shown.add_column("账户", overflow="fold")
    for name in ("下限(元)", "可用(元)", "已用"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("状态", no_wrap=True)
    shown.add_column("生效日期", no_wrap=True)
    for standing in found:
        limit, state, last = standing.limit, state_of(standing), last_day(standing)
        mark = CONFIDENCE.get(marks.get(limit.limit_id, ""), "")
        source = f"\n{limit.limit_id} · {limit.source}{f'({mark})' if mark else ''}"
        shown.add_row(
            Text(account_zh(limit.account)).append(source, style="dim"),
            format_yuan(limit.floor_fen),
            format_yuan(standing.available_fen),
            used_zh(standing),
            Text(STATES[state], style=STYLES[state]),
            Text(f"{first_day(standing)}").append(f"\n至 {last}" if last else "", style="dim"),
        )
    return shown
