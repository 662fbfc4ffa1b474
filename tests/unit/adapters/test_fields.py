"""The field table refuses a message of ours before it leaves, and says where it is wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.baseline import fields
from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.wire import Json

GOOD: dict[str, Json] = {"psn_no": "900000001", "omsgid": "H" * 30, "oinfno": "2207"}
LINE: dict[str, Json] = {
    "feedetl_sn": "1",
    "mdtrt_id": "m",
    "psn_no": "p",
    "chrg_bchno": "b",
    "rx_circ_flag": "0",
    "fee_ocur_time": "2025-09-01 10:00:00",
    "med_list_codg": "SYN-XA01-0001",
    "medins_list_codg": "x",
    "det_item_fee_sumamt": Decimal("12.30"),
    "cnt": Decimal("1"),
    "pric": Decimal("12.300000"),
    "bilg_dept_codg": "d",
    "bilg_dept_name": "n",
    "bilg_dr_codg": "c",
    "bilg_dr_name": "n",
    "hosp_appr_flag": "0",
}


def test_a_message_as_the_table_says_passes() -> None:
    fields.baseline().check_input("2601", {"data": GOOD})
    fields.baseline().check_input("2204", {"feedetail": [LINE, LINE]})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"omsgid": "H" * 31}, "data.omsgid"),
        ({"omsgid": ""}, "data.omsgid"),
        ({"psn_no": None}, "data.psn_no"),
        ({"psn_no": 900000001}, "data.psn_no"),
        ({"psnno": "1"}, "data.psnno"),
        ({"oinfno": "2207A"}, "data.oinfno"),
    ],
)
def test_a_wrong_name_length_type_or_absence_is_refused(change: dict[str, Json], path: str) -> None:
    with pytest.raises(UnsendableMessage) as refused:
        fields.baseline().check_input("2601", {"data": GOOD | change})
    assert refused.value.path == path


@pytest.mark.parametrize(
    "change",
    [
        {"det_item_fee_sumamt": Decimal("12.305")},
        {"cnt": Decimal("1.00001")},
        {"pric": Decimal("1.0000001")},
        {"pric": "1e3"},
        {"cnt": True},
        {"cnt": Decimal("NaN")},
        {"fee_ocur_time": "2025-09-01"},
        {"det_item_fee_sumamt": Decimal(10) ** 16},
    ],
)
def test_numbers_and_times_keep_to_their_precision(change: dict[str, Json]) -> None:
    with pytest.raises(UnsendableMessage):
        fields.baseline().check_input("2204", {"feedetail": [LINE, LINE | change]})


def test_the_refusal_never_repeats_the_value() -> None:
    with pytest.raises(UnsendableMessage) as refused:
        fields.baseline().check_input("2601", {"data": GOOD | {"omsgid": "SECRET" * 9}})
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": "x"}, {"data": GOOD, "more": {}}])
def test_nodes_are_checked_too(body: dict[str, Json]) -> None:
    with pytest.raises(UnsendableMessage):
        fields.baseline().check_input("2601", body)


def test_a_province_lays_its_own_lengths_over_the_table() -> None:
    table = fields.baseline().with_lengths({"oinfno": "5"})
    table.check_input("2601", {"data": GOOD | {"oinfno": "2207A"}})
    table.check_input("2601", {"data": GOOD})


def test_every_field_says_what_it_is_in_chinese_and_where_it_was_read() -> None:
    for own in fields.baseline().rows.values():
        for field in own.values():
            assert field.zh
            assert field.source in {"JX", "HSA-3260"}
            assert field.io in {"in", "out", "file_in", "file_out"}
    assert fields.chinese_name("2207", "out", "setlinfo", "hifp_pay") == "基本医疗保险统筹基金支出"
