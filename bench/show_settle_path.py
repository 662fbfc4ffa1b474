"""The settle path's report as tables that people read."""

from __future__ import annotations

from typing import Any

from rich.table import Table

MEANING = {
    "identity": "whose certificate this is",
    "decode": "request → command, every field checked",
    "find": "was this request_id seen before?",
    "price": "bill against the visited region's catalogue",
    "look_up": "region: who is it, used this year (1101, 5206)",
    "compute": "what the insured region's policy pays",
    "intent": "claim, msgids, pending entry, leaf: one commit",
    "region": "region: 2201, 2203, 2204 and 2207, the settlement",
    "settle": "answers, posted entry, leaf, outbox: one commit",
    "reply": "the claim as bytes",
    "edge": "the rest: TLS, HTTP/2, gRPC on both sides",
}


def show(report: dict[str, Any]) -> list[Any]:
    """Tables and lines, in the order they are read."""
    return [_stages(report["one_caller"]), "", _crowd(report["many_callers"]), "", *_notes(report)]


def _stages(one: dict[str, Any]) -> Table:
    total = one["total_us"]
    table = Table(
        title=f"one caller: {one['settled']} claims settled, one after another",
        title_justify="left", show_footer=True,
    )  # fmt: skip
    table.add_column("stage", "whole call")
    table.add_column("median ms", _ms(total["median"]), justify="right")
    table.add_column("p99 ms", _ms(total["p99"]), justify="right")
    table.add_column("share", justify="right")
    table.add_column("CPU ms", _ms(one["gateway_cpu_us_per_claim"]), justify="right")
    table.add_column("what it is", "as the caller sees it; CPU: the gateway's")
    for row in one["stages"]:
        us, cpu = row["us"], row["cpu_us"]
        table.add_row(
            row["stage"], _ms(us["median"]), _ms(us["p99"]), f"{row['share']:.1%}", _ms(cpu),
            MEANING[row["stage"]],
        )  # fmt: skip
    return table


def _crowd(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="many callers (median of the rounds, lowest–highest)", title_justify="left")
    table.add_column("")
    for row in rows:
        table.add_column(f"{row['callers']} callers", justify="right")
    lines = (
        ("settlements/s", "settled_per_s", 1.0, 1),
        ("gateway CPU ms a settled claim", "gateway_cpu_us_per_claim", 1000.0, 1),
        ("platforms' CPU ms a claim (not ours)", "platform_cpu_us_per_claim", 1000.0, 1),
        ("bare echo: calls/s", "echo_per_s", 1.0, 0),
        ("bare echo: CPU ms a call", "echo_cpu_us_per_call", 1000.0, 2),
        ("a claim costs the CPU of … echoes", "claim_costs_echoes", 1.0, 0),
        ("cores busy with something else", "other_cores_busy", 1.0, 2),
    )
    for label, name, divisor, digits in lines:
        table.add_row(label, *(_spread(row[name], divisor, digits) for row in rows))
    for label, part in (("call, median ms", "median"), ("call, p99 ms", "p99")):
        table.add_row(label, *(_ms(row["took_us"][part]) for row in rows))
    return table


def _notes(report: dict[str, Any]) -> list[str]:
    m, one, sizes = report["machine"], report["one_caller"], report["message_bytes"]
    lines = [
        f"region time (look_up, region): {one['region_share']:.0%} of the call, "
        f"{one['region_waiting_share']:.0%} without our own CPU in it; bare echo, one caller: "
        f"{_ms(one['echo_us']['median'])} ms",
    ]
    for when, disk in report["disk"].items():
        fsync, commit = disk["fsync_us"], disk["commit_us"]
        lines.append(
            f"disk {when}: fsync {_ms(fsync['median'])} ms (p99 {_ms(fsync['p99'])}); "
            f"single-row commit {_ms(commit['median'])} ms (p99 {_ms(commit['p99'])}), "
            f"{disk['commits_per_s']}/s"
        )
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(report["outcomes"].items()))
    return [
        *lines,
        f"answers: {outcomes}; request {sizes['request_bytes']} B, answer {sizes['reply_bytes']} B",
        f"machine: {m['cores']} cores {m['processor']}, {m['system']}, Python {m['python']}, "
        f"grpcio {m['grpcio']}, SQLite {m['sqlite']}, {m['file_system']}; load average "
        f"{m['load_average_before']} before, {m['load_average_after']} after; "
        f"{report['seconds']} s in all",
    ]


def _ms(us: float) -> str:
    return f"{us / 1000:.2f}"


def _spread(value: dict[str, Any] | None, divisor: float, digits: int) -> str:
    if value is None:
        return "–"
    median, low, high = (f"{value[k] / divisor:.{digits}f}" for k in ("median", "low", "high"))
    return f"{median} ({low}–{high})" if low != high else median
