"""A report is read in one line a rule, and by a build server as JUnit."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

from gateway.conformance.junit import junit
from gateway.conformance.report import below, document, line, listed, summary, total
from gateway.conformance.rule import Outcome
from gateway.conformance.rules import ALL
from tests.unit.conformance.findings import REPORT, finding

MAY_STAND_IN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase", "system-out"},
    "testcase": {"failure", "skipped", "system-out"},
    "failure": set[str](),
    "skipped": set[str](),
    "system-out": set[str](),
}
MUST_HAVE = {
    "testsuites": {"name"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message"},
    "skipped": {"message"},
    "system-out": set[str](),
}
"""The part of the JUnit schema that build servers agree on."""


def test_each_outcome_has_its_mark_and_its_words() -> None:
    lines = [line(found) for found in REPORT.findings]
    assert [text[0] for text in lines] == ["✓", "✗", "!", "–"]
    assert lines[3].endswith("(未执行:本省的签名不带时间戳)")
    broken, differs = below(REPORT.findings[1]), below(REPORT.findings[2])
    assert [text.split(":")[0] for text in broken] == ["不符", "做法", "为何要紧"]
    assert 'assumptions.late_original = "accepted"' in differs[0]
    assert below(REPORT.findings[0]) == below(REPORT.findings[3]) == ()


def test_a_difference_fails_nothing_and_a_broken_rule_everything() -> None:
    assert not REPORT.conforms
    without = replace(REPORT, findings=(REPORT.findings[0], *REPORT.findings[2:]))
    assert without.conforms
    assert "符合:3 条,通过 1,与假设不同 1,不符 0,未执行 1(3.7 秒)" in total(without)
    assert summary([REPORT, without]) == "一致性检验 1/2 平台通过(4 条)"


def test_a_trial_in_which_nothing_was_tried_does_not_conform() -> None:
    assert not replace(REPORT, findings=()).conforms
    assert not replace(REPORT, findings=(finding("C03", Outcome.NOT_RUN, "x"),)).conforms


def test_a_report_is_one_json_document() -> None:
    told = json.loads(json.dumps(document(REPORT)))
    assert told["conforms"] is False
    assert told["counts"] == {"passed": 1, "differs": 1, "broken": 1, "not_run": 1}
    assert [rule["id"] for rule in told["rules"]] == ["C01", "C02", "C03", "C04"]


def test_a_junit_file_has_the_shape_that_build_servers_read() -> None:
    root = ElementTree.fromstring(junit([REPORT]))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= MAY_STAND_IN[element.tag]
        assert set(element.attrib) == MUST_HAVE[element.tag]
    suite = root[0]
    counts = [int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == [
        len(suite.findall("testcase")),
        len(suite.findall("testcase/failure")),
        0,
        len(suite.findall("testcase/skipped")),
    ]
    assert suite.attrib["time"] == "4.936"


def test_what_a_platform_wrote_cannot_break_a_junit_file() -> None:
    failure = ElementTree.fromstring(junit([REPORT])).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"].endswith("实为 2 笔\ufffd<&>")


def test_every_rule_says_what_it_does_and_why_with_its_confidence() -> None:
    ids = [rule.id for rule in ALL]
    assert len(ids) == len(set(ids)) >= 50
    marks = ("[solid]", "[medium]", "[unverified]", "[rule]", "medium", "前提")
    for rule in ALL:
        assert rule.text_zh
        assert rule.does_zh
        assert any(mark in rule.why_zh for mark in marks), rule.id
        assert len(listed(rule)) == 3
    assert 10 <= sum(rule.quick for rule in ALL) <= 25
