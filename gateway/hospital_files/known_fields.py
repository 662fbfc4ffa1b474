"""字段表: the names a hospital's envelope may carry, from fields.csv, with their Chinese names.

The union of what is published, since a file may come from any province's system: JX = Jiangxi v1.0
on the national baseline XJ-K01-2020, HN = Hunan V1.3.x, CLIENT = additions seen in public client
sources. "A" variants (2207A …) share the table of their baseline transaction. Lengths are not
enforced here.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

ENVELOPE = "ENV"


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    text = files("gateway.hospital_files").joinpath("fields.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        node = found.setdefault(row["txn"], {}).setdefault(row["node"], {})
        node[row["name"]] = row["zh"]
    return MappingProxyType(found)


def nodes(txn: str) -> frozenset[str]:
    """The nodes under `input` of a transaction."""
    return frozenset(_table()[txn])


def names(txn: str, node: str = "") -> Mapping[str, str]:
    """Field name → Chinese name of one node; of the envelope itself for ENVELOPE."""
    return _table()[txn][node]


def nearest(name: str, txn: str, node: str = "") -> str:
    """The known name a misspelt one was probably meant to be, or the empty string."""
    found = difflib.get_close_matches(name, names(txn, node), n=1, cutoff=0.75)
    return found[0] if found else ""
