"""Durable appends on either database, on this disk and on one that takes 2 ms longer.

PostgreSQL is compared with pgbench on the same server, SQLite with commits of one row by the same
driver and pragmas. Afterwards the ledger is verified: a bench of a wrong ledger is worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.child import Child
from bench.ledger_plan import Plan, Series
from bench.ledger_series import ONE_ROW, TPCB, Figures, Interleaved, ratio, slowness
from bench.ledger_writer import make_store
from bench.pgbench import Pgbench, Run, find_pgbench
from bench.postgres_programs import newest_programs
from bench.postgres_server import SETTINGS, Server
from bench.registry import Say
from bench.slow_fsync import ADDED_US, slow_fsync
from gateway.database import Database

VERIFY_S = 300
_ENOUGH = 512
"""Callers of the ratios that head the report; the most there are, where a run has fewer."""


def on_sqlite(root: Path, plan: Plan, say: Say) -> dict[str, Any]:
    """Raises ChildFailed."""
    root.mkdir()
    report = _sqlite_series(root / "fast", plan.series, say, {})
    slow = slow_fsync(root)
    report["slow_fsync"] = (
        {"missing": "no C compiler"}
        if slow is None
        else _sqlite_series(root / "slow", plan.slow_series, say, slow) | {"added_us": ADDED_US}
    )
    return report


def on_postgresql(root: Path, plan: Plan, say: Say) -> dict[str, Any]:
    """Without a server or without pgbench the ratio is null and `missing` says why. Raises
    ChildFailed."""
    root.mkdir()
    found = newest_programs()
    if found is None:
        return {"ratio_to_tpcb": None, "missing": "no PostgreSQL 15 or newer: set YRD_PG_BIN"}
    version, programs = found
    pgbench = find_pgbench(programs)
    with Server(programs) as server:
        bench = None
        if pgbench is not None:
            say(f"PostgreSQL {version}: pgbench -i -s {plan.scale}")
            bench = Pgbench(server, pgbench, scale=plan.scale)
        report = _postgresql_series(server, root / "fast", plan.series, say, bench, {})
        slow = slow_fsync(server.root)
        if slow is None:
            report["slow_fsync"] = {"missing": "no C compiler"}
        else:
            server.stop()
            server.start(slow)
            series = plan.slow_series
            slowed = _postgresql_series(server, root / "slow", series, say, bench, slow)
            report["slow_fsync"] = slowed | {"added_us": ADDED_US}
    report |= {"version": version, "settings": SETTINGS, "scale": plan.scale}
    if pgbench is None:
        report["missing"] = "no pgbench beside the server or on the PATH: nothing to compare with"
    return report


def _sqlite_series(
    root: Path, plan: Series, say: Say, environment: Mapping[str, str]
) -> dict[str, Any]:
    root.mkdir()
    with _child(root / "ledger.db", root, environment) as child:
        series = Interleaved(child, plan, say, title=_title("SQLite", environment))

        def one_row(seconds: float) -> tuple[float, dict[str, int]]:
            run = child.ask(patience_s=seconds + 60, what="one_row", seconds=seconds)
            return run["per_s"], run["took_us"]

        series.beside(ONE_ROW, one_row)
        series.run()
        report = series.document() | {"verified": _verified(child, say)}
    base = series.baseline(ONE_ROW)
    report["single_row"] = base.document()
    most = max(n for n in plan.callers if n <= _ENOUGH)
    compared = ratio(series.appends(most), base)
    report["ratio_to_single_row"] = compared["ratio"]
    report["ratio_to_single_row_rounds"] = compared | {"callers": most}
    if 1 in plan.callers:
        report["one_caller_to_single_row"] = slowness(series.appends(1), base)
    return report


def _postgresql_series(
    server: Server,
    root: Path,
    plan: Series,
    say: Say,
    bench: Pgbench | None,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    root.mkdir()
    with _child(server.create(root.name), root, environment) as child:
        series = Interleaved(child, plan, say, title=_title("PostgreSQL", environment))
        if bench is not None:
            _beside_pgbench(series, bench, plan.clients)
        series.run()
        report = series.document() | {"verified": _verified(child, say)}
    if bench is None:
        return {"ratio_to_tpcb": None} | report
    return _compared(series, plan) | report


def _beside_pgbench(series: Interleaved, bench: Pgbench, clients: tuple[int, ...]) -> None:
    def told(run: Run) -> tuple[float, dict[str, int]]:
        return run.per_s, run.latency_us

    series.beside(ONE_ROW, lambda seconds: told(bench.one_row(1, seconds)))
    for count in clients:
        series.beside(_tpcb(count), lambda seconds, n=count: told(bench.tpcb(n, seconds)))  # type: ignore[misc]  # n is bound here


def _compared(series: Interleaved, plan: Series) -> dict[str, Any]:
    tpcb: dict[int, Figures] = {n: series.baseline(_tpcb(n)) for n in plan.clients}
    best = max(tpcb, key=lambda n: _median_rate(tpcb[n]))
    base = series.baseline(ONE_ROW)
    ratios = {n: ratio(series.appends(n), tpcb[best]) for n in plan.callers}
    most = max(n for n in plan.callers if n <= _ENOUGH)
    report: dict[str, Any] = {
        "ratio_to_tpcb": ratios[most]["ratio"],
        "ratios_to_tpcb": [{"callers": n} | compared for n, compared in ratios.items()],
        "tpcb": [{"clients": n} | figures.document() for n, figures in tpcb.items()],
        "tpcb_best_clients": best,
        "single_row": base.document(),
    }
    if 1 in plan.callers:
        report["one_caller_to_single_row"] = slowness(series.appends(1), base)
    return report


def _child(database: Database, root: Path, environment: Mapping[str, str]) -> Child:
    make_store(database, root)
    child = Child(
        "ledger",
        ("bench.ledger_process", str(database), str(root)),
        logs=root,
        environment=environment,
    )
    try:
        child.address()
    except BaseException:
        child.close()
        raise
    return child


def _verified(child: Child, say: Say) -> dict[str, Any]:
    """What `ledger.verify` says of everything that was appended, and how large it is."""
    found = child.ask(patience_s=VERIFY_S, what="verify")
    state = "sound" if found["ok"] else f"WRONG: {found['problems']}"
    say(f"verified: {found['entries']:,} entries, {state}")
    return found


def _median_rate(figures: Figures) -> float:
    rate: float = figures.document()["per_s"]["median"]
    return rate


def _tpcb(clients: int) -> str:
    return f"{TPCB} {clients}"


def _title(database: str, environment: Mapping[str, str]) -> str:
    return f"{database}, fsync + {ADDED_US / 1000:g} ms" if environment else database
