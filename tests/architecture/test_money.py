"""No float comes near an amount: not in the domain, the ledger, a codec or a calculator."""

from __future__ import annotations

import ast

from tests.architecture.sources import python_files, tree, where

WITH_MONEY = ("gateway/domain/", "ledger/", "adapters/baseline/")
WITH_MONEY_TOO = ("codec.py", "calculator.py", "amounts.py")


def test_no_float_comes_near_an_amount() -> None:
    found = []
    for path in python_files("gateway", "ledger", "adapters"):
        if not (where(path).startswith(WITH_MONEY) or path.name in WITH_MONEY_TOO):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant):
                is_float = isinstance(node.value, float)
            else:
                is_float = isinstance(node, ast.Name) and node.id == "float"
            if is_float:
                found.append(f"{where(path)}:{getattr(node, 'lineno', 0)}")
    assert not found
