"""Whatever text stands in any coded field of an answer: settled with the code kept, or a person
looks. Never an exception, never posted under a guessed fund. And no code leaves that nobody knows.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.baseline import envelope, fields, wire
from adapters.baseline.codec import Message, NationalCodec
from adapters.baseline.dictionary_check import MOST_UNKNOWN, CodesOn
from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.settlement import Expected
from gateway.domain.breakdown import Breakdown
from gateway.domain.claim import ClaimState, transition
from gateway.domain.dictionary import CodeSince, CodeTable, DictionaryRow
from gateway.domain.pricing import PricedBill, Totals
from gateway.domain.visit import Scheme
from gateway.journeys.assess_bill import Assessment
from gateway.journeys.settle_outcome import settle_outcome
from gateway.journeys.visit_sequence import SequenceEnd
from gateway.ports import Accepted, Exchange, RegionSettlement
from tests.unit.adapters.people import CLASSES, MSGID, NOW, attendance, codec, context

GOLDEN = Path(__file__).parents[2] / "golden" / "adapters" / "settlements.toml"
BASE: dict[str, Any] = tomllib.loads(GOLDEN.read_text("utf-8"))["base"]
SETTLES = {"shanghai": "2207", "jiangsu": "2304", "zhejiang": "2207A"}
RETIRED_OR_ACTIVE = {"shanghai": "116032", "jiangsu": "11", "zhejiang": "11"}
CODED = sorted(
    {
        (node, name)
        for infno in SETTLES.values()
        for (node, name), field in fields.baseline().fields(infno, "out").items()
        if field.dictionary
    }
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["310", "390", "39999", "11", "77", "9902", "310100", "0", "null", " 11 "]),
)
LOADED = CodeTable(
    CodeSince(DictionaryRow(kind, value, "x", "0", True, "1"), date(2020, 1, 1))
    for kind, value in (("clr_type", "77"), ("insutype", "39999"), ("gend", "1"))
)


def speaking(province: str, *, loaded: bool) -> NationalCodec:
    plain = codec(province)
    if not loaded:
        return plain
    day = date(2025, 9, 10)
    return CLASSES[province](plain.profile, plain.scheme, CodesOn(LOADED, day))


def answer(speak: NationalCodec, infno: str, codes: dict[tuple[str, str], str]) -> RegionSettlement:
    """The golden answer with these codes in it, read from bytes."""
    nodes: dict[str, dict[str, Any]] = {
        "setlinfo": dict(BASE), "setldetail": {"fund_pay_type": "310100", "fund_payamt": "210.00"}
    }  # fmt: skip
    for (node, name), text in codes.items():
        nodes[node][name] = text
    output: dict[str, Any] = {"setlinfo": nodes["setlinfo"], "setldetail": [nodes["setldetail"]]}
    body = wire.write({"infcode": 0, "output": output}).encode()
    reply = envelope.of(wire.read(body), body)
    expected = Expected(MSGID, "900000001", "S1", effective=True, scheme_code="310")
    return speak.read_settlement(reply, Message(infno, "/", {}, b""), expected)


def state_after(settlement: RegionSettlement) -> tuple[ClaimState, dict[str, Any]]:
    """What the journey makes of it."""
    totals = Totals(10_000, 5_000, 5_000, 80_000)
    nothing = cast("Any", None)
    assessment = Assessment(
        nothing, nothing, nothing, Scheme.EMPLOYEE, PricedBill((), "", totals),
        replace(settlement.breakdown), (), "",
    )  # fmt: skip
    accepted = Accepted(settlement, Exchange("2207", b"", b""))
    end = SequenceEnd(accepted, True, attendance(), (), ())
    happened = settle_outcome(assessment, end, resolve_at=NOW)
    return transition(ClaimState.RECORDED, happened.event).to, happened.changes


@given(
    province=st.sampled_from(sorted(SETTLES)),
    loaded=st.booleans(),
    codes=st.dictionaries(st.sampled_from(CODED), TEXTS, max_size=len(CODED)),
)
def test_any_text_in_any_coded_field_is_kept_or_looked_at(
    province: str, loaded: bool, codes: dict[tuple[str, str], str]
) -> None:
    speak = speaking(province, loaded=loaded)
    words = speak.profile.dictionary
    # As long as the region has it: whoever it is about was told by other fields.
    codes = {("setlinfo", "psn_type"): RETIRED_OR_ACTIVE[province]} | codes
    settlement = answer(speak, SETTLES[province], codes)
    state, changes = state_after(settlement)
    scheme = codes.get(("setlinfo", "insutype"), "310").strip()
    clearing = codes.get(("setlinfo", "clr_type"), "11").strip()
    understood = scheme in ("", "310") and clearing in ("", *words.clearing_types)
    assert state is (ClaimState.SETTLED if understood else ClaimState.REVIEW)
    assert isinstance(changes["settled"], Breakdown)
    assert changes["clearing_type_code"] == clearing
    for name, known in (
        ("insutype", {*words.schemes, *(["39999"] if loaded else [])}),
        ("clr_type", {*words.clearing_types, *(["77"] if loaded else [])}),
        ("psn_type", set(words.person_kinds)),
    ):
        text = codes.get(("setlinfo", name), "").strip()
        assert (f"{name}={text}" in changes["unknown_codes"]) is (bool(text) and text not in known)


def test_an_answer_full_of_noise_adds_little_to_the_claim() -> None:
    speak = speaking("zhejiang", loaded=False)
    noise = [{"fund_pay_type": f"{n:09d}" * 999, "fund_payamt": "0.00"} for n in range(3_000)]
    output: dict[str, Any] = {"setlinfo": dict(BASE), "setldetail": noise}
    body = wire.write({"infcode": 0, "output": output}).encode()
    reply = envelope.of(wire.read(body), body)
    expected = Expected(MSGID, "900000001", "S1", effective=True, scheme_code="310")
    found = speak.read_settlement(reply, Message("2207A", "/", {}, b""), expected)
    assert len(found.unknown_codes) == MOST_UNKNOWN
    assert max(len(code) for code in found.unknown_codes) < 100


@given(province=st.sampled_from(sorted(SETTLES)), scheme=TEXTS, kind=TEXTS)
def test_no_code_is_sent_that_neither_the_profile_nor_the_region_knows(
    province: str, scheme: str, kind: str
) -> None:
    speak = codec(province)
    words = speak.profile.dictionary
    att = attendance(psn_type=kind)
    att = replace(att, insurance=replace(att.insurance, scheme_code=scheme))
    known = scheme in words.schemes and kind in ("", *words.person_kinds)
    if known:
        speak.register(context(province), att)
        return
    with pytest.raises(UnsendableMessage):
        speak.register(context(province), att)
