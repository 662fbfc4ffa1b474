"""量度 of the ledger runs and reports: the document has its keys, whatever the figures are."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.ledger import measure
from bench.ledger_appends import on_postgresql
from bench.ledger_plan import Made, Plan, Series, Together
from bench.ledger_series import Figures, ratio, rounds, slowness
from bench.ledger_targets import Target, targets
from bench.postgres_programs import newest_programs
from bench.show_ledger import show

pytestmark = pytest.mark.timeout(300)

TINY = Plan(
    series=Series(callers=(1, 4), clients=(1, 2), rounds=1, seconds=0.4, fsync_s=0.05),
    slow_series=Series(callers=(4,), clients=(2,), rounds=1, seconds=0.4, fsync_s=0.05),
    signing=Series(callers=(4,), clients=(), rounds=1, seconds=0.4),
    together=Together(processes=2, callers=8, rounds=1, seconds=0.4),
    made=Made(
        sizes=(300, 600), receipt_rounds=1, receipt_s=0.1, verify_from=600,
        tile_leaves_max=1_000, tile_rounds=1,
    ),
    scale=2,
    segments=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    said: list[str] = []
    document: dict[str, Any] = json.loads(json.dumps(measure(TINY, said.append)))
    assert any("round 1 of 1" in line for line in said)
    return document


def test_appends_stand_beside_their_baselines(report: dict[str, Any]) -> None:
    postgresql, sqlite = report["postgresql"], report["sqlite"]
    assert postgresql["ratio_to_tpcb"] > 0
    assert sqlite["ratio_to_single_row"] > 0
    assert [row["clients"] for row in postgresql["tpcb"]] == [1, 2]
    for part in (postgresql, sqlite):
        assert [row["callers"] for row in part["appends"]] == [1, 4]
        for row in (*part["appends"], part["single_row"]):
            for name in ("per_s", "median_us", "p99_us"):
                assert 0 < row[name]["low"] <= row[name]["median"] <= row[name]["high"]
        assert part["one_caller_to_single_row"]["ratio"] > 0


def test_every_ledger_of_the_bench_is_verified(report: dict[str, Any]) -> None:
    postgresql, sqlite = report["postgresql"], report["sqlite"]
    found = [part["verified"] for part in (postgresql, sqlite, postgresql["together"])]
    found += [part["slow_fsync"]["verified"] for part in (postgresql, sqlite)]
    found += report["verify"]
    for verified in found:
        assert verified["ok"], verified["problems"]
        assert verified["entries"] > 0


def test_fsync_is_told_with_every_figure_and_added_to(report: dict[str, Any]) -> None:
    for part in (report["postgresql"], report["sqlite"]):
        fast, slow = part["fsync_us"], part["slow_fsync"]["fsync_us"]
        assert fast["before"]["median"]["median"] > 0
        assert slow["after"]["median"]["low"] >= part["slow_fsync"]["added_us"] == 2_000
    assert report["postgresql"]["together"]["fsync_us"]["after"]["count"] > 0
    assert report["fsync_us"]["before"]["count"] > 0


def test_each_stated_target_has_its_line(report: dict[str, Any]) -> None:
    lines = [row["what"] for row in report["targets"]]
    words = ("TPC-B", "single-row", "single row", "processes", "signed", "receipt", "tiles",
             "verify", "memory", "growth")  # fmt: skip
    for word in words:
        assert any(word in line for line in lines), word
    measured = {row["what"]: row["met"] for row in report["targets"]}
    # Only a run with 512 and 128 callers says anything about those.
    assert measured["PostgreSQL, 512 callers: appends to TPC-B at its best"] is None
    assert measured["commit → signed checkpoint, SQLite: p99"] in (True, False)


def test_it_is_told_how_busy_the_machine_was_with_something_else(report: dict[str, Any]) -> None:
    assert 0 <= report["machine"]["other_cores_busy"] <= report["machine"]["cores"]
    for busy, told in ((0.1, False), (1.5, True)):
        lines = show(report | {"machine": report["machine"] | {"other_cores_busy": busy}})
        assert any("run it again when alone" in str(line) for line in lines) is told


def test_the_report_is_shown_on_one_page(report: dict[str, Any]) -> None:
    page = StringIO()
    for part in show(report):
        Console(file=page, width=100).print(part)
    text = page.getvalue()
    for words in (
        "≥ 200,000",
        "≤ 1,500 ms",
        "ledger, 4 callers",
        "(best)",
        "fsync + 2 ms",
        "sound",
    ):
        assert words in text


def test_a_target_is_met_at_its_bound_and_by_nothing_unmeasured() -> None:
    assert Target("x", 3, "×", at_least=3).met
    assert Target("x", 30, "ms", at_most=30).met
    assert Target("x", 30.1, "ms", at_most=30).met is False
    assert Target("x", None, "×", at_least=3).met is None


def test_ratios_are_of_medians_with_the_rounds_beside_them() -> None:
    ours, theirs = Figures(), Figures()
    for rate, wait in ((10, 6), (30, 2), (20, 4)):
        ours.add(rate, {"median": wait, "p99": wait})
        theirs.add(10, {"median": 2, "p99": 2})
    assert ratio(ours, theirs) == {"ratio": 2.0, "low": 1.0, "high": 3.0}
    assert slowness(ours, theirs) == {"ratio": 2.0, "low": 1.0, "high": 3.0}


def test_no_round_is_begun_that_would_end_too_late() -> None:
    assert list(rounds(3, 3_600)) == [1, 2, 3]
    assert list(rounds(3, 0)) == [1]


def test_without_a_server_there_is_no_figure_but_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YRD_PG_BIN", str(tmp_path))
    told = on_postgresql(tmp_path / "postgresql", TINY, lambda _: None)
    assert told["ratio_to_tpcb"] is None
    assert "YRD_PG_BIN" in told["missing"]


def test_without_pgbench_and_compiler_the_rest_is_measured_and_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = newest_programs()
    assert found is not None
    (tmp_path / "bin").mkdir()
    for program in found[1].iterdir():
        if program.name != "pgbench":
            (tmp_path / "bin" / program.name).symlink_to(program.resolve())
    tmp_path.chmod(0o755)
    monkeypatch.setenv("YRD_PG_BIN", str(tmp_path / "bin"))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert shutil.which("pgbench") is None
    told = on_postgresql(tmp_path / "postgresql", TINY, lambda _: None)
    assert told["ratio_to_tpcb"] is None
    assert "pgbench" in told["missing"]
    assert "compiler" in told["slow_fsync"]["missing"]
    assert told["appends"][0]["per_s"]["median"] > 0
    assert told["verified"]["ok"]
    unmeasured = {"postgresql": told, "sqlite": {}, "verify": [], "receipts": {
        "trees": [{"leaves": 1}, {"leaves": 2}], "p99_ratio": 1.0,
    }, "tiles": {"pure_per_s": {"median": 1}, "files_per_s": {"median": 1}}}  # fmt: skip
    assert targets(unmeasured)[0].met is None
