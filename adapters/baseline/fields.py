"""字段表: every field of every transaction we send, as data (fields.csv), and the check against it.

Used to refuse, before the first byte leaves, a message of ours with a wrong name, type or length;
and by whoever wants to show a message with its Chinese names. Lengths are enforced on what we send
and never on what we receive (the specification's own example breaks its own lengths).
Lengths count characters; `16,2` means 16 digits of which 2 are decimals.
Source column: JX = field facts of the Jiangxi v1.0 interface on the national baseline XJ-K01-2020;
HSA-3260 = the columns of 3260 as one client sends them, reused for our own assumed notice `3260N`.
Column `hunan`: what the Hunan V1.3 interface prints of the same field: `same`, `absent`, what
differs (`required=Y`), or empty where it has no such transaction. How far two provinces on one
baseline disagree is the best evidence of how far a third may.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.wire import Json, Node

ENVELOPE = "ENV"
VISITED_NOTICE = "3260N"
FILE = "file"
"""Node of a file's columns."""
_FORMS = {
    "digits": re.compile(r"[0-9]+", re.ASCII),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII),
    "datetime": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the table."""

    txn: str
    txn_zh: str
    io: str
    """in | out | file_in | file_out (columns of the uploaded or downloaded TXT, in order)"""
    node: str
    """The node under input or output, "" for the envelope itself, `file` for a TXT."""
    name: str
    zh: str
    type: str
    """str | dec | digits | int | date | datetime | bytes"""
    length: str
    required: bool
    dictionary: str
    note: str
    source: str
    confidence: str
    """solid | medium | unverified: of the source, for this field."""
    hunan: str


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The baseline's table, or one province's with its own lengths laid over it."""

    rows: Mapping[tuple[str, str], Mapping[tuple[str, str], Field]]
    """(txn, io) → (node, name) → Field"""

    def fields(self, txn: str, io: str) -> Mapping[tuple[str, str], Field]:
        """Raises KeyError for a transaction that is not in the table."""
        return self.rows[txn, io]

    def with_lengths(self, overrides: Mapping[str, str]) -> FieldTable:
        """The same table with other lengths on input: `{"psn_type": "6", "2601.oinfno": "5"}`."""
        rows = dict(self.rows)
        for (txn, io), fields in self.rows.items():
            if io in ("in", "file_in"):
                rows[txn, io] = MappingProxyType(
                    {key: _relengthened(field, overrides) for key, field in fields.items()}
                )
        return FieldTable(MappingProxyType(rows))

    def check_envelope(self, infno: str, fields: Mapping[str, str], extra: frozenset[str]) -> None:
        """Raises UnsendableMessage; `extra` are the names one province adds."""
        known = {name: field for (_, name), field in self.rows[ENVELOPE, "in"].items()}
        for name, value in fields.items():
            if name not in extra:
                _check_value(infno, name, known.get(name), value)
        for name, field in known.items():
            if field.required and name != "input" and not fields.get(name):
                raise UnsendableMessage(infno, name, "required and empty")

    def check_input(self, infno: str, body: Node) -> None:
        """Raises UnsendableMessage for the first field that is not as the table says."""
        known = self.rows[infno, "in"]
        nodes = {node for node, _ in known}
        for node, value in body.items():
            if node not in nodes:
                raise UnsendableMessage(infno, node, "no such node")
            for path, record in _records(infno, node, value):
                _check_record(infno, node, path, record, known)
        for node in nodes - body.keys():
            if any(field.required for (of, _), field in known.items() if of == node):
                raise UnsendableMessage(infno, node, "required node is missing")

    def check_record(self, infno: str, io: str, path: str, record: Node) -> None:
        """One record of a file (`file_in`); raises UnsendableMessage under `path`."""
        known = self.rows[infno, io]
        _check_record(infno, FILE, path, record, known)


@cache
def baseline() -> FieldTable:
    """The table as shipped in fields.csv."""
    rows: dict[tuple[str, str], dict[tuple[str, str], Field]] = {}
    text = files("adapters.baseline").joinpath("fields.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        field = Field(**{**row, "required": row["required"] == "Y"})  # type: ignore[arg-type]  # DictReader is typed str → str
        rows.setdefault((field.txn, field.io), {})[field.node, field.name] = field
    return FieldTable(MappingProxyType({key: MappingProxyType(own) for key, own in rows.items()}))


def _relengthened(field: Field, overrides: Mapping[str, str]) -> Field:
    length = overrides.get(f"{field.txn}.{field.name}", overrides.get(field.name))
    return field if length is None else replace(field, length=length)


def _records(infno: str, node: str, value: Json) -> Iterator[tuple[str, Node]]:
    many = isinstance(value, Sequence) and not isinstance(value, str)
    records: Sequence[Json] = value if isinstance(value, list | tuple) else [value]
    if many and not records:
        raise UnsendableMessage(infno, node, "an empty list")
    for index, record in enumerate(records):
        path = f"{node}[{index}]" if many else node
        if not isinstance(record, Mapping):
            raise UnsendableMessage(infno, path, "not an object")
        yield path, record


def _check_record(
    infno: str, node: str, path: str, record: Node, known: Mapping[tuple[str, str], Field]
) -> None:
    for name, value in record.items():
        _check_value(infno, f"{path}.{name}", known.get((node, name)), value)
    for (of, name), field in known.items():
        if of == node and field.required and record.get(name) in (None, ""):
            raise UnsendableMessage(infno, f"{path}.{name}", "required and empty")


def _check_value(infno: str, path: str, field: Field | None, value: Json) -> None:
    if field is None:
        raise UnsendableMessage(infno, path, "no such field in this transaction")
    if value == "":
        return  # "not given"; whether it may be is the required check's business
    problem = _problem(field, value)
    if problem:
        raise UnsendableMessage(infno, path, problem)


def _problem(field: Field, value: Json) -> str:
    if field.type in ("dec", "int"):
        return _number_problem(field, value)
    if field.type == "bytes":
        return "" if isinstance(value, str | list) else "must be bytes"
    if not isinstance(value, str):
        return "must be text"
    form = _FORMS.get(field.type)
    # The table calls some timestamps `date` and says the format in its note.
    if "HH:mm:ss" in field.note:
        form = _FORMS["datetime"]
    if form is not None and not form.fullmatch(value):
        return f"must be {field.type}"
    if field.length and len(value) > int(field.length):
        return f"longer than {field.length}"
    return ""


def _number_problem(field: Field, value: Json) -> str:
    if isinstance(value, str):
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value, re.ASCII):
            return "must be a number"
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return "must be a number"
    digits, _, decimals = field.length.partition(",")
    number = Decimal(value)
    _, shown, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return "must be a number"
    places = max(0, -exponent)
    if places > int(decimals or 0):
        return f"more than {decimals or 0} decimals"
    if digits and max(len(shown), places) > int(digits):
        return f"more than {digits} digits"
    return ""


def dictionary_name(kind: str) -> str:
    """中文名称 of a dictionary: of the first field that is coded by it; "" for an unknown one."""
    for fields in baseline().rows.values():
        for field in fields.values():
            if field.dictionary == kind:
                return field.zh
    return ""


def chinese_name(txn: str, io: str, node: str, name: str) -> str:
    """中文名称 of a field, or "" for one that is not in the table."""
    field = baseline().rows.get((txn, io), {}).get((node, name))
    return field.zh if field else ""
