"""省平台差异: how each stand-in platform deviates from the national baseline, as one table.

Data only. Nothing here is a fact about a real province's present platform: dictionary values follow
the published Hunan and Jiangxi interface specifications (which disagree with each other) and single
public messages; which province shows which deviation is OUR ASSUMPTION, so that a client meets
every deviation somewhere. README.md in this folder repeats the table for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

SINGLE_PATH = "/fsi/api/rsfComIfsService/callService"
VISITED_PATH = "/yrd/assumption/visited-settlement"


class Gate(StrEnum):
    """签名方式: which signature profile the platform's service gateway verifies."""

    ENVELOPE_SM2 = "envelope-sm2"
    """with SM4 bodies"""
    ENVELOPE_SM3 = "envelope-sm3"
    CSB_HMAC_SHA1 = "csb-hmac-sha1"
    ZJ_HMAC_SM3 = "zj-hmac-sm3"
    TIF_SHA256 = "tif-sha256"


@dataclass(frozen=True, slots=True)
class StatementHabits:
    """对账: how a platform writes what 3201 and 3202 found, and wants its files."""

    splits: bool = True
    """stmt_rslt 0 平, 1 中心多, 2 医药机构多, 3 数据不一致 (Jiangxi); else 0 平, 1 不平 (Hunan)."""
    amounts: bool = True
    """The three amounts stand in the result rows (Jiangxi)."""
    lists_balanced: bool = False
    """Rows that agree are in the result file too; stated nowhere."""
    signed_bytes: bool = False
    """A file inside 9101 is an array of numbers −128…127, else base64; stated nowhere."""

    def code(self, found: str) -> str:
        return found if self.splits or found == "0" else "1"


@dataclass(frozen=True, slots=True)
class Province:
    """One platform's wire habits."""

    key: str
    name_zh: str
    pool: str
    """统筹区 this platform insures, e.g. `320500`."""
    gate: Gate
    paths: Mapping[str, str]
    """infno → REST path where it has one of its own; `*` is the rest (`{infno}` is filled in)."""
    variants: frozenset[str]
    """Transactions this platform takes only under their "A" number."""
    infcode_is_text: bool
    text_amounts: frozenset[str]
    """setlinfo amounts that come as strings ("12.30") instead of numbers."""
    psn_types: Mapping[str, str]
    """Person kind (ours) → psn_type."""
    inpatient_med_type: str
    """普通住院: Jiangxi prints 21, Hunan 2101."""
    grades: Mapping[str, str]
    """Item class a/b/c → chrgitm_lv."""
    id_card_type: str
    """psn_cert_type of a 居民身份证."""
    clr_way: str
    basic_medicine_no: str
    """bas_medn_flag "no": 0 in Hunan, 2 in Jiangxi."""
    cancel_cash_name: str
    """2208's cash field: the specifications print pdn_cash_pay, real messages psn_cash_pay."""
    inpatient_patient_part: bool
    """False: 2303 and 2304 leave psn_part_amt out."""
    old_reversal_names: bool
    """True: 2305 answers psn_pay and ownpay_hosp_part, and null for the regular names."""
    trailing_nulls: bool
    """True: setlinfo ends with hifdm_pay null and exp_content null; 2206/2303 setl_time is null."""
    statements: StatementHabits = StatementHabits()

    def path_of(self, infno: str) -> str:
        return self.paths.get(infno, self.paths["*"]).format(infno=infno)

    def kind_of_med_type(self, med_type: str) -> str | None:
        """outpatient, emergency or inpatient; None for a code this platform does not settle."""
        known = {"11": "outpatient", "13": "emergency", self.inpatient_med_type: "inpatient"}
        return known.get(med_type)


_PADDED_GRADES = MappingProxyType({"a": "01", "b": "02", "c": "03"})

