"""The bytes we send, per province: golden, so that a change to the wire is seen and not guessed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from adapters.baseline.errors import UnsendableMessage
from gateway.domain.bill import VisitKind
from gateway.ports import ReversalOrder
from tests.unit.adapters.people import CLASSES, MSGID, attendance, codec, context
from tests.unit.adapters.recorded import GOLDEN, messages, shown


@pytest.mark.parametrize("province", CLASSES)
def test_every_message_is_byte_for_byte_as_it_was(province: str) -> None:
    built = messages(province)
    recorded = {path.stem: path.read_text("utf-8") for path in (GOLDEN / province).glob("*.http")}
    assert {infno: shown(*pair) for infno, pair in built.items()} == recorded


@pytest.mark.parametrize("province", CLASSES)
def test_input_stands_last_and_is_what_was_signed(province: str) -> None:
    for infno, (_, message) in messages(province).items():
        assert list(json.loads(message.body))[-1] == ("rows" if infno == "3260N" else "input")


def test_zhejiang_sends_variants_on_paths_of_their_own() -> None:
    found = messages("zhejiang")
    assert {"2203A", "2206A", "2207A", "2303A", "2304A"} <= found.keys()
    assert found["2207A"][1].path == "/fsi/api/outpatientSettleService/saveSettletmentA"
    assert found["2201"][1].path == "/fsi/api/2201"
    stay = json.loads(found["2304A"][1].body)
    assert stay["input"]["data"]["mdtrt_cert_sn"] == "003118D156000005FFFF000000000001"
    assert json.loads(found["2601"][1].body)["input"]["data"]["oinfno"] == "2207A"


def test_a_long_variant_is_refused_by_the_baseline_lengths() -> None:
    order = ReversalOrder("900000001", MSGID, "2207A")
    with pytest.raises(UnsendableMessage):
        codec("shanghai").reverse(context("shanghai"), order)


def test_a_stay_without_an_end_is_not_discharged() -> None:
    stay = attendance(VisitKind.INPATIENT)
    changed = replace(stay, visit=replace(stay.visit, ended_at=None))
    with pytest.raises(UnsendableMessage):
        codec("jiangsu").discharge(context("jiangsu"), changed)


def test_messages_are_not_printed() -> None:
    for _, message in messages("jiangsu").values():
        assert "测试甲一" not in repr(message)
