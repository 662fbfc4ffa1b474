"""JUnit: a report as the XML that build servers read. Pure: bytes out.

One testsuite a platform, one testcase a rule: a rule that does not hold is a failure, one that was
not tried is skipped, and a difference from our assumptions stands in system-out, because it fails
nothing. Format: the Jenkins JUnit schema's common part (testsuites, testsuite, testcase, failure,
skipped, system-out).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from gateway.conformance.report import below, total
from gateway.conformance.rule import Finding, Outcome
from gateway.conformance.suite import Report

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(reports: Iterable[Report]) -> bytes:
    """One document, UTF-8."""
    root = ElementTree.Element("testsuites", name="一致性检验")
    for report in reports:
        root.append(_suite(report))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _suite(report: Report) -> ElementTree.Element:
    elapsed_ms = sum(found.elapsed_ms for found in report.findings)
    suite = ElementTree.Element(
        "testsuite",
        name=f"conformance.{report.profile}",
        tests=str(len(report.findings)),
        failures=str(len(report.of(Outcome.BROKEN))),
        errors="0",
        skipped=str(len(report.of(Outcome.NOT_RUN))),
        time=_seconds(elapsed_ms),
    )
    for found in report.findings:
        suite.append(_case(report, found))
    ElementTree.SubElement(suite, "system-out").text = _text(total(report))
    return suite


def _case(report: Report, found: Finding) -> ElementTree.Element:
    rule = found.rule
    case = ElementTree.Element(
        "testcase",
        classname=f"conformance.{report.profile}.{rule.group.name.lower()}",
        name=f"{rule.id} {rule.text_zh}",
        time=_seconds(found.elapsed_ms),
    )
    if found.outcome is Outcome.BROKEN:
        failure = ElementTree.SubElement(case, "failure", message=_text(found.text_zh))
        failure.text = _text("\n".join(below(found)))
    if found.outcome is Outcome.NOT_RUN:
        ElementTree.SubElement(case, "skipped", message=_text(found.text_zh))
    if found.outcome is Outcome.DIFFERS:
        ElementTree.SubElement(case, "system-out").text = _text("\n".join(below(found)))
    return case


def _seconds(elapsed_ms: int) -> str:
    return f"{elapsed_ms // 1000}.{elapsed_ms % 1000:03}"


def _text(value: str) -> str:
    """What a platform wrote may hold characters that XML cannot."""
    return _NOT_XML.sub("\ufffd", value)
