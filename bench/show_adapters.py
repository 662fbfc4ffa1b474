"""The adapters' report as tables that people read: targets first, then what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from bench.show_ledger import disturbed, targets_table

Part = Mapping[str, Any]


def show(report: dict[str, Any]) -> list[Any]:
    """Tables and lines, in the order they are read."""
    rows = report["targets"]
    return [
        targets_table("a region call beside its targets", rows), "", _calls(report["calls"]), "",
        _isolation(report["isolation"]), "", *_notes(report),
    ]  # fmt: skip


def _calls(calls: list[dict[str, Any]]) -> Table:
    title = "one region call, ms: median of the rounds (lowest–highest); p99"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for call in calls:
        table.add_column(f"{call['scheme']}\n{call['province']}", justify="right")
    table.add_row("ours alone, recorded answers", *(_spread(c["alone_us"]) for c in calls))
    table.add_row("  p99", *(_ms(c["alone_us"]["p99"]) for c in calls))
    # Each province numbers them as it does; their order is that of a visit.
    for steps in zip(*(c["steps_us"].items() for c in calls), strict=True):
        cells = (_ms(took["median"]) for _, took in steps)
        table.add_row(f"  {steps[0][0]}", *cells, style="dim")
    table.add_section()
    table.add_row("ours over HTTP", *(_ms(c["over_http_us"]["median"]) for c in calls))
    bare = (_ms(c["bare_post_us"]["median"]) for c in calls)
    table.add_row("bare aiohttp post of the same bytes", *bare, style="dim")
    table.add_row("difference, call by call", *(_spread(c["over_bare_us"]) for c in calls))
    return table


def _isolation(part: Part) -> Table:
    title = (
        f"a region's calls ({part['callers']} callers) while another holds {part['in_flight']:,} "
        f"of ours, {part['rounds']} rounds; an answered one is followed by the next"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("", "median ms", "p99 ms", "to idle", "CPU p99 ms", "to idle"):
        table.add_column(name, justify="right" if name else "left")
    names = {
        "idle": "idle",
        "held": "none answered",
        "turning": f"{part['turnover_per_s']}/s answered",
    }
    for name, text in names.items():
        row = part[name]
        waits = _spread(row["median_us"]), _spread(row["p99_us"]), _ratio(part, f"{name}_p99")
        table.add_row(text, *waits, _spread(row["cpu_p99_us"]), _ratio(part, f"{name}_cpu_p99"))
    return table


def _ratio(part: Part, name: str) -> str:
    ratio = part.get(f"{name}_ratio")
    return f"{ratio['ratio']} ({ratio['low']}–{ratio['high']})" if ratio else ""


def _notes(report: Part) -> list[str]:
    m = report["machine"]
    return [
        f"SM2 a second on one core: {'; '.join(_provider(row) for row in report['sm2'])}",
        f"machine: {m['cores']} cores {m['processor']}, {m['system']}, Python {m['python']}, "
        f"aiohttp {m['aiohttp']}; load average {m['load_average_before']} before, "
        f"{m['load_average_after']} after; {report['seconds']} s in all",
        *disturbed(m),
    ]


def _provider(row: Part) -> str:
    if "missing" in row:
        return f"{row['provider']} is not there"
    signs = "signs none" if row["sign_per_s"] is None else f"signs {row['sign_per_s']:,}"
    return f"{row['provider']} ({row['version']}) {signs}, verifies {row['verify_per_s']:,}"


def _ms(us: float) -> str:
    return f"{us / 1000:.2f}"


def _spread(us: Part) -> str:
    text = _ms(us["median"])
    return text if us["low"] == us["high"] else f"{text} ({_ms(us['low'])}–{_ms(us['high'])})"
