"""查账发现用语: whatever an audit can find is said in Chinese, under a code that stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.counter import finding_words
from gateway.counter.audit_words import to_do
from ledger import report, verify_dates, verify_files, verify_history

ROOT = Path(__file__).parents[3]
SOURCES = sorted([
    *ROOT.glob("ledger/verify*.py"),
    *ROOT.glob("gateway/store/crosscheck*.py"),
    ROOT / "gateway/commands/verify_outside.py",
])  # fmt: skip
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z]+)+|UNREADABLE")
MADE = {"RESOLVE_TWICE", "REVERSE_TWICE"}
"""Put together from two words (ledger/verify_journal.py)."""


def codes(source: Path) -> Iterator[str]:
    """Texts that look like a code."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and CODE.fullmatch(text):
            yield text


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_each_code_of_an_audit_has_its_meaning(source: Path) -> None:
    for code in codes(source):
        assert re.search(r"[一-鿿]", finding_words.meaning(code)), code


def test_no_meaning_is_kept_of_a_code_that_nobody_gives() -> None:
    given = {code for source in SOURCES for code in codes(source)} | MADE
    assert given == set(finding_words._MEANING)


def test_what_to_do_is_said_in_chinese() -> None:
    advice = [
        report.RESTORE, report.REBUILD, report.INVESTIGATE, verify_dates.RENEW,
        verify_history.OTHER_KEY, verify_files.REPUBLISH, verify_files.REMOVE,
        verify_files.OTHER_DIRECTORY, verify_files.READABLE,
    ]  # fmt: skip
    for text in advice:
        assert re.search(r"[一-鿿]", to_do(text)), text
