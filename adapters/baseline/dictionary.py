"""字典表查询 1901: one dictionary of a region, asked for and read.

Pure. The whole dictionary on one day comes in one answer. How a region names its dictionaries, what
it wants as the parent of a top-level one and which area code it expects is stated nowhere: the
profile says (`[[dictionary]]`). Not here: what follows from the answer (gateway/domain/dictionary).
Source: national interface, 1901 (fields.csv).
"""

from __future__ import annotations

from datetime import date

from adapters.baseline.errors import AnotherReply, BrokenAnswer
from adapters.baseline.nodes import required, rows, text
from adapters.baseline.profile import Dictionary
from adapters.baseline.wire import Node
from gateway.domain.dictionary import DictionaryRow

USED = (
    "insutype", "psn_type", "med_type", "clr_type", "clr_way", "fund_pay_type", "mdtrt_cert_type",
    "psn_cert_type", "gend", "cvlserv_flag", "acct_used_flag", "mid_setl_flag", "psn_setlway",
    "dscg_way", "diag_type", "maindiag_flag", "vali_flag", "hosp_appr_flag", "refd_setl_flag",
    "stmt_rslt", "chrgitm_lv", "opter_type",
)  # fmt: skip
"""The dictionaries of the coded fields that our messages hold or our reading depends on."""
DECIDING = ("insutype", "clr_type")
"""Those that decide where money is posted and reconciled (settlement.py)."""
_PATH = "output.list"
_VALID = {"": True, "1": True, "0": False}
"""有效标志; the same in both published dictionaries."""


def ask(kind: str, day: date, area: str, dictionary: Dictionary) -> Node:
    """Only what is valid: a code that is not named any more is withdrawn."""
    return {
        "data": {
            "type": dictionary.kind_names.get(kind, kind),
            "parentValue": dictionary.top_parent,
            "admdvs": dictionary.asked_area or area,
            "date": day.isoformat(),
            "valiFlag": "1",
        }
    }


def read(output: Node, kind: str, dictionary: Dictionary) -> tuple[DictionaryRow, ...]:
    """Raises AnotherReply for rows of another dictionary."""
    theirs = dictionary.kind_names.get(kind, kind)
    return tuple(
        _row(row, f"{_PATH}[{at}]", kind, theirs)
        for at, row in enumerate(rows(output, "list", "output"))
    )


def _row(row: Node, path: str, kind: str, theirs: str) -> DictionaryRow:
    if text(row, "type", path).lower() not in ("", theirs.lower()):
        raise AnotherReply(f"{path}.type", "belongs to another dictionary")
    valid = _VALID.get(text(row, "valiFlag", path))
    if valid is None:
        raise BrokenAnswer(f"{path}.valiFlag", "neither 1 nor 0")
    return DictionaryRow(
        kind=kind,
        code=_line(required(row, "value", path), f"{path}.value"),
        label=_line(text(row, "label", path), f"{path}.label"),
        parent=_line(text(row, "parentValue", path), f"{path}.parentValue"),
        valid=valid,
        version=_line(text(row, "version", path), f"{path}.version"),
    )


def _line(found: str, path: str) -> str:
    """What is kept for ever and shown on a terminal holds nothing that cannot be printed."""
    if not found.isprintable():
        raise BrokenAnswer(path, "not a line of text")
    return found
