"""Every field that we send has the name, type and length of our table, in every province; and our
table says what the published interfaces print.

The check here is a second one, by its own code: the codec's own check would miss what it was never
asked about. tests/golden/adapters/fields_printed.csv: names, types and lengths as printed in HN
(湖南省医疗保障信息平台定点医药机构接口规范 V1.3, 2021-08) and JX (江西省 v1.0, on XJ-K01-2020).
fields_disputed.csv: where the two disagree about what we send, and what we do about it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.baseline import fields
from adapters.baseline.codec import Message
from adapters.baseline.fields import Field
from gateway.domain.bill import VisitKind
from gateway.domain.visit import CertificateKind
from gateway.ports import Verb
from tests.unit.adapters.people import CLASSES, attendance, codec, context
from tests.unit.adapters.recorded import PSN_TYPES, messages

GOLDEN = Path(__file__).parents[2] / "golden" / "adapters"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
FORMS = {"date": DAY, "datetime": DAY + " [0-9]{2}:[0-9]{2}:[0-9]{2}", "digits": "[0-9]+"}


def table(name: str) -> list[dict[str, str]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def variants(province: str) -> Iterator[Message]:
    """Every optional field that we know how to fill, beside the recorded messages."""
    speak, ctx = codec(province), context(province)
    for kind in VisitKind:
        att = replace(attendance(kind, PSN_TYPES[province]), invoice_no="INV0000001")
        (first,) = att.bill.lines
        refund = replace(
            first, line_no="2", quantity=-first.quantity, amount_fen=-first.amount_fen,
            refund_of="1", hospital_approved=False,
        )  # fmt: skip
        for certificate in CertificateKind:
            yield speak.settle(
                ctx, replace(att, patient=replace(att.patient, certificate_kind=certificate))
            )
        yield speak.lines(ctx, att, (first, refund if kind.is_inpatient else first))
        yield speak.register(ctx, att)
        yield speak.predetermine(ctx, att)


def every_message(province: str) -> list[Message]:
    return [*(message for _, message in messages(province).values()), *variants(province)]


def sent_fields(message: Message) -> Iterator[tuple[str, str, Any]]:
    """(node, name, value), as it stands on the wire."""
    body = json.loads(message.body, parse_float=Decimal)
    given = body["input"] if "input" in body else {"rows": body["rows"]}
    for node, value in given.items():
        for record in value if isinstance(value, list) else [value]:
            for name, item in record.items():
                yield node, name, item


def problem(field: Field, value: Any, length: str) -> str:
    """Why a value does not fit its row, "" where it does."""
    if value == "":
        return "required and empty" if field.required else ""
    if field.type in ("dec", "int"):
        return _number(value, length)
    if field.type == "bytes":
        return "" if isinstance(value, str | list) else "no bytes"
    if not isinstance(value, str):
        return f"{type(value).__name__} instead of text"
    form = "datetime" if "HH:mm:ss" in field.note else field.type
    if form in FORMS and not re.fullmatch(FORMS[form], value):
        return f"no {form}"
    return f"longer than {length}" if length and len(value) > int(length) else ""


def _number(value: Any, length: str) -> str:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return "no number"
    whole, _, decimals = text.lstrip("-").partition(".")
    digits, _, places = length.partition(",")
    if len(decimals) > int(places or 0) or len(whole) + int(places or 0) > int(digits or 99):
        return f"does not fit {length}"
    return ""


@pytest.mark.parametrize("province", CLASSES)
def test_every_field_we_send_is_in_the_table_with_its_type_and_length(province: str) -> None:
    wire = codec(province).profile.wire
    found = []
    for message in every_message(province):
        rows = fields.baseline().fields(message.infno, "in")
        for node, name, value in sent_fields(message):
            row = rows.get((node, name))
            if row is None:
                found.append(f"{message.infno} {node}.{name}: not in fields.csv")
                continue
            own = wire.lengths.get(f"{message.infno}.{name}", wire.lengths.get(name))
            wrong = problem(row, value, own or row.length)
            if wrong:
                found.append(f"{message.infno} {node}.{name}: {wrong}")
    assert not found


@pytest.mark.parametrize("province", CLASSES)
def test_every_required_field_is_sent(province: str) -> None:
    missing = []
    for message in every_message(province):
        present = {(node, name) for node, name, value in sent_fields(message) if value != ""}
        nodes = {node for node, _ in present}
        for key, row in fields.baseline().fields(message.infno, "in").items():
            if row.required and key[0] in nodes and key not in present:
                missing.append(f"{message.infno} {key[0]}.{key[1]}")
    assert not missing


@pytest.mark.parametrize("province", CLASSES)
def test_the_envelope_fits_its_table(province: str) -> None:
    profile = codec(province).profile
    wire, sealing = profile.wire, profile.encryption
    added = {*wire.extra_envelope, *([sealing.type_field] if sealing else [])}
    rows = {name: row for (_, name), row in fields.baseline().fields("ENV", "in").items()}
    found = []
    for message in every_message(province):
        body = json.loads(message.body)
        if "input" not in body:
            continue  # our own notice to the visited region: no national envelope
        for name, value in body.items():
            row = rows.get(name)
            if row is None:
                found += [] if name in added else [f"{message.infno} {name}: unknown"]
            elif name != "input" and (
                wrong := problem(row, value, wire.lengths.get(name, row.length))
            ):
                found.append(f"{message.infno} {name}: {wrong}")
    assert not found


@pytest.mark.parametrize("province", CLASSES)
def test_no_transaction_that_we_can_send_is_left_out_here(province: str) -> None:
    speak = codec(province)
    numbers = {"1901", "3201", "3202", "5203", "9101", "9102"}
    for verb in Verb:
        for kind in VisitKind:
            if verb is not Verb.DISCHARGE or kind.is_inpatient:
                numbers.add(speak.number(verb, kind))
    assert numbers <= {message.infno for message in every_message(province)}


@pytest.mark.parametrize("province", CLASSES)
def test_a_length_of_a_provinces_own_is_of_a_field_that_we_send(province: str) -> None:
    sent = {name for message in every_message(province) for _, name, _ in sent_fields(message)}
    sent |= {name for _, name in fields.baseline().fields("ENV", "in")}
    for name in codec(province).profile.wire.lengths:
        assert name.rpartition(".")[2] in sent


# --- the table and what is printed -----------------------------------------------------------


def printed() -> Mapping[tuple[str, str, str, str, str], dict[str, str]]:
    return {
        (row["source"], row["txn"], row["io"], row["node"], row["name"]): row
        for row in table("fields_printed.csv")
    }


def test_our_table_is_what_its_source_prints() -> None:
    said = printed()
    for (txn, io), rows in fields.baseline().rows.items():
        for (node, name), row in rows.items():
            if row.source != "JX":
                assert row.source == "HSA-3260"
                assert row.confidence == "medium"
                continue
            assert row.confidence == "solid"
            source = said["JX", txn, io, node, name]
            ours = (row.zh, row.type, row.length, row.required)
            required = source["required"] == "Y"
            theirs = (source["zh"], source["type"], source["length"], required)
            assert ours == theirs, f"{txn} {io} {node}.{name}"
    of_jx = {key[1:] for key in said if key[0] == "JX"}
    ours_too = {
        (txn, io, node, name)
        for (txn, io), rows in fields.baseline().rows.items()
        for node, name in rows
    }
    assert of_jx <= ours_too


def test_what_the_other_interface_prints_is_told_field_by_field() -> None:
    said = printed()
    in_hunan = {key[1] for key in said if key[0] == "HN"}
    for (txn, io), rows in fields.baseline().rows.items():
        for (node, name), row in rows.items():
            here, there = (said.get((of, txn, io, node, name)) for of in ("JX", "HN"))
            if here is None or txn not in in_hunan:
                assert row.hunan == ""
                continue
            differs = [
                f"{column}={there[column] or '-'}"
                for column in ("type", "length", "required")
                if there is not None and there[column] != here[column]
            ]
            assert row.hunan == ("absent" if there is None else " ".join(differs) or "same")


def test_where_the_two_disagree_about_what_we_send_we_say_what_we_do() -> None:
    disputes: dict[tuple[str, str, str], str] = {}
    said = printed()
    for province in CLASSES:
        for message in every_message(province):
            sent = {(node, name) for node, name, _ in sent_fields(message)}
            rows = fields.baseline().fields(message.infno, "in")
            for node, name in sent:
                hunan = rows[node, name].hunan
                # Required there and optional here: sent always, it suits both.
                if hunan not in ("", "same", "required=Y"):
                    disputes[message.infno, node, name] = hunan
            for of, txn, io, node, name in said:
                wanted = (of, txn, io) == ("HN", message.infno, "in")
                required = wanted and said[of, txn, io, node, name]["required"] == "Y"
                if required and (node, name) not in sent:
                    disputes[txn, node, name] = "not sent"
    told = {
        (row["txn"], row["node"], row["name"]): row["hunan"] for row in table("fields_disputed.csv")
    }
    assert disputes == told
