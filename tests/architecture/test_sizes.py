"""Files and functions that one person can hold in mind (docs/architecture.md, sizes)."""

from __future__ import annotations

import ast

from tests.architecture.sources import python_files, tree, where

FILE_MAX = 600
FUNCTION_MAX = 70


def test_no_file_is_longer_than_600_lines() -> None:
    lengths = {where(p): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files()}
    assert not {name: lines for name, lines in lengths.items() if lines > FILE_MAX}


def test_no_function_is_longer_than_70_lines() -> None:
    found = {}
    for path in python_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_MAX:
                    found[f"{where(path)}:{node.lineno} {node.name}"] = lines
    assert not found
