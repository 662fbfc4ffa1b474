"""Durable appends on either database, on this disk and on one that takes 2 ms longer.

PostgreSQL is compared with pgbench on the same server, SQLite with commits of one row by the same
driver and pragmas. Afterwards the ledger is verified: a bench of a wrong ledger is worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.child import Child
from bench.figures import spread
from bench.ledger_plan import Plan, Series
from bench.ledger_series import ONE_ROW, TPCB, Figures, Interleaved, ratio, slowness
from bench.ledger_together import together
from bench.ledger_writer import make_store
from bench.pgbench import Pgbench, Run, find_pgbench
from bench.postgres_programs import newest_programs
from bench.postgres_server import SETTINGS, Server
from bench.registry import Say
from bench.slow_fsync import ADDED_US, slow_fsync
from gateway.database import Database

VERIFY_S = 600
HEADING = 512
"""Callers of the ratios that head the report; the most there are, where a run has fewer."""
_NO_COMPILER = {"missing": "no C compiler (cc): the slower disk was left out"}


def on_sqlite(root: Path, plan: Plan, say: Say) -> dict[str, Any]:
    """Raises ChildFailed."""
    root.mkdir()
    slow = slow_fsync(root)
    with _made(root / "ledger.db", root / "fast", {}) as child:
        report = _sqlite_series(child, plan.series, say, "SQLite")
        report["signing"] = _signing(child, plan.signing, say)
        report["verified"] = _verified(child, say)
    if slow is None:
        return report | {"slow_fsync": _NO_COMPILER}
    with _made(root / "slow.db", root / "slow", slow) as child:
        slowed = _sqlite_series(child, plan.slow_series, say, _slowed("SQLite"))
        slowed["verified"] = _verified(child, say)
    return report | {"slow_fsync": slowed | {"added_us": ADDED_US}}


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
        server.run_in(plan.segments)
        report = _on_server(server, root, plan, say, bench)
    report |= {"version": version, "settings": SETTINGS, "scale": plan.scale}
    if pgbench is None:
        report["missing"] = "no pgbench beside the server or on the PATH: nothing to compare with"
    return report


def _on_server(
    server: Server, root: Path, plan: Plan, say: Say, bench: Pgbench | None
) -> dict[str, Any]:
    with _made(server.create("fast"), root / "fast", {}) as child:
        report = _postgresql_series(child, plan.series, say, bench, "PostgreSQL")
        report["verified"] = _verified(child, say)
    server.run_in(plan.segments)
    shared, directory = server.create("together"), root / "together"
    directory.mkdir()
    make_store(shared, directory)
    report["together"] = together(shared, directory, plan.together, say, start)
    slow = slow_fsync(server.root)
    if slow is None:
        return report | {"slow_fsync": _NO_COMPILER}
    server.run_in(plan.segments)
    server.stop()
    server.start(slow)
    with _made(server.create("slow"), root / "slow", slow) as child:
        slowed = _postgresql_series(child, plan.slow_series, say, bench, _slowed("PostgreSQL"))
        slowed["verified"] = _verified(child, say)
    return report | {"slow_fsync": slowed | {"added_us": ADDED_US}}


def _sqlite_series(child: Child, plan: Series, say: Say, title: str) -> dict[str, Any]:
    series = Interleaved(child, plan, say, title=title)

    def one_row(seconds: float) -> tuple[float, dict[str, int]]:
        run = child.ask(patience_s=seconds + 60, what="one_row", seconds=seconds)
        return run["per_s"], run["took_us"]

    series.beside(ONE_ROW, one_row)
    series.run()
    base = series.baseline(ONE_ROW)
    ratios = {n: ratio(series.appends(n), base) for n in plan.callers}
    report = {
        "ratio_to_single_row": ratios[_heading(plan)]["ratio"],
        "ratios_to_single_row": [{"callers": n} | compared for n, compared in ratios.items()],
        "single_row": base.document(),
    }
    return report | _alone(series, plan) | series.document()


def _postgresql_series(
    child: Child, plan: Series, say: Say, bench: Pgbench | None, title: str
) -> dict[str, Any]:
    series = Interleaved(child, plan, say, title=title)
    if bench is None:
        series.run()
        return {"ratio_to_tpcb": None} | series.document()
    _beside_pgbench(series, bench, plan.clients)
    series.run()
    return _compared(series, plan) | _alone(series, plan) | series.document()


def _beside_pgbench(series: Interleaved, bench: Pgbench, clients: tuple[int, ...]) -> None:
    def told(run: Run) -> tuple[float, dict[str, int]]:
        return run.per_s, run.latency_us

    series.beside(ONE_ROW, lambda seconds: told(bench.one_row(1, seconds)))
    for count in clients:
        series.beside(_tpcb(count), lambda seconds, n=count: told(bench.tpcb(n, seconds)))  # type: ignore[misc]  # n is bound here


def _compared(series: Interleaved, plan: Series) -> dict[str, Any]:
    tpcb: dict[int, Figures] = {n: series.baseline(_tpcb(n)) for n in plan.clients}
    rates = {n: figures.document()["per_s"]["median"] for n, figures in tpcb.items()}
    best = max(rates, key=lambda n: rates[n])
    ratios = {n: ratio(series.appends(n), tpcb[best]) for n in plan.callers}
    return {
        "ratio_to_tpcb": ratios[_heading(plan)]["ratio"],
        "ratios_to_tpcb": [{"callers": n} | compared for n, compared in ratios.items()],
        "tpcb": [{"clients": n} | figures.document() for n, figures in tpcb.items()],
        "tpcb_best_clients": best,
        "single_row": series.baseline(ONE_ROW).document(),
    }


def _alone(series: Interleaved, plan: Series) -> dict[str, Any]:
    if 1 not in plan.callers:
        return {}
    compared = slowness(series.appends(1), series.baseline(ONE_ROW))
    return {"one_caller_to_single_row": compared}


def _signing(child: Child, plan: Series, say: Say) -> list[dict[str, Any]]:
    """How long a commit waits for the signed checkpoint that covers it."""
    rows = []
    for callers in plan.callers:
        runs = [
            child.ask(
                patience_s=plan.seconds + 120, what="append", callers=callers,
                seconds=plan.seconds, signing=True,
            )
            for _ in range(plan.rounds)
        ]  # fmt: skip
        row: dict[str, Any] = {"callers": callers, "per_s": spread([run["per_s"] for run in runs])}
        for part in ("median", "p99"):
            row[f"signed_{part}_us"] = spread([run["signed_us"][part] for run in runs])
        say(f"SQLite, {callers} callers: signed {row['signed_p99_us']['median']:,} µs later (p99)")
        rows.append(row)
    return rows


def _made(database: Database, root: Path, environment: Mapping[str, str]) -> Child:
    """A process of the ledger on a database of its own."""
    root.mkdir()
    make_store(database, root)
    return start(database, root, "ledger", environment)


def start(
    database: Database, root: Path, name: str, environment: Mapping[str, str] | None = None
) -> Child:
    """A process of the ledger, ready to be asked. Raises ChildFailed."""
    module = ("bench.ledger_process", str(database), str(root))
    child = Child(name, module, logs=root, environment=environment)
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


def _heading(plan: Series) -> int:
    return max(n for n in plan.callers if n <= HEADING)


def _tpcb(clients: int) -> str:
    return f"{TPCB} {clients}"


def _slowed(database: str) -> str:
    return f"{database}, fsync + {ADDED_US / 1000:g} ms"
