"""指标: a running system is asked for its figures; nobody is found in them, and the rules fit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.config import MetricsSettings
from tests.integration.system.test_nobody_in_the_logs import CANARIES, drive
from tests.integration.system.world import QINGPU, World, jiashan_outpatient, running
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

RULES = Path(__file__).resolve().parents[3] / "deploy" / "alerts.yml"
IDS = re.compile(r"(clm|ent|out|req)_[0-9A-Z]{26}|H\d{11}\d{14}")
"""Ids of ours and msgids."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path / "data", metrics=MetricsSettings(listen="127.0.0.1:0")) as made:
        yield made


async def scrape(world: World, accept: str = "") -> str:
    """What Prometheus would read."""
    log = (world.place.logs / "gateway.jsonl").read_text(encoding="utf-8")
    found = re.search(r'"event":"metrics_served".*?"port":(\d+)', log)
    assert found is not None
    url = f"http://127.0.0.1:{found[1]}/metrics"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Accept": accept}) as r,
    ):
        assert r.status == 200
        return await r.text()


def values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """(name, labels) → value."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_the_figures_tell_what_happened_and_nobody_is_in_them(world: World) -> None:
    await drive(world)
    text = await scrape(world)
    found = values(text)
    lost = {"region": "33", "transaction": "2207A", "outcome": "no_answer"}
    assert of(found, "yrd_region_call_seconds_count", **lost) == 1
    refused = lost | {"outcome": "declined"}
    assert of(found, "yrd_region_call_seconds_count", **refused) == 1
    assert of(found, "yrd_region_breaker", region="33") == 0
    assert of(found, "yrd_region_places", region="33") > 0
    assert of(found, "yrd_commits_total") > 5
    assert of(found, "yrd_write_seconds_count", outcome="committed") > 5
    assert of(found, "yrd_sample_failed") == 0
    assert of(found, "yrd_log_leaves") > 5
    for word in CANARIES:
        assert word not in text
    assert IDS.search(text) is None
    assert IDS.search("clm_01KAV00000000000000000000A") is not None


async def test_a_claim_that_waits_is_counted_by_whom_it_waits_for(world: World) -> None:
    world.sandboxes["zhejiang"].faults.arm("lose-reply@2207#1")
    claims, audit = world.claims(QINGPU), world.audit(QINGPU)
    claim = (await claims.SettleClaim(jiashan_outpatient("waits-0001"), timeout=10)).claim
    assert claim.state == claim_pb2.CLAIM_STATE_UNKNOWN
    request = audit_pb2.ListAttentionRequest()
    async with asyncio.timeout(20):
        while True:
            (shown,) = (await audit.ListAttention(request, timeout=5)).claims
            if shown.reason == "REVERSAL_ANSWERED":
                break
            assert shown.reason in ("NO_ANSWER", "REVERSAL_RETRIED")
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.1)  # not a wait: figures are looked up once a second
    assert shown.claim_id == claim.claim_id
    status = await audit.GetStatus(audit_pb2.GetStatusRequest(), timeout=5)
    assert [(r.province, r.breaker) for r in status.regions] == [
        ("31", "closed"), ("32", "closed"), ("33", "closed"),
    ]  # fmt: skip
    assert all(region.places > 0 for region in status.regions)
    assert list(shown.may_do) == [audit_pb2.ATTENTION_ACT_WAIT_STATEMENT]
    found = values(await scrape(world))
    waiting = {"region": "33", "state": "REVERSAL_SENT", "waits_for": "statement"}
    assert of(found, "yrd_claims_provisional", **waiting) == 1
    assert 0 < of(found, "yrd_claims_provisional_oldest_seconds", **waiting) < 60
    assert of(found, "yrd_reversals_total", region="33", outcome="accepted") == 1
    assert of(found, "yrd_reversal_rate_per_second", region="33") > 0


async def test_every_series_of_the_alert_rules_is_really_there(world: World) -> None:
    """A rule about a name that nobody exports is never true and never noticed."""
    await world.claims(QINGPU).SettleClaim(jiashan_outpatient("rules-0001"), timeout=10)
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    asked = [rule["expr"] for group in groups for rule in group["rules"]]
    named = {name for expression in asked for name in re.findall(r"\byrd_\w+", expression)}
    families = text_string_to_metric_families(await scrape(world))
    known = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    assert len(named) > 5
    assert named - known == set()


def test_every_alert_says_in_chinese_what_is_wrong_and_what_to_do() -> None:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            said = rule["annotations"]
            assert re.search(r"[\u4e00-\u9fff]", said["summary"]), rule["alert"]
            assert re.search(r"[\u4e00-\u9fff]", said["description"]), rule["alert"]
            assert rule["labels"]["severity"] in ("page", "ticket")


async def test_openmetrics_is_spoken_to_whoever_asks_for_it(world: World) -> None:
    text = await scrape(world, "application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")


async def test_an_address_that_is_taken_keeps_nobody_from_settling(tmp_path: Path) -> None:
    async with running(tmp_path / "a", metrics=MetricsSettings(listen="127.0.0.1:0")) as first:
        log = (first.place.logs / "gateway.jsonl").read_text(encoding="utf-8")
        found = re.search(r'"event":"metrics_served".*?"port":(\d+)', log)
        assert found is not None
        taken = MetricsSettings(listen=f"127.0.0.1:{found[1]}")
        async with running(tmp_path / "b", metrics=taken) as second:
            answer = await second.claims(QINGPU).SettleClaim(
                jiashan_outpatient("taken-0001"), timeout=10
            )
            assert answer.claim.state == claim_pb2.CLAIM_STATE_SETTLED
            said = (second.place.logs / "gateway.jsonl").read_text(encoding="utf-8")
            assert '"event":"metrics_not_served"' in said
