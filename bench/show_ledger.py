"""The ledger's report as tables that people read: targets first, then what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

DISTURBED = 0.25
"""Cores busy with something else from which on figures are to be doubted."""
MET = {True: "[green]met[/green]", False: "[red]missed[/red]", None: "–"}


def show(report: dict[str, Any]) -> list[Any]:
    """Tables and lines, in the order they are read."""
    rows = targets_table("the ledger beside its targets", report["targets"])
    return [rows, "", _appends(report), "", *_notes(report)]


def targets_table(title: str, rows: list[dict[str, Any]]) -> Table:
    """What was measured, what was wanted, and whether it was met."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in ("measured", "target"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        least, most = row["at_least"], row["at_most"]
        bound = f"≤ {most:,}" if least is None else f"≥ {least:,}"
        shown = "–" if row["measured"] is None else _number(row["measured"], row["unit"])
        table.add_row(row["what"], shown, f"{bound} {row['unit']}".rstrip(), MET[row["met"]])
    return table


def _appends(report: Mapping[str, Any]) -> Table:
    table = Table(
        title="durable appends a second: median of the rounds (lowest–highest); p99 ms",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("")
    for name in ("PostgreSQL", "p99", "SQLite", "p99"):
        table.add_column(name, justify="right")
    fast = (report["postgresql"], report["sqlite"])
    _block(table, fast, "")
    slow = tuple(part.get("slow_fsync", {}) for part in fast)
    if any("appends" in part for part in slow):
        table.add_section()
        _block(table, slow, ", fsync + 2 ms")
    return table


def _block(table: Table, parts: tuple[Mapping[str, Any], ...], suffix: str) -> None:
    postgresql = parts[0]
    for row in postgresql.get("tpcb", []):
        best = " (best)" if row["clients"] == postgresql["tpcb_best_clients"] else ""
        name = f"pgbench TPC-B, {_count(row['clients'], 'client')}{best}{suffix}"
        table.add_row(name, *_cells(row), "", "", style="dim")
    single = [_cells(part.get("single_row")) for part in parts]
    table.add_row(f"one row a commit{suffix}", *single[0], *single[1], style="dim")
    callers = sorted({row["callers"] for part in parts for row in part.get("appends", [])})
    for count in callers:
        cells = [_cells(_row(part, count)) for part in parts]
        name = f"ledger, {_count(count, 'caller')}{suffix}"
        table.add_row(name, *cells[0], *cells[1])
    fsync = [part.get("fsync_us", {}).get("before", {}).get("median") for part in parts]
    cells = [("–" if us is None else f"{us['median']:,} µs", "") for us in fsync]
    table.add_row(f"fsync{suffix}", *cells[0], *cells[1], style="dim")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number > 1 else ''}"


def _row(part: Mapping[str, Any], callers: int) -> Mapping[str, Any] | None:
    return next((row for row in part.get("appends", []) if row["callers"] == callers), None)


def _cells(row: Mapping[str, Any] | None) -> tuple[str, str]:
    if row is None:
        return "–", ""
    return _spread(row["per_s"]), f"{row['p99_us']['median'] / 1000:.1f}"


def _spread(value: Mapping[str, Any]) -> str:
    median, low, high = (f"{value[k]:,}" for k in ("median", "low", "high"))
    return f"{median} ({low}–{high})" if low != high else median


def _number(value: float, unit: str) -> str:
    return f"{value:,} {unit}".rstrip()


def _notes(report: Mapping[str, Any]) -> list[str]:
    m, postgresql, sqlite = report["machine"], report["postgresql"], report["sqlite"]
    lines = [part["missing"] for part in (postgresql, sqlite) if "missing" in part]
    lines += [
        part["slow_fsync"]["missing"]
        for part in (postgresql,)
        if "missing" in part.get("slow_fsync", {})
    ]
    if "together" in postgresql:
        lines.append(_together(postgresql["together"]))
    if "tpcb" in postgresql:
        lines.append(
            f"pgbench: its own TPC-B at scale {postgresql['scale']}, defaults otherwise; the row: "
            "key, one index more, 300 B; on SQLite 2 KB"
        )
    appended = {"PostgreSQL": postgresql, "SQLite": sqlite}
    checked = [_checked(name, p["verified"]) for name, p in appended.items() if "verified" in p]
    settings = ", ".join(f"{k} {v}" for k, v in postgresql.get("settings", {}).items())
    return [
        *lines,
        f"appended and verified: {'; '.join(checked)}",
        f"fsync while ledgers were read: {_fsync(report['fsync_us'])}",
        f"machine: {m['cores']} cores {m['processor']}, {m['system']}, Python {m['python']}, "
        f"PostgreSQL {postgresql.get('version', '–')}, SQLite {m['sqlite']}, {m['file_system']}; "
        f"load average {m['load_average_before']} before, {m['load_average_after']} after; "
        f"{report['seconds']} s in all",
        *disturbed(m),
        *([f"server: {settings}"] if settings else []),
    ]


def disturbed(machine: Mapping[str, Any]) -> list[str]:
    """A warning where somebody else was at work on this machine."""
    busy, cores = machine["other_cores_busy"], machine["cores"]
    if busy is None or busy < DISTURBED:
        return []
    return [f"disturbed: something else kept {busy} of {cores} cores busy; run it again when alone"]


def _together(part: Mapping[str, Any]) -> str:
    one, many = part["one_process"], part["together"]
    return (
        f"{part['callers']} callers of one process {_spread(one['per_s'])} a second, of "
        f"{part['processes']} processes {_spread(many['per_s'])}, all signing; fsync "
        f"{_fsync(part['fsync_us'])}"
    )


def _fsync(measured: Mapping[str, Mapping[str, int]]) -> str:
    before, after = measured["before"]["median"], measured["after"]["median"]
    return f"{before:,} µs before, {after:,} after"


def _checked(name: str, verified: Mapping[str, Any]) -> str:
    state = "sound" if verified["ok"] else f"WRONG: {', '.join(verified['problems'])}"
    speed = f"{verified['verified_per_cpu_s']:,} a second of CPU"
    return f"{name} {verified['entries']:,} entries, {state} ({speed})"
