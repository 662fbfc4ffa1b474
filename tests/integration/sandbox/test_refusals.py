"""What a platform does not accept: at its gateway, in its envelope, in its business."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.sandbox.server import NotInProduction
from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.hospital import (
    PEOPLE,
    FakeClock,
    Hospital,
    Node,
    Reply,
    citizen,
    fee_line,
    registration,
    sandbox_for,
)

EVERYWHERE = pytest.mark.parametrize("province", ["shanghai", "jiangsu", "zhejiang", "anhui"])
GATED = pytest.mark.parametrize("province", ["jiangsu", "zhejiang", "anhui"])


def who_is(certno: str) -> Node:
    return {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": certno} | citizen(certno)}


def refused_text(reply: Reply) -> str:
    assert not reply.ok
    text: str = reply.body["err_msg"]
    return text


@EVERYWHERE
async def test_a_wrong_secret_is_refused_at_the_gateway(opened: Opener, province: str) -> None:
    _, hospital = await opened(province)
    certno = PEOPLE[province]["active"]["certno"]
    reply = await hospital.send("1101", who_is(certno), secret="another")
    assert (reply.status, reply.body["message"]) == (401, "签名不一致!")


@EVERYWHERE
async def test_an_unsigned_request_is_refused_at_the_gateway(opened: Opener, province: str) -> None:
    _, hospital = await opened(province)
    body = json.dumps(hospital.envelope("1101", "m") | {"input": {}}).encode()
    reply = await hospital.post("/fsi/api/rsfComIfsService/callService", body, {})
    assert (reply.status, reply.body["message"]) == (401, "缺少服务网关的请求头!")


@GATED
async def test_an_old_timestamp_is_refused_at_the_gateway(opened: Opener, province: str) -> None:
    sandbox, hospital = await opened(province)
    hospital.clock = FakeClock(hospital.clock.now)
    hospital.clock.advance(minutes=-31)
    certno = PEOPLE[province]["active"]["certno"]
    reply = await hospital.send("1101", who_is(certno))
    assert (reply.status, reply.body["message"]) == (401, "签名时间戳超时!")
    assert sandbox.state()["calls"] == {}


@EVERYWHERE
async def test_a_paused_person_is_identified_and_not_registered(
    opened: Opener, province: str
) -> None:
    _, hospital = await opened(province)
    person = PEOPLE[province]["paused"]
    found = await hospital.identify(person["certno"])
    assert found["insuinfo"][0]["psn_insu_stas"] == "4"
    order = registration(person) | {"psn_no": person["psn_no"], "insutype": "310"}
    assert "暂停参保" in refused_text(await hospital.send("2201", {"data": order}))


@EVERYWHERE
async def test_an_unknown_person_is_a_refusal_that_repeats_no_number(
    opened: Opener, province: str
) -> None:
    _, hospital = await opened(province)
    stranger = "003118195203158882"
    text = refused_text(await hospital.send("1101", who_is(stranger)))
    assert stranger not in text


@EVERYWHERE
async def test_one_person_may_have_several_insured_rows(opened: Opener, province: str) -> None:
    _, hospital = await opened(province)
    found = await hospital.identify(PEOPLE[province]["two_rows"]["certno"])
    assert [row["insutype"] for row in found["insuinfo"]] == ["310", "390"]


BAD_LINES = [
    (fee_line("1", "SYN-NO-SUCH", "1", "1.00", "1.00"), "目录编码"),
    (fee_line("1", "SYN-TB01-0001", "2", "600.00", "1200.01"), "单价乘数量"),
    (fee_line("1", "SYN-TB01-0001", "1", "1.00", "1.001"), "两位小数"),
    (fee_line("1", "SYN-TB01-0001", "-1", "1.00", "-1.00"), "未找到原费用"),
    (fee_line("1", "SYN-TB01-0001", "1", "", "1.00"), "不能为空"),
]


@pytest.mark.parametrize(("line", "expected"), BAD_LINES)
async def test_one_bad_row_fails_the_whole_upload(
    opened: Opener, line: Node, expected: str
) -> None:
    _, hospital = await opened("shanghai")
    person = PEOPLE["shanghai"]["active"]
    good = fee_line("9", "SYN-TA01-0001", "1", "25.00", "25.00")
    visit = await hospital.outpatient_visit(person, [good])
    more = {"mdtrt_id": visit, "psn_no": person["psn_no"], "chrg_bchno": "B2"}
    rows = [fee_line("8", "SYN-TA01-0001", "1", "25.00", "25.00") | more, line | more]
    assert expected in refused_text(await hospital.send("2204", {"feedetail": rows}))
    order = hospital.settlement(person, visit, "25.00", parts=("0", "0", "0", "25.00"), batch="B2")
    assert "没有可结算" in refused_text(await hospital.send("2207", order))


async def test_a_total_that_is_not_the_lines_total_is_refused(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    person = PEOPLE["shanghai"]["active"]
    line = fee_line("1", "SYN-TA01-0001", "1", "25.00", "25.00")
    visit = await hospital.outpatient_visit(person, [line])
    order = hospital.settlement(person, visit, "26.00", parts=("0", "0", "0", "25.00"))
    assert "medfee_sumamt" in refused_text(await hospital.send("2207", order))


async def test_more_than_a_hundred_inpatient_rows_are_refused(opened: Opener) -> None:
    _, hospital = await opened("jiangsu")
    row = fee_line("1", "SYN-TA01-0001", "1", "25.00", "25.00")
    rows = [row | {"mdtrt_id": "x", "psn_no": "x", "med_type": "2101"}] * 101
    assert "100" in refused_text(await hospital.send("2301", {"feedetail": rows}))


async def test_another_body_under_a_known_msgid_is_refused(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    person = PEOPLE["shanghai"]["active"]
    order = registration(person) | {"psn_no": person["psn_no"], "insutype": "310"}
    msgid = hospital.next_msgid()
    assert (await hospital.send("2201", {"data": order}, msgid=msgid)).ok
    other = {"data": order | {"dept_name": "外科"}}
    assert "重复" in refused_text(await hospital.send("2201", other, msgid=msgid))


async def test_zhejiang_takes_only_its_variants_on_their_own_paths(opened: Opener) -> None:
    _, hospital = await opened("zhejiang")
    envelope = hospital.envelope("2207", "m1")
    body, headers = hospital.sign(envelope, {"data": {}}, "demo-secret")
    assert "不支持" in refused_text(await hospital.post("/fsi/api/2207", body, headers))
    envelope = hospital.envelope("2207A", "m2")
    body, headers = hospital.sign(envelope, {"data": {}}, "demo-secret")
    assert "路径" in refused_text(await hospital.post("/fsi/api/2207A", body, headers))


async def test_2601_takes_back_only_the_seven(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    psn_no = PEOPLE["shanghai"]["active"]["psn_no"]
    order = {"data": {"psn_no": psn_no, "omsgid": "m", "oinfno": "2201"}}
    assert "不允许冲正" in refused_text(await hospital.send("2601", order))


async def test_a_person_of_another_pooling_region_is_not_ours(opened: Opener) -> None:
    _, hospital = await opened("shanghai")
    certno = PEOPLE["shanghai"]["active"]["certno"]
    reply = await hospital.send("1101", who_is(certno), insured_area="320509")
    assert "参保地" in refused_text(reply)


def notice(sign: str = "") -> Node:
    return {"rows": [{
        "seqno": 1, "mdtrtarea": "310118", "medins_no": "H00310000001",
        "certno": PEOPLE["zhejiang"]["active"]["certno"], "mdtrt_id": "S3304002509300000001",
        "mdtrt_setl_time": "2025-09-30 10:00:00", "setl_sn": "A3304002509300000001",
        "fulamt_advpay_flag": "0", "medfee_sumamt": f"{sign}1275.00",
        "optins_pay_sumamt": f"{sign}423.00",
    }]}  # fmt: skip


async def test_the_tif_gateway_takes_a_nonce_once_within_ten_minutes(opened: Opener) -> None:
    _, hospital = await opened("anhui")
    certno = PEOPLE["anhui"]["active"]["certno"]
    envelope = hospital.envelope("1101", hospital.next_msgid())
    body, headers = hospital.sign(envelope, who_is(certno), "demo-secret")
    path = "/fsi/api/rsfComIfsService/callService"
    assert (await hospital.post(path, body, headers)).ok
    again = await hospital.post(path, body, headers)
    assert (again.status, again.body["message"]) == (401, "签名随机数重复!")
    hospital.clock.advance(minutes=11)
    hospital.signed = 0
    body, headers = hospital.sign(envelope, who_is(certno), "demo-secret")
    assert (await hospital.post(path, body, headers)).ok


@pytest.mark.parametrize(
    ("province", "name", "change", "text"),
    [
        ("anhui", "x-tif-signature", str.upper, "签名不一致!"),
        ("anhui", "x-tif-timestamp", lambda stamp: stamp + "000", "签名时间戳超时!"),
        ("anhui", "x-tif-timestamp", lambda stamp: str(int(stamp) - 181), "签名时间戳超时!"),
        ("anhui", "x-tif-nonce", lambda _: "another", "签名不一致!"),
        ("anhui", "x-tif-paasid", lambda _: "another", "非法用户!"),
        ("anhui", "x-tif-nonce", lambda _: "", "缺少服务网关的请求头!"),
        ("jiangsu", "_api_timestamp", lambda stamp: stamp[:-3], "签名时间戳超时!"),
        ("jiangsu", "_api_signature", str.swapcase, "签名不一致!"),
        ("jiangsu", "_api_access_key", lambda _: "another", "非法用户!"),
        ("jiangsu", "_api_version", lambda _: "9.9.9", "签名不一致!"),
        ("zhejiang", "x-ca-signature", str.lower, "签名不一致!"),
        ("zhejiang", "x-ca-signature", lambda given: given[:10] + given[13:], "签名时间戳超时!"),
        ("zhejiang", "x-ca-key", lambda _: "another", "非法用户!"),
    ],
)
async def test_a_gateway_is_strict_about_case_unit_window_and_what_is_signed(
    opened: Opener, province: str, name: str, change: Callable[[str], str], text: str
) -> None:
    _, hospital = await opened(province)
    envelope = hospital.envelope("1101", hospital.next_msgid())
    certno = PEOPLE[province]["active"]["certno"]
    body, headers = hospital.sign(envelope, who_is(certno), "demo-secret")
    headers[name] = change(headers[name])
    reply = await hospital.post("/fsi/api/rsfComIfsService/callService", body, headers)
    assert (reply.status, reply.body["message"]) == (401, text)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b'"enc_type": "SM4"', b'"enc_type": ""', "缺少服务网关的请求头!"),
        (b'"signtype": "SM2"', b'"signtype": "SM3"', "缺少服务网关的请求头!"),
        (b'"cainfo": "', b'"cainfo": "AAAA', "签名不一致!"),
        (b'"input": "', b'"input": "00', "签名不一致!"),
        (b'"input": "', b'"input": "zz', "签名不一致!"),
    ],
)
async def test_the_sm2_gateway_takes_only_what_is_signed_and_encrypted(
    opened: Opener, old: bytes, new: bytes, text: str
) -> None:
    _, hospital = await opened("shanghai")
    certno = PEOPLE["shanghai"]["active"]["certno"]
    envelope = hospital.envelope("1101", hospital.next_msgid())
    body, headers = hospital.sign(envelope, who_is(certno), "demo-secret")
    assert body.count(old) == 1
    reply = await hospital.post(
        "/fsi/api/rsfComIfsService/callService", body.replace(old, new), headers
    )
    assert (reply.status, reply.body["message"]) == (401, text)


async def tell(hospital: Hospital, rows: Node) -> Reply:
    envelope = hospital.envelope("3260N", hospital.next_msgid())
    body, headers = hospital.sign(envelope, rows, "demo-secret")
    return await hospital.post("/yrd/assumption/visited-settlement", body, headers)


async def test_the_visited_region_is_told_once_however_often_it_is_told(opened: Opener) -> None:
    sandbox, hospital = await opened("shanghai")
    first, again = await tell(hospital, notice()), await tell(hospital, notice())
    back = await tell(hospital, notice("-"))
    assert first.output == {"result": {"accepted": 1, "repeated": 0}}
    assert again.output == {"result": {"accepted": 0, "repeated": 1}}
    assert back.output == {"result": {"accepted": 1, "repeated": 0}}
    changed = notice()
    changed["rows"][0]["medfee_sumamt"] = "1275.01"
    assert not (await tell(hospital, changed)).ok
    told = sandbox.state()["visited_settlements"]
    assert isinstance(told, list)
    assert [row["times"] for row in told] == [2, 1]


def test_it_refuses_to_run_in_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YRD_ENVIRONMENT", "production")
    with pytest.raises(NotInProduction):
        sandbox_for("shanghai", tmp_path, FakeClock())
