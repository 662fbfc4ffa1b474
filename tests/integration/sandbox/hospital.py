"""一家医院: a small hospital client for tests; signs by its own code, speaks one province's wire.

Shares nothing with adapters/ but its crypto library: SM3 comes from OpenSSL through hashlib here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from adapters.sandbox import Sandbox
from adapters.sandbox.context import Rules
from adapters.sm.provider import SmProvider
from adapters.sm.selection import need_sm2
from adapters.sm.sm4 import national_hall_ecb_decrypt, national_hall_ecb_encrypt
from gateway.demo.dev_keys import dev_key

POLICIES = Path(__file__).parents[3] / "gateway" / "policies"
SECRETS = {"access_key": "demo-access-key-1", "secret": "demo-secret"}
CALLER, PLATFORM = dev_key(lambda: bytes([1]) * 32), dev_key(lambda: bytes([2]) * 32)
SM2_SECRETS = {
    "sm2_private_key": PLATFORM.pem.decode(),
    "sm2_caller_key": CALLER.public.pem.decode(),
}
POOLS = {"shanghai": "310000", "jiangsu": "320500", "zhejiang": "330400", "anhui": "348800"}
COUNTIES = {"shanghai": "310118", "jiangsu": "320509", "zhejiang": "330421", "anhui": "348801"}
INPATIENT = {"shanghai": "21", "jiangsu": "2101", "zhejiang": "21", "anhui": "21"}
VARIANTS = {
    "zhejiang": {"2203", "2206", "2207", "2303", "2304"},
    "anhui": {"2206", "2207"},
}

Node = dict[str, Any]


@dataclass
class FakeClock:
    """Aware time that moves only when told."""

    now: datetime = datetime(2025, 9, 30, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: int) -> None:
        self.now += timedelta(**span)


@dataclass
class Reply:
    """One HTTP answer; amounts are Decimal."""

    status: int
    text: str

    @property
    def body(self) -> Node:
        parsed: Node = json.loads(self.text, parse_float=Decimal)
        return parsed

    @property
    def ok(self) -> bool:
        return str(self.body["infcode"]) == "0"

    @property
    def output(self) -> Node:
        assert self.ok, self.body["err_msg"]
        output: Node = self.body["output"]
        return output

    @property
    def setlinfo(self) -> Node:
        info: Node = self.output["setlinfo"]
        return info

    def fen(self, name: str) -> int:
        return int(Decimal(str(self.setlinfo[name])) * 100)


@dataclass
class Hospital:
    """Sends one institution's messages to one platform."""

    province: str
    url: str
    session: aiohttp.ClientSession
    clock: FakeClock
    code: str = "H00310000001"
    area: str = "310118"
    sequence: int = field(default=0)
    signed: int = field(default=0)
    """How many requests were signed: 安徽's gateway takes a nonce once."""

    def next_msgid(self) -> str:
        self.sequence += 1
        return f"{self.code}{self.clock.now:%Y%m%d%H%M%S}{self.sequence:04}"

    def envelope(self, infno: str, msgid: str, insured_area: str = "") -> Node:
        return {
            "infno": infno,
            "msgid": msgid,
            "mdtrtarea_admvs": self.area,
            "insuplc_admdvs": insured_area or COUNTIES[self.province],
            "recer_sys_code": "MBS_LOCAL",
            "dev_no": "",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "test",
            "opter_name": "测试操作员",
            "inf_time": "2025-09-30 10:00:00",
            "fixmedins_code": self.code,
            "fixmedins_name": "示例医院",
            "sign_no": "",
        }

    def numbered(self, infno: str) -> str:
        return f"{infno}A" if infno in VARIANTS.get(self.province, ()) else infno

    async def send(
        self,
        infno: str,
        given: Node,
        *,
        msgid: str = "",
        fault: str = "",
        insured_area: str = "",
        secret: str = SECRETS["secret"],
    ) -> Reply:
        """One call; raises aiohttp.ClientError when the connection is cut."""
        infno = self.numbered(infno)
        envelope = self.envelope(infno, msgid or self.next_msgid(), insured_area)
        body, headers = self.sign(envelope, given, secret)
        path = "/fsi/api/rsfComIfsService/callService"
        if self.province == "zhejiang":
            path = f"/fsi/api/{infno}"
            if infno == "2207A":
                path = "/fsi/api/outpatientSettleService/saveSettletmentA"
        if fault:
            headers["x-sandbox-fault"] = fault
        return await self.post(path, body, headers)

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            text = await answer.text()
        if self.province == "shanghai" and answer.status == 200:
            text = opened(text)
        return Reply(answer.status, text)

    def sign(self, envelope: Node, given: Node, secret: str) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a signed request; `input` is the envelope's last member."""
        text = json.dumps(given, ensure_ascii=False)
        stamp = str(int(self.clock.now.timestamp()) * 1000)
        headers: dict[str, str] = {}
        if self.province == "shanghai":
            cainfo = base64.b64encode(sm2().sign(CALLER, text.encode())).decode()
            envelope = envelope | {"signtype": "SM2", "cainfo": cainfo, "enc_type": "SM4"}
            text = json.dumps(national_hall_ecb_encrypt(sm4_key(secret), text.encode()).hex())
        body = (json.dumps(envelope)[:-1] + f', "input": {text}}}').encode()
        if self.province == "jiangsu":
            headers = {
                "_api_access_key": SECRETS["access_key"],
                "_api_name": str(envelope["infno"]),
                "_api_timestamp": stamp,
                "_api_version": "1.0.0",
            }
            line = "&".join(f"{name}={value}" for name, value in headers.items())
            digest = hmac.new(secret.encode(), line.encode(), "sha1").digest()
            headers["_api_signature"] = base64.b64encode(digest).decode()
        if self.province == "anhui":
            self.signed += 1
            stamp, nonce = stamp[:-3], f"n{self.signed}"
            joined = f"{stamp}{secret}{nonce}{stamp}"
            headers = {
                "x-tif-paasid": SECRETS["access_key"],
                "x-tif-timestamp": stamp,
                "x-tif-nonce": nonce,
                "x-tif-signature": hashlib.sha256(joined.encode()).hexdigest(),
            }
        if self.province == "zhejiang":
            signed = stamp.encode() + b"\n" + body
            digest_text = hmac.new(secret.encode(), signed, "sm3").hexdigest().upper()
            headers = {
                "x-ca-key": SECRETS["access_key"],
                "x-ca-signature": f"{stamp}:{digest_text}",
            }
        return body, headers

    # -- what a hospital does ------------------------------------------------------------------

    async def identify(self, certno: str) -> Node:
        reply = await self.send(
            "1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": certno} | citizen(certno)}
        )
        return reply.output

    async def used(self, psn_no: str) -> dict[str, str]:
        reply = await self.send("5206", {"data": {"psn_no": psn_no}})
        return {row["cum_type_code"]: str(row["cum"]) for row in reply.output["cuminfo"]}

    async def outpatient_visit(
        self, person: Node, lines: list[Node], *, med_type: str = "11", batch: str = "B1"
    ) -> str:
        """2201, 2203, 2204 → mdtrt_id."""
        who = {"psn_no": person["psn_no"], "insutype": person["insutype"]}
        registered = await self.send("2201", {"data": registration(person) | who})
        visit: str = registered.output["data"]["mdtrt_id"]
        described = await self.send("2203", {"mdtrtinfo": {
            "mdtrt_id": visit, "psn_no": person["psn_no"], "med_type": med_type,
            "begntime": "2025-09-30 09:00:00",
        }, "diseinfo": []})  # fmt: skip
        assert described.ok
        uploaded = await self.send("2204", {"feedetail": [
            line | {"mdtrt_id": visit, "psn_no": person["psn_no"], "chrg_bchno": batch}
            for line in lines
        ]})  # fmt: skip
        assert uploaded.ok, uploaded.body["err_msg"]
        return visit

    async def inpatient_stay(self, person: Node, lines: list[Node]) -> str:
        """2401, 2301, 2402 → mdtrt_id."""
        who = {"psn_no": person["psn_no"], "insutype": person["insutype"]}
        med_type = INPATIENT[self.province]
        admitted = await self.send("2401", {"mdtrtinfo": admission(person, med_type) | who})
        visit: str = admitted.output["result"]["mdtrt_id"]
        for row in lines:
            row |= {"mdtrt_id": visit, "psn_no": person["psn_no"], "med_type": med_type}
        uploaded = await self.send("2301", {"feedetail": lines})
        assert uploaded.ok, uploaded.body["err_msg"]
        left = await self.send("2402", {"dscginfo": who | {
            "mdtrt_id": visit, "endtime": "2025-10-08 09:00:00", "dscg_dept_codg": "D1",
            "dscg_dept_name": "内科", "dscg_way": "1",
        }})  # fmt: skip
        assert left.ok, left.body["err_msg"]
        return visit

    def settlement(
        self, person: Node, visit: str, total: str, *, parts: tuple[str, str, str, str],
        batch: str = "B1", med_type: str = "11", account: str = "1",
    ) -> Node:  # fmt: skip
        own, over, preself, inscp = parts
        return {"data": {
            "psn_no": person["psn_no"], "mdtrt_cert_type": "02", "mdtrt_cert_no": person["certno"],
            "med_type": med_type, "medfee_sumamt": total, "psn_setlway": "01", "mdtrt_id": visit,
            "chrg_bchno": batch, "acct_used_flag": account, "insutype": person["insutype"],
            "fulamt_ownpay_amt": own, "overlmt_selfpay": over, "preselfpay_amt": preself,
            "inscp_scp_amt": inscp, "mid_setl_flag": "0",
        } | citizen(person["certno"])}  # fmt: skip


