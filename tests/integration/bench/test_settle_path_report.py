"""量度 runs and reports: the document has its keys, whatever the figures are."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bench.settle_path import EDGE, QUICK, STAGES, account, claims_told, measure
from bench.show_settle_path import show
from gateway.demo.house import HOME

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    said: list[str] = []
    document: dict[str, Any] = json.loads(json.dumps(measure(QUICK, said.append)))
    assert said
    return document


def test_every_claim_of_the_bench_is_settled(report: dict[str, Any]) -> None:
    assert set(report["outcomes"]) == {"SETTLED"}
    assert report["message_bytes"]["request_bytes"] > 0
    assert report["message_bytes"]["reply_bytes"] > 0


def test_one_caller_is_told_stage_by_stage(report: dict[str, Any]) -> None:
    one = report["one_caller"]
    assert [row["stage"] for row in one["stages"]] == [*STAGES, EDGE]
    for row in one["stages"][:-1]:
        assert row["us"]["count"] == one["settled"] > 0
        assert {"median", "p99"} <= set(row["us"])
    assert {"total_us", "region_share", "region_waiting_share"} <= set(one)
    assert one["gateway_cpu_us_per_claim"] > 0
    assert one["echo_us"]["count"] > 0


def test_many_callers_stand_beside_their_baseline(report: dict[str, Any]) -> None:
    for row in report["many_callers"]:
        for name in ("settled_per_s", "echo_per_s", "claim_costs_echoes"):
            assert row[name]["low"] <= row[name]["median"] <= row[name]["high"]
        assert row["gateway_cpu_us_per_claim"]["low"] > 0
        assert row["took_us"]["count"] >= row["callers"]


def test_the_disk_and_the_machine_are_described_without_names(report: dict[str, Any]) -> None:
    for measured in report["disk"].values():
        assert measured["fsync_us"]["count"] > 0
        assert measured["commits_per_s"] > 0
    assert set(report["machine"]) == {
        "cores", "processor", "system", "python", "grpcio", "protobuf", "sqlite", "file_system",
        "load_average_before", "load_average_after",
    }  # fmt: skip


def test_the_report_is_shown_with_every_stage_named(report: dict[str, Any]) -> None:
    page = StringIO()
    for part in show(report):
        Console(file=page, width=120).print(part)
    text = page.getvalue()
    assert all(stage in text for stage in (*STAGES, EDGE, "whole call", "settlements/s"))


def test_what_is_left_of_a_call_is_the_edges() -> None:
    stream = [("settle", 9, 9)] + [(stage, 10, 4) for stage in STAGES] + [("identity", 1, 1)]
    told = claims_told(stream)
    assert len(told) == 1
    rows = {row["stage"]: row for row in account(told, [150])["stages"]}
    assert rows[EDGE]["us"]["median"] == 150 - 10 * len(STAGES)
    assert (rows[EDGE]["cpu_us"], rows["identity"]["cpu_us"]) == (4, 0)


def test_an_unknown_bench_is_told_with_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "bench", "nothing"],
        cwd=HOME, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "settle-path" in done.stderr
    assert not done.stdout
