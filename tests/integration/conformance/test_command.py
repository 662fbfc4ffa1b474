"""`yrd conformance` on a terminal: a line a rule, a JUnit file, and a clear no."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.integration.house.command import yrd


def test_a_stand_in_is_tried_and_a_junit_file_written(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    code, said = yrd(
        "conformance", "--profile", "zhejiang", "--sandbox", "--only", "C01", "--only", "C21",
        "--junit", file,
    )  # fmt: skip
    assert code == 0, said
    assert "✓ C01 正确签名的报文被受理" in said
    assert "✓ C21" in said
    assert "符合:2 条,通过 2" in said
    assert len(list(ElementTree.parse(file).iter("testcase"))) == 2


def test_a_trial_is_one_json_document() -> None:
    code, said = yrd("conformance", "--profile", "jiangsu", "--sandbox", "--only", "C06", "--json")
    # Nothing was tried: the signature there does not cover the body.
    assert code == 1
    told = json.loads(said)
    assert told["rules"][0]["outcome"] == "not_run"


def test_the_rules_are_listed_with_what_they_do_and_why() -> None:
    code, said = yrd("conformance", "--list")
    assert code == 0
    assert said.count("为何要紧:") == said.count("做法:") >= 50


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--profile", "atlantis", "--sandbox"), "--profile"),
        (("--profile", "zhejiang"), "--sandbox"),
        (("--profile", "zhejiang", "--sandbox", "--url", "http://x"), "二者取一"),
        (("--profile", "zhejiang", "--url", "http://x"), "--secrets"),
        (("--profile", "zhejiang", "--sandbox", "--only", "C99"), "--list"),
    ],
)
def test_half_an_order_is_refused_with_what_to_write(words: tuple[str, ...], text: str) -> None:
    code, said = yrd("conformance", *words)
    assert code == 2
    assert text in said


def test_nothing_is_tried_in_production() -> None:
    said = CliRunner().invoke(
        app,
        ["conformance", "--profile", "zhejiang", "--sandbox"],
        env={"YRD_ENVIRONMENT": "production", "NO_COLOR": "1"},
    )
    assert said.exit_code == 2
    assert "生产环境" in said.output


def test_nothing_is_tried_beside_a_production_directory(tmp_path: Path) -> None:
    (tmp_path / "yrd.toml").write_text(
        'environment = "production"\nlog_origin = "log.example/yrd"\n[tls]\ncertificate = "c"\n'
        'key = "k"\nclient_ca = "a"\n[regions]\n',
        encoding="utf-8",
    )
    code, said = yrd("conformance", "--profile", "zhejiang", "--sandbox", "--data", tmp_path)
    assert code == 2
    assert "生产环境的数据目录" in said