SHANGHAI = Province(
    key="shanghai",
    name_zh="上海",
    pool="310000",
    gate=Gate.ENVELOPE_SM2,
    paths=MappingProxyType({"*": SINGLE_PATH}),
    variants=frozenset(),
    infcode_is_text=False,
    text_amounts=frozenset(),
    psn_types=MappingProxyType(
        {
            "active": "116032",
            "retired": "126032",
            "adult_19_59": "156032",
            "senior_60_plus": "166032",
            "student": "146032",
        }
    ),
    inpatient_med_type="21",
    grades=_PADDED_GRADES,
    id_card_type="01",
    clr_way="1",
    basic_medicine_no="0",
    cancel_cash_name="psn_cash_pay",
    inpatient_patient_part=True,
    old_reversal_names=False,
    trailing_nulls=False,
)

JIANGSU = Province(
    key="jiangsu",
    name_zh="江苏",
    pool="320500",
    gate=Gate.CSB_HMAC_SHA1,
    paths=MappingProxyType({"*": SINGLE_PATH}),
    variants=frozenset(),
    infcode_is_text=True,
    text_amounts=frozenset(
        {"medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay", "balc"}
    ),
    psn_types=MappingProxyType(
        {
            "active": "11",
            "retired": "12",
            "adult_19_59": "15",
            "senior_60_plus": "16",
            "student": "1403",
        }
    ),
    inpatient_med_type="2101",
    grades=_PADDED_GRADES,
    id_card_type="01",
    clr_way="1",
    basic_medicine_no="0",
    cancel_cash_name="pdn_cash_pay",
    inpatient_patient_part=False,
    old_reversal_names=False,
    trailing_nulls=False,
    statements=StatementHabits(splits=False, amounts=False),
)

ZHEJIANG = Province(
    key="zhejiang",
    name_zh="浙江",
    pool="330400",
    gate=Gate.ZJ_HMAC_SM3,
    paths=MappingProxyType(
        {
            "2207A": "/fsi/api/outpatientSettleService/saveSettletmentA",
            "*": "/fsi/api/{infno}",
        }
    ),
    variants=frozenset({"2203", "2206", "2207", "2303", "2304"}),
    infcode_is_text=False,
    text_amounts=frozenset(),
    psn_types=MappingProxyType(
        {
            "active": "11",
            "retired": "21",
            "adult_19_59": "50",
            "senior_60_plus": "60",
            "student": "42",
        }
    ),
    inpatient_med_type="21",
    grades=MappingProxyType({"a": "1", "b": "2", "c": "3"}),
    id_card_type="1",
    clr_way="01",
    basic_medicine_no="2",
    cancel_cash_name="psn_cash_pay",
    inpatient_patient_part=True,
    old_reversal_names=True,
    trailing_nulls=True,
    statements=StatementHabits(lists_balanced=True, signed_bytes=True),
)

ANHUI = Province(
    key="anhui",
    name_zh="安徽",
    # 4801–4899 are no cities of Anhui: nobody can take these people's rules for a real city's.
    pool="348800",
    gate=Gate.TIF_SHA256,
    paths=MappingProxyType({"*": SINGLE_PATH}),
    variants=frozenset({"2206", "2207"}),
    infcode_is_text=True,
    text_amounts=frozenset(
        {
            "medfee_sumamt",
            "fulamt_ownpay_amt",
            "overlmt_selfpay",
            "preselfpay_amt",
            "inscp_scp_amt",
            "act_pay_dedc",
            "hifp_pay",
            "fund_pay_sumamt",
            "psn_part_amt",
            "hosp_part_amt",
            "acct_pay",
            "psn_cash_pay",
            "balc",
        }
    ),
    psn_types=ZHEJIANG.psn_types,
    inpatient_med_type="21",
    grades=MappingProxyType({"a": "1", "b": "2", "c": "3"}),
    id_card_type="1",
    clr_way="01",
    basic_medicine_no="2",
    cancel_cash_name="psn_cash_pay",
    inpatient_patient_part=True,
    old_reversal_names=False,
    trailing_nulls=False,
)

PROVINCES: Mapping[str, Province] = MappingProxyType(
    {p.key: p for p in (SHANGHAI, JIANGSU, ZHEJIANG, ANHUI)}
)


def pool_of(admdvs: str) -> str:
    """统筹区 of a 6-digit area code: Shanghai's districts pool at 310000, else first four + 00."""
    return "310000" if admdvs.startswith("31") else f"{admdvs[:4]}00"
