"""接口字段名: psn_no, mdtrt_id and their like stay at the edges that speak the national interface.

Everywhere else the identifiers of docs/glossary.md are used. Docstrings may name the wire field
that a concept comes from.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.sources import python_files, tree, where

WIRE = {
    "psn_no", "psn_name", "psn_type", "certno", "psn_cert_type", "mdtrt_id", "mdtrt_cert_no",
    "mdtrt_cert_type", "mdtrtarea_admvs", "insuplc_admdvs", "insutype", "med_type", "setl_id",
    "medins_setl_id", "fixmedins_code", "feedetl_sn", "chrg_bchno", "medfee_sumamt", "hifp_pay",
    "acct_pay", "psn_cash_pay", "fund_pay_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay",
    "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc", "infcode", "infno", "inf_refmsgid",
}  # fmt: skip
MAY_SPEAK = (
    "gateway/his/",
    "gateway/hospital_files/",
    "gateway/commands/policy_cases.py",
    "gateway/conformance/alter.py",
)
"""The HTTP edge, the reader of hospitals' files, the columns of the table of cases, what spoils an
answer on its way to the adapter."""


def words(path: Path) -> dict[str, int]:
    """Identifiers and short string constants of a file, docstrings left out, with a line number."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found: dict[str, int] = {}
    for node in ast.walk(tree(path)):
        line = getattr(node, "lineno", 0)
        for field in ("id", "attr", "arg", "name"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                found.setdefault(word, line)
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and id(node) not in docstrings:
            found.setdefault(value, line)
    return found


def test_wire_names_stay_at_the_edges() -> None:
    found = [
        f"{where(path)}:{line} {word}"
        for path in python_files("gateway", "ledger")
        if not where(path).startswith(MAY_SPEAK)
        for word, line in words(path).items()
        if word in WIRE
    ]
    assert not found
