"""The conformance suite passes on every province's stand-in, and says what it could not try."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from adapters.registry import PROVINCES
from adapters.sandbox.context import Rules
from gateway.conformance.on_sandbox import on_sandbox
from gateway.conformance.on_url import Elsewhere, on_url
from gateway.conformance.rule import Outcome
from gateway.conformance.rules import ALL
from gateway.conformance.site import SiteError
from gateway.conformance.suite import chosen, try_rules
from gateway.conformance.target import Target
from tests.integration.conformance.trials import CLOCKS, random, told, trial

MAY_BE_LEFT_OUT = {"C03", "C04", "C05", "C06", "C29"}
"""What a province's signature does not cover cannot be tried there."""


@pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
async def test_a_province_s_stand_in_conforms(province: str, tmp_path: Path) -> None:
    report = await trial(province, tmp_path)
    assert report.conforms, told(report)
    assert not report.of(Outcome.DIFFERS), told(report)
    assert {found.rule.id for found in report.of(Outcome.NOT_RUN)} <= MAY_BE_LEFT_OUT


async def test_a_platform_that_does_otherwise_is_told_and_conforms(tmp_path: Path) -> None:
    rules = Rules(unknown_reversal="refuse", late_original="accept")
    report = await trial("jiangsu", tmp_path, "C62", "C63", rules=rules)
    assert report.conforms
    keys = [d.key for found in report.of(Outcome.DIFFERS) for d in found.differences]
    assert keys == [
        'assumptions.unknown_reversal = "refused"',
        'assumptions.late_original = "accepted"',
    ]


async def test_what_a_site_s_profile_says_is_no_difference(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        'province = "32"\n[[assumptions]]\nvalid_from = 2025-01-01\nsource = "asked"\n'
        'confidence = "solid"\nunknown_reversal = "refused"\nlate_original = "accepted"\n',
        encoding="utf-8",
    )
    rules = Rules(unknown_reversal="refuse", late_original="accept")
    report = await trial("jiangsu", tmp_path, "C62", "C63", rules=rules, profile_file=site)
    assert [found.outcome for found in report.findings] == [Outcome.PASSED, Outcome.PASSED]


async def test_a_platform_by_its_address_is_counted_by_its_statements(tmp_path: Path) -> None:
    async with on_sandbox("zhejiang", tmp_path, CLOCKS, random) as sandbox:
        given = elsewhere(sandbox, tmp_path, sandbox.url)
        target = on_url("zhejiang", given, CLOCKS, first_number=500)
        assert target.state is None
        report = await try_rules(target, chosen(ALL, quick=True), lambda _: None)
    assert report.conforms, told(report)
    assert {found.outcome for found in report.findings} == {Outcome.PASSED}


async def test_an_address_that_nobody_called_a_test_platform_is_left_alone(tmp_path: Path) -> None:
    async with on_sandbox("zhejiang", tmp_path, CLOCKS, random) as sandbox:
        given = elsewhere(sandbox, tmp_path, "https://elsewhere.example")
        with pytest.raises(SiteError) as refused:
            on_url("zhejiang", given, CLOCKS, first_number=1)
        assert sandbox.state is not None
        assert sandbox.state()["calls"] == {}
    assert "test_platform" in str(refused.value)


async def test_shanghai_is_tried_without_sm2_in_words_that_say_so(tmp_path: Path) -> None:
    async with on_sandbox("shanghai", tmp_path, CLOCKS, random, can_sm2=False) as target:
        report = await try_rules(target, chosen(ALL, only=["C02", "C29"]), lambda _: None)
        assert target.profile_file is not None
        assert "envelope-sm3" in target.profile_file.read_text(encoding="utf-8")
    assert {found.outcome for found in report.findings} == {Outcome.PASSED}


async def test_a_platform_that_is_not_there_does_not_conform(tmp_path: Path) -> None:
    async with on_sandbox("jiangsu", tmp_path, CLOCKS, random) as sandbox:
        gone = replace(sandbox, url="http://127.0.0.1:9")
        report = await try_rules(gone, chosen(ALL, only=["C01", "C20"]), lambda _: None)
    assert [f.outcome for f in report.findings] == [Outcome.BROKEN, Outcome.NOT_RUN]
    assert "平台无法连接" in report.findings[0].text_zh


def elsewhere(sandbox: Target, directory: Path, declared: str) -> Elsewhere:
    """The files that somebody with a test platform of their own would write."""
    people = directory / "people.toml"
    kept = files("gateway.conformance").joinpath("sites", f"{sandbox.profile}.toml")
    people.write_text(
        f'test_platform = "{declared}"\n' + kept.read_text(encoding="utf-8"), encoding="utf-8"
    )
    secrets = directory / f"{sandbox.profile}.secrets.toml"
    return Elsewhere(sandbox.url, secrets, people)


@pytest.mark.parametrize(("province", "sums"), [("zhejiang", True), ("jiangsu", False)])
async def test_other_traffic_of_the_same_day_disturbs_no_rule(
    province: str, sums: bool, tmp_path: Path
) -> None:
    """Where a platform gives no amounts in its statement, totals cannot be known: not tried."""
    async with on_sandbox(province, tmp_path, CLOCKS, random) as target:
        picked = chosen(ALL, only=["C12", "C21", "C80", "C81"])
        await try_rules(target, [rule for rule in picked if rule.id == "C12"], lambda _: None)
        report = await try_rules(replace(target, first_number=5000), picked, lambda _: None)
    outcomes = {found.rule.id: found.outcome for found in report.findings}
    assert outcomes.pop("C80") is (Outcome.PASSED if sums else Outcome.NOT_RUN), told(report)
    assert set(outcomes.values()) == {Outcome.PASSED}
