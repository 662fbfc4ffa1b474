"""结算信息: setlinfo and setldetail → RegionSettlement; what does not add up is named, not mended.

Pure. Amounts are integer fen. Identities I2 and I3 are checked here, on the wire's own totals; the
others by Breakdown.violations(). Never computed: anything from pool_prop_selfpay (0 in every real
message), and the fund total from setldetail (its rows include account money and the hospital's
share). Source: national interface, settlement outputs (fields.csv).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.baseline import wire
from adapters.baseline.amounts import Absent, read_fen
from adapters.baseline.clock_text import read_stamp
from adapters.baseline.dictionary_check import MOST_CHARACTERS
from adapters.baseline.errors import AnotherReply, BrokenAnswer
from adapters.baseline.nodes import node, renamed, required, text
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


PARTS: Mapping[str, str] = {
    "fulamt_ownpay_amt": "own_pay_fen",
    "overlmt_selfpay": "over_limit_fen",
    "preselfpay_amt": "pre_self_pay_fen",
    "inscp_scp_amt": "in_scope_fen",
}
"""The four parts of the total (I5): each has to be there in a settlement."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer must say of itself to be the answer to our message."""

    msgid: str
    person_no: str
    visit_id: str
    effective: bool
    """True for a settlement or its cancellation: then setl_id and medins_setl_id must be there."""
    cancels: bool = False
    """A cancellation: it may leave amounts out, and only the original says what they must be."""
    scheme_code: str = ""
    """insutype of the request; empty where it named none."""


def read(
    output: Node,
    expected: Expected,
    dictionary: Dictionary,
    aliases: Mapping[str, str],
    unknown_codes: tuple[str, ...] = (),
) -> RegionSettlement:
    """Raises BrokenAnswer (AnotherReply) unless the answer is ours and can be read.

    `unknown_codes` is what dictionary_check.py found in it: kept, and no reason by itself not to
    post."""
    info = renamed(node(output, "setlinfo", "output"), aliases, PATH)
    _check_ours(info, expected)
    breakdown, not_given = _breakdown(info, expected)
    broken = _totals_broken(info, breakdown, not_given)
    if not expected.cancels:
        absent = (f"ABSENT:{name}" for name in PARTS if PARTS[name] in not_given)
        undecided = _undecided(info, expected, dictionary)
        broken = (*breakdown.violations(), *broken, *absent, *undecided)
    return RegionSettlement(
        settlement_id=text(info, "setl_id", PATH),
        visit_id=required(info, "mdtrt_id", PATH),
        breakdown=breakdown,
        settled_at=read_stamp(info.get("setl_time"), f"{PATH}.setl_time"),
        clearing_type_code=text(info, "clr_type", PATH),
        clearing_office=text(info, "clr_optins", PATH),
        not_given=not_given,
        broken=broken,
        unknown_codes=unknown_codes,
    )


def scheme_sent(request: bytes) -> str:
    """insutype of a settle call as it was kept; empty where none can be read there."""
    try:
        given = wire.read(request).values.get("input")
        data = given.get("data") if isinstance(given, Mapping) else None
        return text(data, "insutype", "input.data") if isinstance(data, Mapping) else ""
    except BrokenAnswer:
        return ""


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


def _breakdown(info: Node, expected: Expected) -> tuple[Breakdown, tuple[str, ...]]:
    """Amounts as given, and the names of those that were left out and stand as 0."""
    not_given: list[str] = []

    def may(wire_name: str, name: str) -> int:
        amount = read_fen(info, wire_name, PATH)
        if isinstance(amount, Absent):
            not_given.append(name)
            return 0
        return amount

    def must(wire_name: str, name: str) -> int:
        if expected.cancels:
            return may(wire_name, name)
        return _required_fen(info, wire_name)

    breakdown = Breakdown(
        total_fen=_required_fen(info, "medfee_sumamt"),
        own_pay_fen=may("fulamt_ownpay_amt", "own_pay_fen"),
        over_limit_fen=may("overlmt_selfpay", "over_limit_fen"),
        pre_self_pay_fen=may("preselfpay_amt", "pre_self_pay_fen"),
        in_scope_fen=may("inscp_scp_amt", "in_scope_fen"),
        # Optional in the interface and outside every sum but I7.
        deductible_fen=may("act_pay_dedc", "deductible_fen"),
        funds=_funds(info),
        account_fen=must("acct_pay", "account_fen"),
        # Part of acct_pay (I4), never added to it.
        family_account_fen=may("acct_mulaid_pay", "family_account_fen"),
        cash_fen=must("psn_cash_pay", "cash_fen"),
        # Missing is not computed: where I1 needs it, I1 fails and a person looks.
        hospital_fen=may("hosp_part_amt", "hospital_fen"),
    )
    return breakdown, tuple(not_given)


def _funds(info: Node) -> tuple[tuple[Fund, int], ...]:
    """A fund that is not given is no fund; I2 shows whether one is missing."""
    amounts = ((fund, read_fen(info, name, PATH)) for name, fund in FUNDS)
    return tuple((fund, n) for fund, n in amounts if n and not isinstance(n, Absent))


def _required_fen(info: Node, name: str) -> int:
    amount = read_fen(info, name, PATH)
    if isinstance(amount, Absent):
        raise BrokenAnswer(f"{PATH}.{name}", f"amount is {amount.value}")
    return amount


def _totals_broken(info: Node, breakdown: Breakdown, not_given: tuple[str, ...]) -> tuple[str, ...]:
    """I2 and I3 against the totals that the region itself wrote."""
    broken: list[str] = []
    if _required_fen(info, "fund_pay_sumamt") != breakdown.fund_total_fen:
        broken.append("I2")
    patient = read_fen(info, "psn_part_amt", PATH)
    # Absent is allowed in 2303–2305; then I3 is what computes it.
    whole = not {"account_fen", "cash_fen"} & set(not_given)
    if whole and not isinstance(patient, Absent) and patient != breakdown.patient_fen:
        broken.append("I3")
    return tuple(broken)


def _undecided(info: Node, expected: Expected, dictionary: Dictionary) -> tuple[str, ...]:
    """险种 and 清算类别 decide where the money is posted and reconciled. A code that we do not
    understand, or another scheme than the one we named, is a person's to decide, never guessed."""
    found: list[str] = []
    scheme = text(info, "insutype", PATH)
    if scheme and scheme not in dictionary.schemes:
        found.append(f"UNKNOWN_CODE insutype={scheme[:MOST_CHARACTERS]}")
    elif scheme and expected.scheme_code:
        ours = dictionary.schemes.get(expected.scheme_code)
        if ours is not None and dictionary.schemes[scheme] is not ours:
            found.append(f"OTHER_SCHEME insutype={scheme}")
    clearing = text(info, "clr_type", PATH)
    if clearing and clearing not in dictionary.clearing_types:
        found.append(f"UNKNOWN_CODE clr_type={clearing[:MOST_CHARACTERS]}")
    return tuple(found)
