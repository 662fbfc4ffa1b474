"""对账 built and read: exact amounts, exact columns, every row that cannot be trusted named."""

from __future__ import annotations

import base64
import io
import json
import time
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from adapters.baseline import txt_zip
from adapters.baseline.codec import Message
from adapters.baseline.envelope import Reply
from adapters.baseline.errors import AnotherReply, BrokenAnswer, UnsendableMessage
from adapters.baseline.statements import RemoteFile
from adapters.baseline.wire import Node
from gateway.domain.errors import InvariantViolated
from gateway.ports import (
    OurRow,
    StatementKey,
    StatementOrder,
    StatementResult,
    StatementTotals,
)
from tests.unit.adapters.people import CLASSES, codec, context

KEY = StatementKey("", "11", "310000", date(2025, 9, 10), date(2025, 9, 10))
FORWARD = OurRow("A1", "S1", "900000001", 123_456, 100_000, 3_456, refund=False)
REFUND = OurRow("A2", "S1", "900000001", -123_456, -100_000, -3_456, refund=True)
MSGIDS = ("m1", "m2", "m3")


def totals(*rows: OurRow, refund: bool | None = None) -> StatementTotals:
    total, fund, account = (
        sum(getattr(row, name) for row in rows) for name in ("total_fen", "fund_fen", "account_fen")
    )
    return StatementTotals(KEY, total, fund, account, total - fund - account, len(rows), refund)


def order(*rows: OurRow) -> StatementOrder:
    return StatementOrder(totals(*rows), rows, MSGIDS)


def given(message: Message) -> Any:
    return json.loads(message.body)["input"]


def uploaded(province: str, message: Message) -> list[str]:
    """The lines of the TXT, as the platform would find them."""
    data = given(message)["fsUploadIn"]["in"]
    if codec(province).profile.files.file_bytes == "base64":
        content = base64.b64decode(data, validate=True)
    else:
        assert all(-128 <= byte <= 127 for byte in data)
        content = bytes(byte % 256 for byte in data)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return archive.read(name).decode("utf-8").splitlines()


def reply(output: Node) -> Reply:
    return Reply("0", "", "", output, "", {}, b"")


def result(*lines: str) -> bytes:
    return txt_zip.pack("r.txt", [line.split("|") for line in lines])


# --- out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("province", CLASSES)
def test_totals_say_what_3201_asks_and_nothing_twice(province: str) -> None:
    ours = replace(totals(FORWARD), key=replace(KEY, scheme_code="310"), refund=False)
    data = given(codec(province).statement_totals(context(province), ours))["data"]
    assert data.pop("medfee_sumamt") in (1234.56, "1234.56")
    assert data.pop("fund_pay_sumamt") in (1000.00, "1000.00")
    assert data.pop("acct_pay") in (34.56, "34.56")
    assert data.pop("fixmedins_setl_cnt") in (1, "1")
    assert data == {
        "insutype": "310",
        "clr_type": "11",
        "setl_optins": "310000",
        "stmt_begndate": "2025-09-10",
        "stmt_enddate": "2025-09-10",
        "refd_setl_flag": "0",
    }


@pytest.mark.parametrize("province", CLASSES)
def test_the_upload_holds_each_row_in_the_tables_order(province: str) -> None:
    message = codec(province).statement_upload(context(province), order(FORWARD, REFUND))
    assert uploaded(province, message) == [
        "A1\tS1\t900000001\t1234.56\t1000.00\t34.56\t0",
        "A2\tS1\t900000001\t-1234.56\t-1000.00\t-34.56\t1",
    ]
    node = given(message)["fsUploadIn"]
    assert node["filename"] == "H00310000001_20250910_20250910_11_310000.zip"
    assert node["fixmedins_code"] == "H00310000001"


def test_the_detail_has_cash_where_the_totals_have_account_money_and_no_scheme() -> None:
    speak, ctx = codec("shanghai"), context("shanghai")
    message = speak.statement_detail(ctx, totals(FORWARD), RemoteFile("F1", "a.zip"))
    data = given(message)["data"]
    assert data["cash_payamt"] == 200.00
    assert data["file_qury_no"] == "F1"
    assert data["refd_setl_flag"] == ""
    assert not {"acct_pay", "insutype"} & data.keys()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"settlement_id": ""}, "file[2].setl_id: required and empty"),
        ({"settlement_id": "A" * 31}, "file[2].setl_id: longer than 30"),
        ({"visit_id": "S\t1"}, "file: no cell of a TXT can hold this value"),
        ({"person_no": "null"}, "file: no cell of a TXT can hold this value"),
    ],
)
def test_a_row_that_cannot_be_sent_is_named(change: dict[str, str], says: str) -> None:
    bad = replace(REFUND, **change)  # type: ignore[arg-type]  # only text fields are changed
    with pytest.raises(UnsendableMessage) as refused:
        codec("shanghai").statement_upload(context("shanghai"), order(FORWARD, bad))
    assert f"{refused.value.path}: {refused.value.problem}" == says


