"""量度 of the adapters runs and reports: the document has its keys, whatever the figures are."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bench.adapters import measure
from bench.adapters_plan import Isolation, Plan
from bench.platform_process import response
from bench.show_adapters import show

pytestmark = pytest.mark.timeout(120)

TINY = Plan(
    alone=2,
    beside=2,
    rounds=2,
    isolation=Isolation(in_flight=60, turnover_per_s=50, rounds=2, seconds=0.2),
    sm2_s=0.02,
)
HMAC = ("csb-hmac-sha1", "tif-sha256", "zj-hmac-sm3")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    said: list[str] = []
    document: dict[str, Any] = json.loads(json.dumps(measure(TINY, said.append)))
    assert any("round 2 of 2" in line for line in said)
    return document


def test_every_scheme_is_measured_over_a_whole_visit(report: dict[str, Any]) -> None:
    schemes = [call["scheme"] for call in report["calls"]]
    assert schemes[:3] == list(HMAC)
    assert schemes[3].startswith("envelope-sm")
    for call in report["calls"]:
        steps = [number.removesuffix("A") for number in call["steps_us"]]
        assert steps == ["1101", "5206", "2201", "2203", "2204", "2207"]
        assert call["alone_us"]["count"] == 6 * TINY.alone * TINY.rounds
        assert 0 < call["alone_us"]["low"] <= call["alone_us"]["median"]
        assert call["bare_post_us"]["count"] == call["over_http_us"]["count"] == 24


def test_every_call_was_held_when_the_other_region_was_measured(report: dict[str, Any]) -> None:
    part = report["isolation"]
    assert part["in_flight"] == 60
    for name in ("idle", "held", "turning"):
        assert 0 < part[name]["p99_us"]["low"] <= part[name]["p99_us"]["high"]
    for name in ("held_p99_ratio", "turning_p99_ratio"):
        assert 0 < part[name]["low"] <= part[name]["ratio"] <= part[name]["high"]


def test_each_stated_target_has_its_line(report: dict[str, Any]) -> None:
    bounds = {row["what"]: row["at_most"] for row in report["targets"]}
    for scheme in HMAC:
        assert [bound for what, bound in bounds.items() if what.startswith(scheme)] == [1.5, 1.5]
    # Without an SM2 that signs, Shanghai is spoken to as the demonstration does.
    assert {bound for what, bound in bounds.items() if "sm2" in what} <= {4.0}
    assert [bound for what, bound in bounds.items() if "p99" in what] == [1.5, 1.5]
    assert all(row["met"] in (True, False) for row in report["targets"])


def test_each_sm2_is_named_with_its_rates_or_why_it_is_not_there(report: dict[str, Any]) -> None:
    rows = {row["provider"]: row for row in report["sm2"]}
    assert list(rows) == ["libcrypto", "gmssl_pyx", "pure"]
    for row in rows.values():
        assert row.get("missing") or row["verify_per_s"] > 0


def test_the_report_is_shown_on_one_page(report: dict[str, Any]) -> None:
    page = StringIO()
    for part in show(report):
        Console(file=page, width=120).print(part)
    text = page.getvalue()
    for words in ("≤ 1.5 ms", "≤ 4.0 ms", "bare aiohttp post", "none answered", "SM2 a"):
        assert words in text


def test_the_platform_answers_whole_http() -> None:
    told = response(b"{}", {"content-type": "application/json"})
    assert told == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
