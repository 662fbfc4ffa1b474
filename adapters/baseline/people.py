"""人员与就诊: 1101 → PersonFound; 2201 and 2401 → the region's visit id.

Pure. One person may have several insurance rows, in several regions, some paused: all of them come
out, in the order given; choosing is a business decision that is not made here. Codes stay as the
region wrote them. Balances are hints for the counter, never proof.
"""

from __future__ import annotations

from adapters.baseline.amounts import Absent, read_fen
from adapters.baseline.errors import AnotherReply
from adapters.baseline.nodes import day, node, required, rows, text
from adapters.baseline.profile import Dictionary
from adapters.baseline.wire import Node
from gateway.domain.visit import Attendance, Insurance, PersonFound

_BASE, _ROW = "output.baseinfo", "output.insuinfo"


def read_person(output: Node, id_number: str, dictionary: Dictionary) -> PersonFound:
    """人员基本信息获取 1101. Raises AnotherReply if it is about somebody else."""
    base = node(output, "baseinfo", "output")
    theirs = text(base, "certno", _BASE).upper()
    if theirs and theirs != id_number.upper():
        raise AnotherReply(f"{_BASE}.certno", "belongs to another person")
    return PersonFound(
        person_no=required(base, "psn_no", _BASE),
        id_number=id_number,
        name=text(base, "psn_name", _BASE),
        birth=day(base, "brdy", _BASE),
        insurances=tuple(_insurance(row, dictionary) for row in rows(output, "insuinfo", "output")),
    )


def _insurance(row: Node, dictionary: Dictionary) -> Insurance:
    scheme_code = text(row, "insutype", _ROW)
    kind_code = text(row, "psn_type", _ROW)
    state = text(row, "psn_insu_stas", _ROW)
    balance = read_fen(row, "balc", _ROW)
    return Insurance(
        scheme=dictionary.schemes.get(scheme_code),
        scheme_code=scheme_code,
        person_kind=dictionary.person_kinds.get(kind_code),
        person_kind_code=kind_code,
        insured_region=text(row, "insuplc_admdvs", _ROW),
        # Not given is not paused: the field is optional and the region refuses by itself. A state
        # we do not know is treated as paused: somebody must look before money moves.
        active=not state or state in dictionary.active_states,
        account_fen=None if isinstance(balance, Absent) else balance,
    )


def read_visit_id(output: Node, att: Attendance) -> str:
    """挂号 2201 (node data) or 入院 2401 (node result): 就诊ID."""
    name = "result" if att.visit.kind.is_inpatient else "data"
    answered, path = node(output, name, "output"), f"output.{name}"
    for field, ours in (("psn_no", att.person.person_no), ("ipt_otp_no", att.visit.visit_no)):
        theirs = text(answered, field, path)
        if theirs and theirs != ours:
            raise AnotherReply(f"{path}.{field}", "belongs to another visit")
    return required(answered, "mdtrt_id", path)