def test_an_order_that_does_not_add_up_cannot_be_made() -> None:
    good = order(FORWARD, REFUND)
    for wrong in (
        {"totals": replace(good.totals, total_fen=1)},
        {"totals": replace(good.totals, fund_fen=1)},
        {"totals": replace(good.totals, account_fen=1)},
        {"totals": replace(good.totals, refund=True)},
        {"totals": replace(good.totals, key=replace(KEY, scheme_code="310"))},
        {"msgids": ("m1", "m1", "m3")},
        {"msgids": ("m1", "", "m3")},
    ):
        with pytest.raises(InvariantViolated):
            replace(good, **wrong)
    with pytest.raises(InvariantViolated):
        replace(KEY, last_day=date(2025, 9, 9))


# --- back --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("province", "code", "balanced"),
    [
        ("shanghai", "0", True),
        ("shanghai", "1", False),
        ("jiangsu", "0", True),
        ("jiangsu", "1", False),
        ("jiangsu", "2", False),
        ("zhejiang", "7", False),
    ],
)
def test_only_the_code_that_means_balanced_balances(
    province: str, code: str, balanced: bool
) -> None:
    info: Node = {"setl_optins": "310000", "stmt_rslt": code, "stmt_rslt_dscr": "话"}
    verdict = codec(province).read_statement_totals(reply({"stmtinfo": info}), totals(FORWARD))
    assert (verdict.balanced, verdict.code, verdict.text) == (balanced, code, "话")


def test_a_verdict_of_another_office_or_without_a_result_is_no_answer() -> None:
    speak = codec("shanghai")
    for info, kind in (
        ({"setl_optins": "320500", "stmt_rslt": "0"}, AnotherReply),
        ({"stmt_rslt_dscr": "平"}, BrokenAnswer),
    ):
        with pytest.raises(kind):
            speak.read_statement_totals(reply({"stmtinfo": info}), totals(FORWARD))
    with pytest.raises(BrokenAnswer):
        speak.read_statement_totals(reply({}), totals(FORWARD))


def test_files_are_known_by_what_the_centre_calls_them() -> None:
    speak, ctx = codec("shanghai"), context("shanghai")
    kept: Node = {"file_qury_no": "F1", "filename": "a.zip", "fixmedins_code": "H00310000001"}
    assert speak.read_statement_upload(reply(kept), ctx) == RemoteFile("F1", "a.zip")
    assert speak.read_statement_detail(reply({"fileinfo": kept})) == RemoteFile("F1", "a.zip")
    with pytest.raises(AnotherReply):
        speak.read_statement_upload(reply({**kept, "fixmedins_code": "H0"}), ctx)
    with pytest.raises(BrokenAnswer):
        speak.read_statement_upload(reply({**kept, "file_qury_no": ""}), ctx)
    with pytest.raises(BrokenAnswer):
        speak.read_statement_detail(reply(kept))


def test_a_result_is_read_with_its_amounts_or_without() -> None:
    speak = codec("shanghai")
    (only_theirs, differs) = speak.read_statement_result(
        result("P1|||M1|1|0||12.30|10.00|2.3", "P1|S1|A1|M2|3|1|备注|-12.30||0")
    )
    assert (only_theirs.msgid, only_theirs.settlement_id, only_theirs.visit_id) == ("M1", "", "")
    assert (only_theirs.total_fen, only_theirs.fund_fen, only_theirs.account_fen) == (
        1230,
        1000,
        230,
    )
    assert only_theirs.result is StatementResult.CENTRE_MORE
    # Not given is not 0, and 0 is given.
    assert (differs.total_fen, differs.fund_fen, differs.account_fen) == (-1230, None, 0)
    assert (differs.refund, differs.memo, differs.result) == (True, "备注", StatementResult.DIFFER)
    (short,) = speak.read_statement_result(result("P1|S1|A1|M1|1|0|"))
    assert (short.total_fen, short.fund_fen, short.account_fen) == (None, None, None)
    assert speak.read_statement_result(result()) == ()


