"""对账 as a platform sees it: which day and whose rows, files it refuses, files it forgets."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import timedelta

import pytest

from adapters.sandbox.context import Rules
from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import PEOPLE, POOLS, Hospital, Node, Reply, fee_line

PARTS = ("0.00", "0.00", "0.00", "0.00")
ROW = "A1\tS1\t900000001\t12.30\t10.00\t2.30\t0\n"


def zipped(text: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("ours.txt", text)
    return target.getvalue()


def upload(hospital: Hospital, data: bytes | str) -> Node:
    content = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {"fsUploadIn": {"in": content, "filename": "ours.zip", "fixmedins_code": hospital.code}}


def statement(hospital: Hospital, day: str, *, cash: bool = False, **more: str | int) -> Node:
    given: Node = {
        "clr_type": "11",
        "setl_optins": POOLS[hospital.province],
        "stmt_begndate": day,
        "stmt_enddate": day,
        "medfee_sumamt": "0.00",
        "fund_pay_sumamt": "0.00",
        "cash_payamt" if cash else "acct_pay": "0.00",
        "fixmedins_setl_cnt": 0,
        "refd_setl_flag": "",
    }
    if not cash:
        given["insutype"] = "310"
    return {"data": given | more}


async def settled(hospital: Hospital, batch: str = "B1") -> tuple[Node, Reply]:
    """One visit of the active person, settled now."""
    found = PEOPLE[hospital.province]["active"]
    line = fee_line("1", "SYN-XA01-0001", "2", "100.00", "200.00")
    visit = await hospital.outpatient_visit(found, [line], batch=batch)
    given = hospital.settlement(
        found, visit, "200.00", parts=("0.00", "0.00", "0.00", "200.00"), batch=batch
    )
    return found, await hospital.send("2207", given)


async def result_rows(hospital: Hospital, reply: Reply) -> list[list[str]]:
    """9102 of what a 3202 answered."""
    info = reply.output["fileinfo"]
    given = {
        "fsDownloadIn": {
            "file_qury_no": info["file_qury_no"],
            "filename": info["filename"],
            "fixmedins_code": hospital.code,
        }
    }
    body, headers = hospital.sign(
        hospital.envelope("9102", hospital.next_msgid()), given, "demo-secret"
    )
    url = f"{hospital.url}/fsi/api/rsfComIfsService/callService"
    async with hospital.session.post(url, data=body, headers=headers) as answer:
        assert answer.content_type == "application/zip"
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
            (name,) = archive.namelist()
            return [line.split("\t") for line in archive.read(name).decode().splitlines()]


async def everything_of(hospital: Hospital, day: str, **more: str | int) -> list[list[str]]:
    """The detail of a day against an empty upload: all that the centre has."""
    kept = await hospital.send("9101", upload(hospital, zipped("")))
    number = kept.output["file_qury_no"]
    asked = statement(hospital, day, cash=True, file_qury_no=number, **more)
    return await result_rows(hospital, await hospital.send("3202", asked))


async def test_a_settlement_belongs_to_the_day_of_the_centres_clock(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    hospital.clock.now = hospital.clock.now.replace(hour=15, minute=59, second=59)
    _, before = await settled(hospital)
    hospital.clock.advance(seconds=1)
    _, after = await settled(hospital)
    for reply, day in ((before, "2025-09-30"), (after, "2025-10-01")):
        (row,) = await everything_of(hospital, day)
        assert row[1:4] == ["null", "null", reply.setlinfo["medins_setl_id"]]
    assert await everything_of(hospital, "2025-10-02") == []
    assert len(await everything_of(hospital, "2025-09-30", stmt_enddate="2025-10-01")) == 2


async def test_a_statement_is_of_one_institution_one_type_one_office_one_direction(
    opened: Opener,
) -> None:
    _, hospital = await opened("jiangsu")
    found, reply = await settled(hospital)
    back = hospital.next_msgid()
    given = {"data": {
        "psn_no": found["psn_no"], "omsgid": reply.setlinfo["medins_setl_id"], "oinfno": "2207",
    }}  # fmt: skip
    assert (await hospital.send("2601", given, msgid=back)).ok
    day = "2025-09-30"
    both = await everything_of(hospital, day)
    assert [(row[3], row[5]) for row in both] == [
        (reply.setlinfo["medins_setl_id"], "0"),
        (back, "1"),
    ]
    assert await everything_of(hospital, day, refd_setl_flag="0") == both[:1]
    assert await everything_of(hospital, day, refd_setl_flag="1") == both[1:]
    assert await everything_of(hospital, day, clr_type="21") == []
    assert await everything_of(hospital, day, setl_optins="330400") == []
    other = Hospital("jiangsu", hospital.url, hospital.session, hospital.clock, "H00310000002")
    assert await everything_of(other, day) == []


async def test_whether_a_refund_counts_is_a_rule(opened: Opener) -> None:
    for counted, count in ((True, 2), (False, 1)):
        _, hospital = await opened("jiangsu", rules=Rules(refunds_counted=counted))
        hospital.clock.advance(days=count)
        found, reply = await settled(hospital, batch=f"B{count}")
        given = {"data": {
            "psn_no": found["psn_no"], "setl_id": reply.setlinfo["setl_id"],
            "mdtrt_id": reply.setlinfo["mdtrt_id"],
        }}  # fmt: skip
        assert (await hospital.send("2208", given)).ok
        day = f"{hospital.clock.now:%Y-%m-%d}"
        agreed = await hospital.send("3201", statement(hospital, day, fixmedins_setl_cnt=count))
        assert agreed.output["stmtinfo"]["stmt_rslt"] == "0"
        off = await hospital.send("3201", statement(hospital, day, fixmedins_setl_cnt=count + 1))
        assert off.output["stmtinfo"]["stmt_rslt"] == "1"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("不是", "in 文件数据应为 Base64"),
        (b"no zip", "上传文件不是可读取的 ZIP"),
        (zipped(ROW + "A2\tS2\t900000001\n"), "上传文件第 2 行应有 7 列"),
        (zipped(ROW + ROW), "上传文件中结算ID重复"),
        (zipped(ROW.replace("A1", "null")), "上传文件第 1 行缺少必填列"),
        (zipped(ROW.replace("12.30", "12.305")), "上传文件第 1 行 金额超过两位小数"),
        (zipped(ROW), "对账汇总金额与上传明细合计不一致"),
    ],
)
async def test_an_upload_that_cannot_be_compared_is_refused_in_words(
    opened: Opener, data: bytes | str, text: str
) -> None:
    _, hospital = await opened("jiangsu")
    kept = await hospital.send("9101", upload(hospital, data))
    if kept.ok:
        number = kept.output["file_qury_no"]
        kept = await hospital.send(
            "3202", statement(hospital, "2025-09-30", cash=True, file_qury_no=number)
        )
    assert kept.body["err_msg"] == text


async def test_a_file_is_its_institutions_and_is_forgotten_after_its_deadline(
    opened: Opener,
) -> None:
    _, hospital = await opened("jiangsu")
    message = hospital.next_msgid()
    first = await hospital.send("9101", upload(hospital, zipped("")), msgid=message)
    again = await hospital.send("9101", upload(hospital, zipped("")), msgid=message)
    number = first.output["file_qury_no"]
    assert again.output["file_qury_no"] == number
    asked = statement(hospital, "2025-09-30", cash=True, file_qury_no=number)
    other = Hospital("jiangsu", hospital.url, hospital.session, hospital.clock, "H00310000002")
    gone = "文件查询号不存在或已过下载截止时间"
    assert (await other.send("3202", asked)).body["err_msg"] == gone
    assert (await hospital.send("3202", asked)).ok
    hospital.clock.now += timedelta(days=7, seconds=1)
    assert (await hospital.send("3202", asked)).body["err_msg"] == gone
