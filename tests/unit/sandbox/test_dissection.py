"""A message taken apart: Chinese names and verdicts, and never an error."""

from __future__ import annotations

import json

import pytest

from adapters.sandbox.dissection import Grade, Seen, dissected
from adapters.sandbox.field_tables import Side, facts_of, names_zh
from adapters.sandbox.sums import sums_of
from adapters.sandbox.transactions import TABLE
from adapters.sandbox.wire import Json, dump


def seen(node: dict[str, Json], infno: str = "2207", side: Side = Side.REQUEST) -> dict[str, Seen]:
    body, name = ("input", "data") if side is Side.REQUEST else ("output", "setlinfo")
    text = dump({"infno": infno, body: {name: node}})
    sections = dissected(text, infno, side)
    return {field.name: field for field in sections[1].fields}


VERDICTS: list[tuple[str, Json, Grade, str]] = [
    ("psn_no", "330", Grade.GOOD, "合格,长度 3"),
    ("psn_no", "3" * 31, Grade.BAD, "长度 31,至多 30"),
    ("psn_no", "", Grade.BAD, "必填字段为空"),
    ("psn_no", 330, Grade.NOTE, "文本写成数值"),
    ("psn_no", ["330"], Grade.BAD, "类型不符:list"),
    ("medfee_sumamt", "12.30", Grade.NOTE, "数值写成文本"),
    ("medfee_sumamt", "12.3a", Grade.BAD, "应为数值"),
    ("invented", "1", Grade.NOTE, "不在字段表"),
]


@pytest.mark.parametrize(("name", "value", "grade", "verdict"), VERDICTS)
def test_each_field_has_a_verdict(name: str, value: Json, grade: Grade, verdict: str) -> None:
    field = seen({name: value})[name]
    assert (field.grade, field.verdict) == (grade, verdict)


def test_a_number_is_judged_by_its_digits_not_by_how_it_is_written() -> None:
    text = '{"input":{"data":{"medfee_sumamt":12.300,"inscp_scp_amt":1.005}}}'
    _, data = dissected(text, "2207", Side.REQUEST)[:2]
    found = {field.name: (field.raw, field.verdict) for field in data.fields}
    assert found["medfee_sumamt"] == ("12.300", "合格")
    assert found["inscp_scp_amt"] == ("1.005", "小数 3 位,至多 2 位")


def test_a_missing_duty_is_a_row_of_its_own() -> None:
    field = seen({})["psn_no"]
    assert (field.name_zh, field.raw, field.verdict) == ("人员编号", "", "缺少必填字段")


def test_an_empty_string_for_a_number_is_told() -> None:
    field = seen({"hifes_pay": ""}, side=Side.ANSWER)["hifes_pay"]
    assert (field.grade, field.verdict) in (
        (Grade.NOTE, "数值写成空串"),
        (Grade.BAD, "必填字段为空"),
    )


def test_rows_are_numbered_and_many_are_cut() -> None:
    text = dump({"input": {"feedetail": [{"feedetl_sn": str(at)} for at in range(60)]}})
    titles = [section.title for section in dissected(text, "2204", Side.REQUEST)]
    assert titles[1:3] == ["feedetail 第 1 行", "feedetail 第 2 行"]
    assert len(titles) == 52


def test_every_transaction_has_a_chinese_name_and_a_table_of_what_it_is_sent() -> None:
    assert set(TABLE) <= set(names_zh())
    for infno in TABLE:
        assert facts_of(infno, Side.REQUEST), infno
        for side in Side:
            assert all(fact.name_zh for fact in facts_of(infno, side)), infno


GOOD = {
    "medfee_sumamt": 12, "fund_pay_sumamt": 7, "psn_part_amt": 5, "hifp_pay": 7, "cvlserv_pay": 0,
    "hifes_pay": 0, "hifmi_pay": 0, "hifob_pay": 0, "maf_pay": 0, "oth_pay": 0, "acct_pay": "2",
    "psn_cash_pay": "3", "fulamt_ownpay_amt": 0, "overlmt_selfpay": 1, "preselfpay_amt": 1,
    "inscp_scp_amt": 10,
}  # fmt: skip


def holds(**change: object) -> list[bool | None]:
    rows = [{"fund_payamt": 7}, {"fund_payamt": 2}]
    return [item.holds for item in sums_of(json.dumps(
        {"output": {"setlinfo": GOOD | change, "setldetail": rows}}
    ))]  # fmt: skip


def test_an_answer_that_adds_up_holds_in_every_sum() -> None:
    assert holds() == [True] * 5
    assert holds(psn_cash_pay=None, pdn_cash_pay="3") == [True] * 5


def test_a_fen_too_many_is_shown_where_it_stands_and_a_missing_amount_is_no_verdict() -> None:
    assert holds(psn_cash_pay="3.01") == [True, True, False, True, True]
    assert holds(psn_part_amt=None) == [None, True, None, True, True]
    assert holds(hifp_pay="") == [True, None, True, True, True]
