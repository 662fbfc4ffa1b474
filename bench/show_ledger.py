"""The ledger's report as tables that people read: targets first, then what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

MET = {True: "[green]met[/green]", False: "[red]missed[/red]", None: "–"}


def show(report: dict[str, Any]) -> list[Any]:
    """Tables and lines, in the order they are read."""
    return [_targets(report["targets"]), "", _appends(report), "", *_notes(report)]


def _targets(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="the ledger beside its targets", title_justify="left")
    table.add_column("")
    for name in ("measured", "target"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        bound = f"≥ {row['at_least']:,g}" if row["at_least"] is not None else ""
        bound = bound or f"≤ {row['at_most']:,g}"
        unit = row["unit"]
        shown = "–" if row["measured"] is None else f"{row['measured']:,g} {unit}"
        table.add_row(row["what"], shown, f"{bound} {unit}", MET[row["met"]])
    return table


def _appends(report: Mapping[str, Any]) -> Table:
    table = Table(
        title="durable appends a second: median of the rounds (lowest–highest); p99 ms",
        title_justify="left",
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
        name = f"pgbench TPC-B, {row['clients']} clients{best}{suffix}"
        table.add_row(name, *_cells(row), "", "", style="dim")
    single = [_cells(part.get("single_row")) for part in parts]
    table.add_row(f"one row a commit{suffix}", *single[0], *single[1], style="dim")
    callers = sorted({row["callers"] for part in parts for row in part.get("appends", [])})
    for count in callers:
        cells = [_cells(_row(part, count)) for part in parts]
        name = f"ledger, {count} caller{'s' if count > 1 else ''}{suffix}"
        table.add_row(name, *cells[0], *cells[1])
    fsync = [part.get("fsync_us", {}).get("before", {}).get("median") for part in parts]
    cells = [("–" if us is None else f"{us['median']:,} µs", "") for us in fsync]
    table.add_row(f"fsync{suffix}", *cells[0], *cells[1], style="dim")


def _row(part: Mapping[str, Any], callers: int) -> Mapping[str, Any] | None:
    return next((row for row in part.get("appends", []) if row["callers"] == callers), None)


def _cells(row: Mapping[str, Any] | None) -> tuple[str, str]:
    if row is None:
        return "–", ""
    return _spread(row["per_s"]), f"{row['p99_us']['median'] / 1000:.1f}"


def _spread(value: Mapping[str, Any]) -> str:
    median, low, high = (f"{value[k]:,}" for k in ("median", "low", "high"))
    return f"{median} ({low}–{high})" if low != high else median


def _notes(report: Mapping[str, Any]) -> list[str]:
    m, lines = report["machine"], []
    for name in ("postgresql", "sqlite"):
        part = report[name]
        if "missing" in part:
            lines.append(f"{name}: {part['missing']}")
        lines += [_checked(name, p["verified"]) for p in (part,) if "verified" in p]
    postgresql = report["postgresql"]
    return [
        *lines,
        f"machine: {m['cores']} cores {m['processor']}, {m['system']}, Python {m['python']}, "
        f"PostgreSQL {postgresql.get('version', '–')}, SQLite {m['sqlite']}, {m['file_system']}; "
        f"load average {m['load_average_before']} before, {m['load_average_after']} after; "
        f"{report['seconds']} s in all",
    ]


def _checked(name: str, verified: Mapping[str, Any]) -> str:
    state = "sound" if verified["ok"] else f"WRONG: {', '.join(verified['problems'])}"
    return f"{name}: {verified['entries']:,} entries appended and verified, {state}"
