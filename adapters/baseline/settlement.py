"""结算信息: setlinfo and setldetail → RegionSettlement; what does not add up is named, not mended.

Pure. Amounts are integer fen. Identities I2 and I3 are checked here, on the wire's own totals; the
others by Breakdown.violations(). Never computed: anything from pool_prop_selfpay (0 in every real
message), and the fund total from setldetail (its rows include account money and the hospital's
share). Source: national interface, settlement outputs (fields.csv).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.baseline.amounts import Absent, read_fen
from adapters.baseline.clock_text import read_stamp
from adapters.baseline.errors import AnotherReply, BrokenAnswer
from adapters.baseline.nodes import node, renamed, required, rows, text
from adapters.baseline.profile import Dictionary
from adapters.baseline.wire import Node
from gateway.domain.breakdown import Breakdown, Fund
from gateway.ports import RegionSettlement

PATH = "output.setlinfo"
FUNDS: tuple[tuple[str, Fund], ...] = (
    ("hifp_pay", Fund.POOLED),
    ("cvlserv_pay", Fund.CIVIL_SERVICE),
    ("hifes_pay", Fund.ENTERPRISE_SUPPLEMENT),
    ("hifmi_pay", Fund.RESIDENT_MAJOR_ILLNESS),
    ("hifob_pay", Fund.EMPLOYEE_LARGE_SUM),
    ("maf_pay", Fund.MEDICAL_AID),
    ("hifdm_pay", Fund.DISABLED),
    ("oth_pay", Fund.OTHER),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer must say of itself to be the answer to our message."""

    msgid: str
    person_no: str
    visit_id: str
    effective: bool
    """True for a settlement or its cancellation: then setl_id and medins_setl_id must be there."""


def read(
    output: Node, expected: Expected, dictionary: Dictionary, aliases: Mapping[str, str]
) -> RegionSettlement:
    """Raises BrokenAnswer (AnotherReply) unless the answer is ours and can be read."""
    info = renamed(node(output, "setlinfo", "output"), aliases, PATH)
    _check_ours(info, expected)
    breakdown, absent = _breakdown(info)
    return RegionSettlement(
        settlement_id=text(info, "setl_id", PATH),
        visit_id=required(info, "mdtrt_id", PATH),
        breakdown=breakdown,
        settled_at=read_stamp(info.get("setl_time"), f"{PATH}.setl_time"),
        clearing_type_code=text(info, "clr_type", PATH),
        clearing_office=text(info, "clr_optins", PATH),
        broken=(*breakdown.violations(), *_totals_broken(info, breakdown), *absent),
        unknown_codes=_unknown_codes(info, output, dictionary),
    )


def _check_ours(info: Node, expected: Expected) -> None:
    """(1) the message (2) the visit (3) the person. 医药机构结算ID holds the request's msgid."""
    for name, ours in (
        ("medins_setl_id", expected.msgid),
        ("mdtrt_id", expected.visit_id),
        ("psn_no", expected.person_no),
    ):
        theirs = text(info, name, PATH)
        if theirs and ours and theirs != ours:
            raise AnotherReply(f"{PATH}.{name}", "belongs to another message")
    if expected.effective:
        required(info, "medins_setl_id", PATH)
        required(info, "setl_id", PATH)


def _breakdown(info: Node) -> tuple[Breakdown, tuple[str, ...]]:
    """Amounts as given; `ABSENT:<field>` for each part that had to be there and was not."""
    absent: list[str] = []

    def part(name: str) -> int:
        amount = read_fen(info, name, PATH)
        if isinstance(amount, Absent):
            absent.append(f"ABSENT:{name}")
            return 0
        return amount

    def optional(name: str) -> int:
        amount = read_fen(info, name, PATH)
        return 0 if isinstance(amount, Absent) else amount

    def must(name: str) -> int:
        amount = read_fen(info, name, PATH)
        if isinstance(amount, Absent):
            raise BrokenAnswer(f"{PATH}.{name}", f"amount is {amount.value}")
        return amount

    breakdown = Breakdown(
        total_fen=must("medfee_sumamt"),
        own_pay_fen=part("fulamt_ownpay_amt"),
        over_limit_fen=part("overlmt_selfpay"),
        pre_self_pay_fen=part("preselfpay_amt"),
        in_scope_fen=part("inscp_scp_amt"),
        # Optional in the interface and outside every sum but I7.
        deductible_fen=optional("act_pay_dedc"),
        # A fund that is not given is no fund; I2 shows whether one is missing.
        funds=tuple((fund, amount) for name, fund in FUNDS if (amount := optional(name))),
        account_fen=must("acct_pay"),
        # Part of acct_pay (I4), never added to it.
        family_account_fen=optional("acct_mulaid_pay"),
        cash_fen=must("psn_cash_pay"),
        # Missing is not computed: where I1 needs it, I1 fails and a person looks.
        hospital_fen=optional("hosp_part_amt"),
    )
    return breakdown, tuple(absent)


def _totals_broken(info: Node, breakdown: Breakdown) -> tuple[str, ...]:
    """I2 and I3 against the totals that the region itself wrote."""
    broken: list[str] = []
    fund_total = read_fen(info, "fund_pay_sumamt", PATH)
    if isinstance(fund_total, Absent):
        raise BrokenAnswer(f"{PATH}.fund_pay_sumamt", f"amount is {fund_total.value}")
    if fund_total != breakdown.fund_total_fen:
        broken.append("I2")
    patient = read_fen(info, "psn_part_amt", PATH)
    # Absent is allowed in 2303–2305; then I3 is what computes it.
    if not isinstance(patient, Absent) and patient != breakdown.patient_fen:
        broken.append("I3")
    return tuple(broken)


def _unknown_codes(info: Node, output: Node, dictionary: Dictionary) -> tuple[str, ...]:
    """Codes our dictionary lacks: kept as text, reported, never rejected here."""
    known: tuple[tuple[str, frozenset[str]], ...] = (
        ("insutype", frozenset(dictionary.schemes)),
        ("clr_type", frozenset(dictionary.clearing_types)),
        ("psn_type", frozenset(dictionary.person_kinds)),
        ("med_type", frozenset(dictionary.visit_kinds.values())),
    )
    found = [
        f"{name}={code}"
        for name, codes in known
        if (code := text(info, name, PATH)) and code not in codes
    ]
    for row in rows(output, "setldetail", "output"):
        code = text(row, "fund_pay_type", "output.setldetail")
        if code and code not in dictionary.fund_types:
            found.append(f"fund_pay_type={code}")
    return tuple(dict.fromkeys(found))
