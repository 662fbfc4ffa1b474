"""结算信息查询 5203: what a region shows of one settlement, for a person who has to decide.

Pure. Amounts are integer fen, None where the answer leaves them out. Never a source for the ledger:
query answers may be incomplete or contradict each other, they have no hospital's share (I1 cannot
be checked), and two amounts go by other names than in a settlement (psn_pay, cash_payamt).
Source: national interface, 5203 (fields.csv).
"""

from __future__ import annotations

from adapters.baseline.amounts import Absent, read_fen
from adapters.baseline.clock_text import read_stamp
from adapters.baseline.errors import AnotherReply
from adapters.baseline.nodes import node, required, text
from adapters.baseline.wire import Node
from gateway.ports import SettlementQuery, SettlementRecord

_PATH = "output.setlinfo"
_REFUND = {"0": False, "1": True}


def ask(query: SettlementQuery) -> Node:
    """All three are required: exactly what a lost reply takes away."""
    return {
        "data": {
            "psn_no": query.person_no,
            "setl_id": query.settlement_id,
            "mdtrt_id": query.visit_id,
        }
    }


def read(output: Node, query: SettlementQuery) -> SettlementRecord:
    """Raises AnotherReply for another settlement, BrokenAnswer for what cannot be read."""
    info = node(output, "setlinfo", "output")
    for name, ours in (
        ("setl_id", query.settlement_id),
        ("mdtrt_id", query.visit_id),
        ("psn_no", query.person_no),
    ):
        if required(info, name, _PATH) != ours:
            raise AnotherReply(f"{_PATH}.{name}", "belongs to another settlement")
    return SettlementRecord(
        settlement_id=query.settlement_id,
        visit_id=query.visit_id,
        person_no=query.person_no,
        msgid=text(info, "medins_setl_id", _PATH),
        settled_at=read_stamp(info.get("setl_time"), f"{_PATH}.setl_time"),
        refund=_REFUND.get(text(info, "refd_setl_flag", _PATH)),
        scheme_code=text(info, "insutype", _PATH),
        clearing_type=text(info, "clr_type", _PATH),
        clearing_office=text(info, "clr_optins", _PATH),
        total_fen=_fen(info, "medfee_sumamt"),
        fund_fen=_fen(info, "fund_pay_sumamt"),
        account_fen=_fen(info, "acct_pay"),
        cash_fen=_fen(info, "cash_payamt"),
    )


def _fen(info: Node, name: str) -> int | None:
    amount = read_fen(info, name, _PATH)
    return None if isinstance(amount, Absent) else amount
