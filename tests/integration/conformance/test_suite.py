"""The conformance suite passes on every province's stand-in, and says what it could not try."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.registry import PROVINCES
from gateway.conformance.rule import Outcome
from tests.integration.conformance.trials import told, trial

MAY_BE_LEFT_OUT = {"C03", "C04", "C05", "C06", "C29"}
"""What a province's signature does not cover cannot be tried there."""


@pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
async def test_a_province_s_stand_in_conforms(province: str, tmp_path: Path) -> None:
    report = await trial(province, tmp_path)
    assert report.conforms, told(report)
    assert not report.of(Outcome.DIFFERS), told(report)
    assert {found.rule.id for found in report.of(Outcome.NOT_RUN)} <= MAY_BE_LEFT_OUT