def sm2() -> SmProvider:
    return need_sm2("测试医院")


def sm4_key(secret: str) -> bytes:
    """First 16 of the upper hex of SM4(first 16 of the access key, secret)."""
    code = SECRETS["access_key"][:16].encode()
    return national_hall_ecb_encrypt(code, secret.encode()).hex().upper()[:16].encode()


def opened(text: str) -> str:
    """An answer with its output in plain text, its signature checked unless a test forged it."""
    answer: Node = json.loads(text)
    assert answer["enctype"] == "SM4"
    key = sm4_key(SECRETS["secret"])
    output = national_hall_ecb_decrypt(key, bytes.fromhex(answer["output"])).decode()
    signature = base64.b64decode(answer["cainfo"])
    genuine = sm2().verify(PLATFORM.public, output.encode(), signature)
    return json.dumps({**answer, "genuine": genuine})[:-1] + f', "output": {output}}}'


def citizen(certno: str) -> Node:
    return {"psn_cert_type": "01", "certno": certno, "psn_name": NAMES.get(certno, "")}


def registration(person: Node) -> Node:
    return {
        "begntime": "2025-09-30 09:00:00", "mdtrt_cert_type": "02",
        "mdtrt_cert_no": person["certno"], "ipt_otp_no": "O1", "atddr_no": "DR1",
        "dr_name": "测试医生", "dept_code": "D1", "dept_name": "内科", "caty": "A03",
    } | citizen(person["certno"])  # fmt: skip


