"""What no file does: swallow an error, patch a name, wait by the clock, skip a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import dotted, python_files, text_files, tree, where

PRODUCT = ("gateway", "adapters", "ledger", "tools")
BROAD = {"Exception", "BaseException", ""}


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call in a file with the dotted name it calls."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def test_every_module_says_what_it_is() -> None:
    silent = [
        where(p) for p in python_files() if p.stat().st_size and not ast.get_docstring(tree(p))
    ]
    assert not silent, "these modules have no docstring"


def test_every_module_postpones_its_annotations() -> None:
    def postpones(path: Path) -> bool:
        body = tree(path).body
        only_docstring = len(body) <= 1
        return only_docstring or any(
            isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in body[:3]
        )

    assert not [where(p) for p in python_files() if not postpones(p)]


def test_only_tests_assert_because_asserts_vanish_under_optimisation() -> None:
    found = [
        f"{where(path)}:{node.lineno}"
        for path in python_files(*PRODUCT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]
    assert not found


def test_no_broad_exception_is_swallowed() -> None:
    found = []
    for path in python_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or dotted(node.type) in BROAD
                if broad and all(isinstance(s, ast.Pass | ast.Continue) for s in node.body):
                    found.append(f"{where(path)}:{node.lineno}")
            if isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
                found += [f"{where(path)}:{node.lineno}" for a in node.args if dotted(a) in BROAD]
    assert not found


def test_tests_use_fakes_and_never_patch() -> None:
    found = []
    for path in python_files("tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", "") or ""
                if "mock" in module.split(".") or any("mock" in n.split(".") for n in names):
                    found.append(f"{where(path)}:{node.lineno}")
    assert not found


def test_tests_wait_for_events_and_never_for_time() -> None:
    """A sleep hopes. `sleep(0)` lets others run, and a pause in a `while` asks again: both wait."""
    found = []
    for path in python_files("tests"):
        loops = [node for node in ast.walk(tree(path)) if isinstance(node, ast.While)]
        asking = {id(inner) for loop in loops for inner in ast.walk(loop)}
        lines = path.read_text(encoding="utf-8").splitlines()
        for call, name in calls(path):
            zero = bool(call.args) and getattr(call.args[0], "value", None) == 0
            explained = "# not a wait: " in lines[call.lineno - 1]
            waits = zero or explained or id(call) in asking
            if name.split(".")[-1] == "sleep" and not waits:
                found.append(f"{where(path)}:{call.lineno}")
    assert not found, "a pause that is itself the thing under test says so: `# not a wait: why`"


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    words = {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}
    words |= {"pytest.xfail", "pytest.importorskip"}
    found = [
        f"{where(path)}:{node.lineno}"
        for path in python_files("tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and dotted(node) in words
    ]
    assert not found


def test_a_silenced_type_error_names_its_code_and_its_reason() -> None:
    silenced = re.compile(r"#\s*type:\s*ignore(?P<rest>.*)")
    found = []
    for path in python_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            match = silenced.search(line)
            if match and not re.match(r"\[[\w-]+(, ?[\w-]+)*\]\s+#\s*\w+", match["rest"]):
                found.append(f"{where(path)}:{number}")
    assert [f for f in found if not f.startswith(where(Path(__file__)))] == []


def test_a_note_to_oneself_names_an_issue() -> None:
    note = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\(#\d+\))")
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if note.search(line):
                found.append(f"{where(path)}:{number}")
    assert not found
