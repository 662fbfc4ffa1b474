"""结算信息: setlinfo and setldetail as a province answers them, from stored fen.

Field order, names and duty follow the published Jiangxi tables of 2206, 2207, 2208, 2303, 2304 and
2305; what a province does otherwise is decided by provinces.py alone. Identities I1–I5 hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from adapters.sandbox.context import Call, age_on, kind_on
from adapters.sandbox.records import Insured, Person, Settlement, Visit
from adapters.sandbox.wire import Json, Node, yuan

_NO_PART = frozenset({"2303", "2304"})
_PRE = frozenset({"2206", "2303"})

FUND_NAMES: Mapping[str, str] = {
    "310100": "城镇职工基本医疗保险统筹基金",
    "310200": "城镇职工基本医疗保险个人账户基金",
    "330100": "大额医疗费用补助基金",
    "390100": "城乡居民基本医疗保险基金",
    "390200": "城乡居民大病医疗保险基金",
}


def forward_answer(
    call: Call, row: Settlement, person: Person, insured: Insured, visit: Visit
) -> Node:
    """2206, 2207, 2303, 2304 (and 5203, renamed): `insured` holds the balance after the visit."""
    pre = call.number in _PRE
    info: Node = {"mdtrt_id": row.mdtrt_id}
    if not pre:
        info["setl_id"] = row.setl_id
    nothing_yet = pre and call.province.trailing_nulls
    info |= {
        "psn_no": person.psn_no,
        "psn_name": person.name,
        "psn_cert_type": call.province.id_card_type,
        "certno": person.certno,
        "gend": person.gend,
        "naty": "99",
        "brdy": person.brdy,
        "age": Decimal(f"{age_on(person.brdy, call.now.date())}.0"),
        "insutype": row.insutype,
        "psn_type": call.province.psn_types[kind_on(insured, person.brdy, call.now.date())],
        "cvlserv_flag": "0",
        "setl_time": None if nothing_yet else row.setl_time,
        "mdtrt_cert_type": "02",
        "med_type": visit.med_type,
    }
    info |= _amounts(row)
    if call.number in _NO_PART and not call.province.inpatient_patient_part:
        del info["psn_part_amt"]
    info |= {
        "balc": yuan(insured.balance_fen),
        "acct_mulaid_pay": yuan(0),
        "medins_setl_id": row.msgid,
        "clr_optins": call.province.pool,
        "clr_way": call.province.clr_way,
        "clr_type": "21" if visit.inpatient else "11",
    }
    if call.province.trailing_nulls:
        info |= {"hifdm_pay": None, "exp_content": None}
    return {"setlinfo": _styled(call, info), "setldetail": _details(row)}


def cancel_answer(call: Call, row: Settlement, balance_fen: int) -> Json:
    """2208, 2305: the negative row. No clr_type, no clr_way: the tables have none."""
    info: Node = {
        "mdtrt_id": row.mdtrt_id,
        "setl_id": row.setl_id,
        "clr_optins": call.province.pool,
        "setl_time": row.setl_time,
    }
    info |= _amounts(row)
    info |= {
        "balc": yuan(balance_fen),
        "acct_mulaid_pay": yuan(0),
        "medins_setl_id": row.msgid,
    }
    if call.number == "2208":
        info[call.province.cancel_cash_name] = info.pop("psn_cash_pay")
    elif call.province.old_reversal_names:
        info |= {
            "setl_type": "2",
            "psn_pay": info["psn_part_amt"],
            "psn_part_amt": None,
            "ownpay_hosp_part": info["hosp_part_amt"],
            "hosp_part_amt": None,
            "acct_mulaid_pay": None,
            "hifdm_pay": "",
        }
    return {"setlinfo": _styled(call, info), "setldetail": _details(row)}


def _amounts(row: Settlement) -> Node:
    part = row.amounts
    return {
        "medfee_sumamt": yuan(part["total"]),
        "fulamt_ownpay_amt": yuan(part["own"]),
        "overlmt_selfpay": yuan(part["over"]),
        "preselfpay_amt": yuan(part["preself"]),
        "inscp_scp_amt": yuan(part["inscp"]),
        "act_pay_dedc": yuan(part["dedc"]),
        "hifp_pay": yuan(part["hifp"]),
        "pool_prop_selfpay": Decimal("0"),  # named a ratio, 0 in every real message
        "cvlserv_pay": yuan(0),
        "hifes_pay": yuan(0),
        "hifmi_pay": yuan(part["hifmi"]),
        "hifob_pay": yuan(part["hifob"]),
        "maf_pay": yuan(0),
        "oth_pay": yuan(0),
        "fund_pay_sumamt": yuan(part["fund"]),
        "psn_part_amt": yuan(part["patient"]),
        "acct_pay": yuan(part["acct"]),
        "psn_cash_pay": yuan(part["cash"]),
        "hosp_part_amt": yuan(0),
    }


def _details(row: Settlement) -> Json:
    """Σ of these rows is fund + account, not the fund total: account money is among them."""
    part = row.amounts
    pooled = "310100" if row.insutype == "310" else "390100"
    paid = {
        pooled: part["hifp"],
        "330100": part["hifob"],
        "390200": part["hifmi"],
        "310200": part["acct"],
    }
    return [
        {
            "fund_pay_type": fund,
            "inscp_scp_amt": yuan(part["inscp"]),
            "crt_payb_lmt_amt": yuan(0),
            "fund_payamt": yuan(amount),
            "fund_pay_type_name": FUND_NAMES[fund],
            "setl_proc_info": "",
        }
        for fund, amount in paid.items()
        if amount or fund in (pooled, "310200")
    ]


def _styled(call: Call, info: Node) -> Node:
    """Amounts that this province sends as text."""
    texts = call.province.text_amounts
    return {
        name: format(value, "f") if name in texts and isinstance(value, Decimal) else value
        for name, value in info.items()
    }
