"""回执核验用语: why a receipt proves nothing, and what its holder does next, in Chinese.

By the step of ledger.receipt that failed, which is for machines and stays; the ledger's own English
says the particulars beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_STEPS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "FILE": ("文件无法读取", "请检查文件名与读取权限。"),
    "KEY": ("公钥不能使用", "请通过可信途径向日志运营方索取公钥。"),
    "FORMAT": ("不是回执文件", "请使用原样保存的文件,或重新索取回执。"),
    "CHECKPOINT": ("检查点未经该日志签名", "请确认公钥属于出具回执的日志,或重新索取回执。"),
    "SM2": ("检查点没有该日志的国密签名,或签名不符", "请重新索取带国密签名的回执。"),
    "KEY_DATE": ("密钥已过有效期", "请重新索取由现行密钥签名的回执。"),
    "WITNESS": ("见证方不足", "待更多见证方签名后重新索取回执,或直接向见证方核实。"),
    "LEAF": ("日志条目无法读取", "请重新索取回执。"),
    "PROOF": ("不能证明该记录在日志中", "请保留此文件,并向日志运营方查询原因。"),
    "OPENING": ("记录与日志中的承诺不符", "日志中的记录与文件所示不同:请勿依据其中的金额。"),
})  # fmt: skip


_STANDINGS: Mapping[str, str] = MappingProxyType({
    "effective": "参保地已有该笔结算",
    "absent": "参保地没有该笔结算",
    "taken_back": "该笔结算已在参保地冲销",
    "ambiguous": "对账明细不能确定该笔结算",
})  # fmt: skip


def grounds(record: Mapping[str, Any]) -> list[str]:
    """By which statement, and by whose decision, a record came to be; a line each."""
    lines = []
    if statement := record.get("statement"):
        first, last = statement["days"]
        days = first if first == last else f"{first} 至 {last}"
        says = _STANDINGS.get(statement["standing"], statement["standing"])
        lines.append(f"对账确认({days},报文 {'、'.join(statement['msgids'])}):{says}")
    if decided := record.get("decided"):
        lines.append(f"人工处理:{decided['operator']},原因:{decided['reason']}")
    return lines


def failed(step: str) -> str:
    """What did not hold."""
    return _STEPS.get(step, (step, ""))[0]


def advice(step: str, english: str) -> str:
    """What to do next; the ledger's own words for a step that has none here."""
    return _STEPS.get(step, ("", english))[1]
