"""医院文件: what a hospital's own system writes becomes one request, or a list of problems."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.hospital_files.claim_file import HospitalClaim, read_claim, request_id
from gateway.hospital_files.problem import FileProblem, HospitalFileRefused
from yrd.claim.v1 import claim_pb2
from yrd.type.v1 import type_pb2

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
OUTPATIENT = EXAMPLES / "01-jiashan-outpatient-in-qingpu.json"
INPATIENT = EXAMPLES / "02-qingpu-inpatient-in-wujiang.json"


def read(document: Any) -> HospitalClaim:
    return read_claim(json.dumps(document, ensure_ascii=False).encode())


def changed(path: Path, change: Callable[[list[Any]], None]) -> list[Any]:
    """An example with one thing changed. Amounts pass through text, so that none is rounded."""
    document: list[Any] = json.loads(path.read_text(encoding="utf-8"), parse_float=str)
    change(document)
    return document


def problems(path: Path, change: Callable[[list[Any]], None]) -> list[tuple[str, str]]:
    with pytest.raises(HospitalFileRefused) as refused:
        read(changed(path, change))
    return [(p.path, p.reason) for p in refused.value.problems]


def refused_bytes(raw: bytes) -> FileProblem:
    with pytest.raises(HospitalFileRefused) as refused:
        read_claim(raw)
    return refused.value.problems[0]


@pytest.mark.parametrize(
    "path", sorted(p for p in EXAMPLES.glob("*.json") if "malformed" not in p.name), ids=str
)
def test_every_shipped_example_but_the_malformed_one_can_be_read(path: Path) -> None:
    claim = read_claim(path.read_bytes())
    assert claim.request.visit.lines
    assert claim.request.visit.diagnoses
    assert claim.request.patient.id_number.startswith("00")
    assert claim.institution_code.startswith("H00")


def test_an_outpatient_file_becomes_the_request_it_means() -> None:
    request = read_claim(OUTPATIENT.read_bytes()).request
    assert request.request_id == "H00310000001202603160919450004"
    assert (request.visited_region, request.insured_region) == ("310118", "330421")
    assert request.visit.kind == claim_pb2.VISIT_KIND_OUTPATIENT
    assert request.scheme == type_pb2.SCHEME_EMPLOYEE
    assert request.patient.certificate_kind == type_pb2.CERTIFICATE_KIND_ID_CARD
    assert request.patient.certificate_number == request.patient.id_number
    assert request.use_personal_account
    assert request.visit.batch_no == "B202603160001"
    # 2026-03-16 09:10:00 in Shanghai
    assert request.visit.started_at.ToJsonString() == "2026-03-16T01:10:00Z"
    assert [line.amount_fen for line in request.visit.lines] == [3800, 9360, 38535, 42000, 2000]
    assert request.visit.lines[2].unit_price_yuan == "128.4500"


def test_an_inpatient_file_keeps_its_refund_and_its_discharge() -> None:
    request = read_claim(INPATIENT.read_bytes()).request
    assert request.visit.kind == claim_pb2.VISIT_KIND_INPATIENT
    assert request.visit.batch_no == request.visit.visit_no
    refund = request.visit.lines[-1]
    assert (refund.quantity, refund.refund_of, refund.amount_fen) == ("-2", "2006", -27056)
    assert request.visit.lines[8].unit_price_yuan == "236.123456"
    assert request.visit.ended_at.ToJsonString() == "2026-03-17T01:20:00Z"
    assert [d.name for d in request.visit.diagnoses] == ["肺炎", "原发性高血压"]


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert read_claim(b"\xef\xbb\xbf" + OUTPATIENT.read_bytes()).request.request_id


def test_amounts_may_be_numbers_or_texts() -> None:
    as_text = read(changed(OUTPATIENT, lambda d: None)).request
    assert as_text == read_claim(OUTPATIENT.read_bytes()).request


def test_variants_and_queries_between_the_messages_are_taken_as_they_are() -> None:
    def change(document: list[Any]) -> None:
        document[3]["infno"] = "2207A"
        document.insert(0, {"infno": "1101", "input": {"data": {}}})
        document.insert(4, {"infno": "2206", "input": {"data": {}}})

    assert read(changed(OUTPATIENT, change)).request == read_claim(OUTPATIENT.read_bytes()).request


def test_the_same_file_asks_under_the_same_request_id() -> None:
    first, second = read_claim(OUTPATIENT.read_bytes()), read_claim(OUTPATIENT.read_bytes())
    assert first.request.request_id == second.request.request_id


def test_an_opaque_msgid_is_hashed_and_never_passed_on() -> None:
    opaque = "260316092000-H00310000001-6162"
    made = request_id("H00310000001", opaque)
    assert opaque not in made
    assert made == request_id("H00310000001", opaque)
    assert made != request_id("H00310000002", opaque)


def test_a_violation_found_later_is_shown_at_the_hospitals_own_place() -> None:
    claim = read_claim(OUTPATIENT.read_bytes())
    assert claim.origin("patient.id_number") == "$[0].input.data.certno"
    assert claim.origin("visit.lines[2].unit_price_yuan") == "$[2].input.feedetail[2].pric"
    assert claim.origin("visit.lines[2].anything_else") == "$[2].input.feedetail[2]"
    assert claim.origin("nowhere") == "$"


def at(row: int, name: str, value: Any) -> Callable[[list[Any]], None]:
    """Set a field of a detail row; None removes it."""

    def change(document: list[Any]) -> None:
        fields = document[2]["input"]["feedetail"][row]
        fields[name] = value
        if value is None:
            del fields[name]

    return change


def settle(name: str, value: Any) -> Callable[[list[Any]], None]:
    return lambda document: document[3]["input"]["data"].update({name: value})


def head(index: int, name: str, value: Any) -> Callable[[list[Any]], None]:
    return lambda document: document[index].update({name: value})


ROW = "$[2].input.feedetail[1]"
SETTLE = "$[3].input.data"
BAD: list[tuple[str, Callable[[list[Any]], None], str, str]] = [
    ("a third decimal", at(1, "det_item_fee_sumamt", "93.605"), f"{ROW}.det_item_fee_sumamt",
     "THIRD_DECIMAL"),
    ("a price of seven decimals", at(1, "pric", "46.8000001"), f"{ROW}.pric", "TOO_MANY_DECIMALS"),
    ("a quantity in words", at(1, "cnt", "两盒"), f"{ROW}.cnt", "NOT_A_NUMBER"),
    ("an exponent", at(1, "cnt", "2e0"), f"{ROW}.cnt", "NOT_A_NUMBER"),
    ("full-width digits", at(1, "cnt", "\uff12"), f"{ROW}.cnt", "NOT_A_NUMBER"),
    ("no quantity", at(1, "cnt", 0), f"{ROW}.cnt", "ZERO_QUANTITY"),
    ("a refund of nothing", at(1, "cnt", "-2"), f"{ROW}.cnt", "NEGATIVE_WITHOUT_ORIGINAL"),
    ("a negative price", at(1, "pric", "-46.8"), f"{ROW}.pric", "NOT_POSITIVE"),
    ("an amount that is no product", at(1, "det_item_fee_sumamt", "93.61"),
     f"{ROW}.det_item_fee_sumamt", "AMOUNT_MISMATCH"),
    ("a missing item code", at(1, "med_list_codg", None), f"{ROW}.med_list_codg", "REQUIRED"),
    ("an unknown field", at(1, "pirc", "46.8"), f"{ROW}.pirc", "UNKNOWN_FIELD"),
    ("a day that does not exist", at(1, "fee_ocur_time", "2026-02-30 09:00:00"),
     f"{ROW}.fee_ocur_time", "NOT_A_TIME"),
    ("another charging batch", at(1, "chrg_bchno", "B9"), f"{ROW}.chrg_bchno", "DIFFERS"),
    ("another person's row", at(1, "psn_no", "1"), f"{ROW}.psn_no", "DIFFERS"),
    ("a total that is no sum", settle("medfee_sumamt", "956.96"), f"{SETTLE}.medfee_sumamt",
     "TOTAL_MISMATCH"),
    ("an unknown kind of care", settle("med_type", "99"), f"{SETTLE}.med_type", "UNKNOWN_CODE"),
    ("an unknown insurance", settle("insutype", "999"), f"{SETTLE}.insutype", "UNKNOWN_CODE"),
    ("an identity number as a number", settle("certno", 3321198503120117), f"{SETTLE}.certno",
     "NOT_TEXT"),
    ("two patients", settle("certno", "003321195203150222"), f"{SETTLE}.certno", "DIFFERS"),
    ("two institutions", head(3, "fixmedins_code", "H00310000002"), "$[3].fixmedins_code",
     "DIFFERS"),
    ("two insured regions", head(3, "insuplc_admdvs", "320509"), "$[3].insuplc_admdvs", "DIFFERS"),
    ("no msgid", head(3, "msgid", ""), "$[3].msgid", "REQUIRED"),
    ("an unknown transaction", head(1, "infno", "2299"), "$[1].infno", "UNKNOWN_TRANSACTION"),
    ("a stray transaction", head(1, "infno", "2301"), "$[1].input.mdtrtinfo", "UNKNOWN_NODE"),
    ("a misspelt node", lambda d: d[2]["input"].update(feedetails=d[2]["input"].pop("feedetail")),
     "$[2].input.feedetails", "UNKNOWN_NODE"),
    ("no settlement", lambda d: d.pop(), "$", "MISSING_ENVELOPE"),
    ("no details", lambda d: d.pop(2), "$", "MISSING_ENVELOPE"),
    ("the wrong order", lambda d: d.insert(0, d.pop(2)), "$[1].infno", "OUT_OF_ORDER"),
    ("two settlements", lambda d: d.append(d[3]), "$[4].infno", "REPEATED_ENVELOPE"),
    ("a text for a message", lambda d: d.insert(1, "2203"), "$[1]", "NOT_AN_OBJECT"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "path", "reason"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_what_is_wrong_is_named_with_its_place(
    change: Callable[[list[Any]], None], path: str, reason: str
) -> None:
    assert (path, reason) in problems(OUTPATIENT, change)


def test_a_misspelt_field_is_named_with_the_one_it_was_meant_to_be() -> None:
    with pytest.raises(HospitalFileRefused) as refused:
        read(changed(OUTPATIENT, at(0, "med_list_code", "SYN-TA01-0001")))
    assert "med_list_codg" in refused.value.problems[0].text_zh


def test_everything_wrong_is_found_in_one_reading_in_the_order_of_the_file() -> None:
    with pytest.raises(HospitalFileRefused) as refused:
        read_claim((EXAMPLES / "09-malformed.json").read_bytes())
    assert [(p.path, p.reason) for p in refused.value.problems] == [
        ("$[0].input.data.psn_name", "REQUIRED"),
        ("$[2].input.feedetail[0].det_item_fee_sumamt", "THIRD_DECIMAL"),
        ("$[2].input.feedetail[1].cnt", "NEGATIVE_WITHOUT_ORIGINAL"),
        ("$[2].input.feedetail[2].fee_ocur_time", "REQUIRED"),
        ("$[2].input.feedetail[2].fee_ocur_tme", "UNKNOWN_FIELD"),
        ("$[3].input.data.med_type", "UNKNOWN_CODE"),
    ]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "EMPTY_FILE"),
        (b"\xef\xbb\xbf \n", "EMPTY_FILE"),
        (b"[]", "NOT_AN_ARRAY"),
        (b"7", "NOT_AN_ARRAY"),
        (b"[{]", "NOT_JSON"),
        (b'[{"infno": "2201", "infno": "2207"}]', "DUPLICATE_KEY"),
        (b'[{"a": NaN}]', "NOT_A_NUMBER"),
        (b'[{"a": 1e400}]', "NOT_A_NUMBER"),
        (b"[" * 200_000, "NESTED_TOO_DEEP"),
        (b" " * (8 * 1024 * 1024 + 1), "TOO_LARGE"),
        ('[{"医院": "示例"}]'.encode("gb18030"), "NOT_UTF8"),
        ('[{"infno": "2201"}]'.encode("utf-16"), "NOT_UTF8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(raw: bytes, reason: str) -> None:
    assert refused_bytes(raw).reason == reason


def test_what_json_readers_forgive_is_named_at_each_of_its_places() -> None:
    text = OUTPATIENT.read_text(encoding="utf-8")
    text = text.replace('"msgid":', '"msgid": "M1", "msgid":', 1)
    text = text.replace('"cnt": 2,', '"cnt": NaN,', 1)
    text = text.replace('"medfee_sumamt": 956.95', '"medfee_sumamt": 9.5695e2', 1)
    with pytest.raises(HospitalFileRefused) as refused:
        read_claim(text.encode())
    assert [(p.path, p.reason) for p in refused.value.problems] == [
        ("$[0].msgid", "DUPLICATE_KEY"),
        ("$[2].input.feedetail[1].cnt", "NOT_A_NUMBER"),
        ("$[3].input.data.medfee_sumamt", "NOT_A_NUMBER"),
    ]


def test_a_file_that_is_one_message_is_named_without_an_index() -> None:
    assert refused_bytes(b'{"infno": "2299"}').path == "$.infno"


def test_a_flaw_is_named_however_deep_it_lies() -> None:
    deep = 400
    found = refused_bytes(b'[{"a":' + b"[" * deep + b"NaN" + b"]" * deep + b"}]")
    assert found == FileProblem("$[0].a" + "[0]" * deep, "NOT_A_NUMBER", found.text_zh)


def test_a_gbk_file_is_recognised_and_not_guessed_at() -> None:
    found = refused_bytes('[\n{"psn_name": "测试甲一"}]'.encode("gbk"))
    assert "GBK" in found.text_zh
    assert "第 2 行" in found.text_zh


def test_no_text_repeats_a_personal_value() -> None:
    with pytest.raises(HospitalFileRefused) as refused:
        read(changed(OUTPATIENT, settle("certno", "003321195203150222")))
    texts = "".join(p.text_zh for p in refused.value.problems)
    assert "003321" not in texts