def test_the_same_code_means_what_this_province_means_and_an_unknown_one_is_kept() -> None:
    row = result("P1|||M1|1|0|", "P1|||M2|9|0|")
    here, unknown = codec("jiangsu").read_statement_result(row)
    there, _ = codec("zhejiang").read_statement_result(row)
    assert (here.result, there.result) == (StatementResult.DIFFER, StatementResult.CENTRE_MORE)
    assert (unknown.result, unknown.result_code) == (None, "9")


def test_a_line_of_names_is_written_and_asked_for_where_a_province_has_one() -> None:
    plain = codec("shanghai")
    files = replace(plain.profile.files, line_of_names=True)
    named = type(plain)(replace(plain.profile, files=files), plain.scheme)
    message = named.statement_upload(context("shanghai"), order(FORWARD))
    assert uploaded("shanghai", message)[0].split("\t")[:3] == ["setl_id", "mdtrt_id", "psn_no"]
    names = "psn_no|mdtrt_id|setl_id|msgid|stmt_rslt|refd_setl_flag|memo"
    (row,) = named.read_statement_result(result(names, "P1|S1|A1|M1|3|0|"))
    assert row.msgid == "M1"
    for wrong in (result("P1|S1|A1|M1|3|0|"), result(names.replace("memo", "note"))):
        with pytest.raises(BrokenAnswer):
            named.read_statement_result(wrong)
    with pytest.raises(BrokenAnswer):
        plain.read_statement_result(result(names, "P1|S1|A1|M1|3|0|"))


@pytest.mark.parametrize(
    ("line", "path", "problem"),
    [
        ("P1|S1|A1|M1|1|0", "9102.file[2]", "6 columns"),
        ("P1|S1|A1|M1|1|0||1.00", "9102.file[2]", "8 columns"),
        ("P1|S1|A1|M1|1|0||1.00|1.00|1.00", "9102.file[2]", "10 columns"),
        ("", "9102.file[2]", "1 columns"),
        ("P1|S1|A1|M1||0|", "9102.file[2].stmt_rslt", "missing"),
        ("P1|S1|A1|M1|1|2|", "9102.file[2].refd_setl_flag", "neither 0 nor 1"),
        ("P1|S1|A1|M1|1||", "9102.file[2].refd_setl_flag", "neither 0 nor 1"),
        ("P1|S1|||1|0|", "9102.file[2]", "neither msgid nor setl_id: nothing to join it by"),
    ],
)
def test_a_row_that_cannot_be_trusted_breaks_the_whole_file(
    line: str, path: str, problem: str
) -> None:
    with pytest.raises(BrokenAnswer) as broken:
        codec("shanghai").read_statement_result(result("P1|S1|A1|M1|1|0|", line))
    assert (broken.value.path, broken.value.problem) == (path, problem)


@pytest.mark.parametrize("amount", ["12.305", "1e3", "12,30", "十", "--1", "9" * 17, "NaN"])
def test_an_amount_is_exact_or_the_file_is_broken(amount: str) -> None:
    with pytest.raises(BrokenAnswer) as broken:
        codec("shanghai").read_statement_result(result(f"P1|S1|A1|M1|3|0||1.00|{amount}|0"))
    assert broken.value.path == "9102.file[1].fund_pay_sumamt"


def test_a_day_of_a_hundred_thousand_settlements_goes_through_in_seconds() -> None:
    speak, ctx = codec("shanghai"), context("shanghai")
    many = tuple(
        OurRow(f"A310000250910{n:07}", f"S{n:07}", f"{n:09}", 100, 70, 30, refund=False)
        for n in range(100_000)
    )
    begun = time.process_time()
    message = speak.statement_upload(ctx, order(*many))
    assert len(message.body) < 8 * 1024 * 1024
    packed = txt_zip.pack("r.txt", (_centres_row(n) for n in range(100_000)))
    assert len(speak.read_statement_result(packed)) == 100_000
    assert time.process_time() - begun < 30


def test_reading_holds_little_more_than_the_rows() -> None:
    packed = txt_zip.pack("r.txt", (_centres_row(n) for n in range(5_000)))
    speak = codec("shanghai")
    tracemalloc.start()
    rows = speak.read_statement_result(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(rows) < 1_000


def _centres_row(n: int) -> list[str]:
    msgid = f"H0031000000120250910{n:010}"
    return [f"{n:09}", "", "", msgid, "1", "0", "中心多", "1.00", "0.70", "0.30"]