def admission(person: Node, med_type: str) -> Node:
    return {
        "begntime": "2025-09-30 09:00:00", "mdtrt_cert_type": "02", "med_type": med_type,
        "ipt_no": "I1", "atddr_no": "DR1", "chfpdr_name": "测试医生", "adm_diag_dscr": "示例诊断",
        "adm_dept_codg": "D1", "adm_dept_name": "内科", "adm_bed": "1",
        "dscg_maindiag_code": "Z00", "dscg_maindiag_name": "示例诊断",
    } | citizen(person["certno"])  # fmt: skip


def fee_line(
    serial: str, item: str, count: str, price: str, total: str, *, refund_of: str = ""
) -> Node:
    return {
        "feedetl_sn": serial, "med_list_codg": item, "medins_list_codg": f"H-{item}",
        "cnt": count, "pric": price, "det_item_fee_sumamt": total, "rx_circ_flag": "0",
        "fee_ocur_time": "2025-09-30 09:10:00", "bilg_dept_codg": "D1", "bilg_dept_name": "内科",
        "bilg_dr_codg": "DR1", "bilg_dr_name": "测试医生", "hosp_appr_flag": "0",
        "init_feedetl_sn": refund_of,
    }  # fmt: skip


PEOPLE: dict[str, dict[str, Node]] = {}
NAMES: dict[str, str] = {}


def load_people() -> None:
    """Everybody in the seeds, by province and position: `PEOPLE["shanghai"]["active"]`."""
    import tomllib

    from adapters.sandbox import seeding

    positions = ("active", "retired", "senior", "paused", "two_rows", "near_cap", "no_money",
                 "adult", "student", "unfiled")  # fmt: skip
    for province in POOLS:
        file = Path(seeding.__file__).with_name("seed") / f"{province}.toml"
        people = tomllib.loads(file.read_text(encoding="utf-8"))["person"]
        PEOPLE[province] = {}
        for position, entry in zip(positions, people, strict=True):
            scheme = entry["insured"][0]["scheme"]
            NAMES[entry["certno"]] = entry["name"]
            PEOPLE[province][position] = {
                "psn_no": entry["psn_no"], "certno": entry["certno"],
                "insutype": "310" if scheme == "employee" else "390",
            }  # fmt: skip


load_people()


def sandbox_for(
    province: str,
    state_dir: Path,
    clock: FakeClock,
    *faults: str,
    rules: Rules | None = None,
    **more: Any,
) -> Sandbox:
    return Sandbox(
        province=province, state_dir=state_dir, policies_dir=POLICIES,
        secrets=SECRETS | SM2_SECRETS,
        clock=clock, faults=faults, rules=rules, **more,
    )  # fmt: skip
