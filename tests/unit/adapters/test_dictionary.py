"""1901 asked and read, and what its answer changes for the codes that we send and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from adapters.baseline import dictionary, envelope, wire
from adapters.baseline.codec import Message, NationalCodec
from adapters.baseline.dictionary_check import CodesOn
from adapters.baseline.errors import AnotherReply, BrokenAnswer, UnsendableMessage
from adapters.baseline.people import read_person
from gateway.domain.dictionary import CodeSince, CodeTable, DictionaryRow
from tests.unit.adapters.people import CLASSES, NOW, attendance, codec, context

DAY = date(2025, 9, 10)
JUNE = date(2025, 6, 1)
ROW: dict[str, Any] = {
    "type": "clr_type", "label": "门诊", "value": "11", "parentValue": "0", "sort": 1,
    "valiFlag": "1", "createUser": "a", "createDate": "2020-01-01", "version": 3,
}  # fmt: skip


def loaded(*codes: tuple[str, str, bool], province: str = "jiangsu") -> NationalCodec:
    """A codec whose region told (dictionary, code, valid) on the first of June."""
    plain = codec(province)
    table = CodeTable(
        CodeSince(DictionaryRow(kind, code, "x", "0", valid, "1"), JUNE)
        for kind, code, valid in codes
    )
    return CLASSES[province](plain.profile, plain.scheme, CodesOn(table, DAY))


@pytest.mark.parametrize(("province", "area"), [("shanghai", "310000"), ("zhejiang", "330000")])
def test_a_whole_dictionary_is_asked_for_as_of_a_day(province: str, area: str) -> None:
    message = codec(province).dictionary(context(province), "clr_type", DAY)
    sent = wire.read(message.body).values
    assert message.infno == sent["infno"] == "1901"
    assert sent["input"] == {
        "data": {
            "type": "clr_type", "parentValue": "0", "admdvs": area, "date": "2025-09-10",
            "valiFlag": "1",
        }
    }  # fmt: skip


def test_a_region_s_own_names_are_the_profile_s_business() -> None:
    plain = codec("jiangsu").profile.dictionary
    words = replace(
        plain, kind_names={"clr_type": "CLR_TYPE"}, top_parent="ROOT", asked_area="320500"
    )
    asked = dictionary.ask("clr_type", DAY, "320000", words)["data"]
    assert isinstance(asked, Mapping)
    assert (asked["type"], asked["parentValue"], asked["admdvs"]) == ("CLR_TYPE", "ROOT", "320500")
    (row,) = dictionary.read({"list": [ROW | {"type": "CLR_TYPE"}]}, "clr_type", words)
    assert row.kind == "clr_type"


def test_rows_are_read_as_written_and_numbers_are_codes_too() -> None:
    words = codec("jiangsu").profile.dictionary
    answer = {"list": [ROW, ROW | {"value": 21, "valiFlag": "0", "type": ""}]}
    assert dictionary.read(answer, "clr_type", words) == (
        DictionaryRow("clr_type", "11", "门诊", "0", True, "3"),
        DictionaryRow("clr_type", "21", "门诊", "0", False, "3"),
    )
    assert dictionary.read({}, "clr_type", words) == ()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"value": ""}, BrokenAnswer),
        ({"value": ["11"]}, BrokenAnswer),
        ({"value": "1\x001"}, BrokenAnswer),
        ({"label": "门诊\x1b[2J"}, BrokenAnswer),
        ({"valiFlag": "2"}, BrokenAnswer),
        ({"type": "med_type"}, AnotherReply),
    ],
)
def test_a_row_that_cannot_be_trusted_makes_the_answer_none(
    change: dict[str, Any], error: type[BrokenAnswer]
) -> None:
    with pytest.raises(error):
        dictionary.read({"list": [ROW | change]}, "clr_type", codec("jiangsu").profile.dictionary)


# --- sending -----------------------------------------------------------------------------------


def test_an_unknown_scheme_never_leaves_and_the_refusal_names_field_and_code() -> None:
    att = attendance()
    att = replace(att, insurance=replace(att.insurance, scheme_code="777"))
    with pytest.raises(UnsendableMessage) as refused:
        codec("jiangsu").register(context("jiangsu"), att)
    assert (refused.value.infno, refused.value.path) == ("2201", "data.insutype")
    assert refused.value.problem == "code 777 of insutype is unknown"


def test_a_code_that_only_the_region_knows_may_be_sent() -> None:
    att = attendance(psn_type="91")
    speak = loaded(("psn_type", "91", True), ("psn_type", "11", True))
    assert speak.register(context("jiangsu"), att).infno == "2201"


def test_a_code_that_only_the_profile_knows_may_be_sent() -> None:
    speak = loaded(("psn_type", "91", True))
    assert speak.register(context("jiangsu"), attendance()).infno == "2201"


def test_a_code_that_the_region_withdrew_is_not_sent_though_the_profile_has_it() -> None:
    with pytest.raises(UnsendableMessage) as refused:
        loaded(("psn_type", "11", False)).register(context("jiangsu"), attendance())
    assert refused.value.problem == "code 11 of psn_type is withdrawn by the region"


def test_a_hospital_s_department_is_judged_only_where_the_dictionary_is_loaded() -> None:
    att = attendance()
    assert codec("jiangsu").register(context("jiangsu"), att).infno == "2201"
    assert loaded(("dept", "0301", True)).register(context("jiangsu"), att).infno == "2201"
    with pytest.raises(UnsendableMessage) as refused:
        loaded(("dept", "0400", True)).register(context("jiangsu"), att)
    assert refused.value.path == "data.caty"


def test_the_envelope_s_codes_are_judged_too() -> None:
    speak = loaded(("opter_type", "2", True), ("opter_type", "1", False))
    with pytest.raises(UnsendableMessage) as refused:
        speak.accumulators(context("jiangsu"), attendance().person, DAY)
    assert (refused.value.infno, refused.value.path) == ("5206", "opter_type")


def test_what_is_no_code_is_not_repeated_in_the_refusal() -> None:
    att = attendance(psn_type="测试甲一 003118195203158882")
    with pytest.raises(UnsendableMessage) as refused:
        codec("zhejiang").register(context("zhejiang"), replace(att))
    assert "003118195203158882" not in str(refused.value)


# --- reading -----------------------------------------------------------------------------------


def unknown(speak: NationalCodec, infno: str, output: dict[str, Any]) -> list[str]:
    body = wire.write({"infcode": 0, "output": output}).encode()
    reply = envelope.of(wire.read(body), body)
    found = speak.unknown(reply, Message(infno, "/", {}, b""))
    return [f"{one.field}={one.code}" for one in found]


def test_codes_of_a_look_up_are_kept_and_told() -> None:
    output: dict[str, Any] = {
        "baseinfo": {"psn_no": "1", "gend": "5"},
        "insuinfo": [
            {"insutype": "39999", "psn_type": 1101, "balc": 0, "insuplc_admdvs": "320500"},
            {"insutype": "310", "psn_type": "11", "balc": 0, "insuplc_admdvs": "320500"},
        ],
    }
    assert unknown(codec("jiangsu"), "1101", output) == ["insutype=39999", "psn_type=1101"]
    found = read_person(output, "003209198503120117", codec("jiangsu").profile.dictionary)
    assert [i.scheme_code for i in found.insurances] == ["39999", "310"]
    assert found.insurances[0].scheme is None


def test_a_dictionary_that_we_never_listed_is_judged_once_it_is_loaded() -> None:
    output = {"baseinfo": {"gend": "5"}}
    assert unknown(codec("jiangsu"), "1101", output) == []
    assert unknown(loaded(("gend", "1", True)), "1101", output) == ["gend=5"]


def test_a_code_that_only_the_region_s_dictionary_has_is_not_unknown() -> None:
    output = {"insuinfo": [{"insutype": "39999", "psn_type": "11"}]}
    assert unknown(loaded(("insutype", "39999", True)), "1101", output) == []


def test_what_cannot_be_a_code_is_nobody_s_unknown_code() -> None:
    output: dict[str, Any] = {"insuinfo": [{"insutype": True, "psn_type": ["x"]}, "no row"]}
    assert unknown(codec("jiangsu"), "1101", output) == []
    assert NOW.date() == DAY
