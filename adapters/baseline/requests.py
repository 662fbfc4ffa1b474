"""交易输入: our values → the `input` node of each transaction, in baseline names.

Pure. Identity fields that some province requires only for 异地 are always sent. Amounts leave as
Decimals with two decimals; whether they travel as text, and as which variant, is the codec's
business. Not here: lengths and types (fields.py checks the finished node), the envelope.
Source: national interface, transactions 1101 … 2601 (fields.csv).
"""

from __future__ import annotations

from datetime import date

from adapters.baseline.amounts import yuan
from adapters.baseline.clock_text import stamp
from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.profile import Dictionary
from adapters.baseline.wire import Json, Node
from gateway.domain.bill import BillLine
from gateway.domain.visit import Attendance, CertificateKind, Insurance, Patient, PersonFound
from gateway.ports import CallContext, CancelOrder, ReversalOrder, VisitedRow

_YES, _NO = "1", "0"
_APPROVAL = {None: "0", True: "1", False: "2"}
"""医院审批标志: 0 not needed, 1 approved, 2 not approved."""
_CATEGORY_LENGTH = 10


def person(patient: Patient, dictionary: Dictionary) -> Node:
    """人员基本信息获取 1101."""
    return {
        "data": {
            **_certificate(patient, dictionary),
            "psn_cert_type": dictionary.id_card,
            "certno": patient.id_number,
            "psn_name": patient.name,
        }
    }


def accumulators(found: PersonFound, day: date) -> Node:
    """人员累计信息查询 5206, as of one month."""
    return {"data": {"psn_no": found.person_no, "cum_ym": day.strftime("%Y%m")}}


def register_outpatient(att: Attendance, dictionary: Dictionary) -> Node:
    """门诊挂号 2201."""
    visit = att.visit
    category = visit.department_code
    if not 0 < len(category) <= _CATEGORY_LENGTH:
        category = dictionary.department_category
    return {
        "data": {
            "psn_no": att.person.person_no,
            "insutype": att.insurance.scheme_code,
            "begntime": stamp(visit.started_at),
            **_certificate(att.patient, dictionary),
            "ipt_otp_no": visit.visit_no,
            "atddr_no": visit.doctor_code,
            "dr_name": visit.doctor_name,
            "dept_code": visit.department_code,
            "dept_name": visit.department_name,
            "caty": category,
            **_identity(att.patient, att.insurance, dictionary),
        }
    }


def admit(att: Attendance, dictionary: Dictionary) -> Node:
    """入院办理 2401."""
    visit = att.visit
    main = visit.diagnoses[0] if visit.diagnoses else None
    return {
        "mdtrtinfo": {
            "psn_no": att.person.person_no,
            "insutype": att.insurance.scheme_code,
            "begntime": stamp(visit.started_at),
            **_certificate(att.patient, dictionary),
            "med_type": dictionary.visit_kinds[visit.kind],
            "ipt_no": visit.visit_no,
            "atddr_no": visit.doctor_code,
            "chfpdr_name": visit.doctor_name,
            "adm_diag_dscr": main.name if main else "",
            "adm_dept_codg": visit.department_code,
            "adm_dept_name": visit.department_name,
            "adm_bed": dictionary.bed_unknown,
            "dscg_maindiag_code": main.code if main else "",
            "dscg_maindiag_name": main.name if main else "",
            **_identity(att.patient, att.insurance, dictionary),
        },
        "diseinfo": [
            {"psn_no": att.person.person_no, **row} for row in _inpatient_diagnoses(att, dictionary)
        ],
    }


def describe(att: Attendance, dictionary: Dictionary) -> Node:
    """门诊就诊信息上传 2203."""
    return {
        "mdtrtinfo": {
            "mdtrt_id": att.region_visit_id,
            "psn_no": att.person.person_no,
            "med_type": dictionary.visit_kinds[att.visit.kind],
            "begntime": stamp(att.visit.started_at),
        },
        "diseinfo": [{**row, "vali_flag": _YES} for row in _diagnoses(att, dictionary)],
    }


def outpatient_lines(att: Attendance, lines: tuple[BillLine, ...]) -> Node:
    """门诊费用明细信息上传 2204: one charging batch, all its rows in one call."""
    return {
        "feedetail": [
            {
                **_line(att, line),
                "chrg_bchno": att.bill.batch_no,
                # 外购处方标志 has no published dictionary; 0 = not bought outside.
                "rx_circ_flag": _NO,
            }
            for line in lines
        ]
    }


def inpatient_lines(att: Attendance, lines: tuple[BillLine, ...], dictionary: Dictionary) -> Node:
    """住院费用明细上传 2301. A refund has a negative count and names the original row."""
    rows: list[Json] = []
    for line in lines:
        row = {**_line(att, line), "med_type": dictionary.visit_kinds[att.visit.kind]}
        if line.refund_of:
            row["init_feedetl_sn"] = line.refund_of
        rows.append(row)
    return {"feedetail": rows}


def discharge(att: Attendance, dictionary: Dictionary) -> Node:
    """出院办理 2402."""
    visit = att.visit
    if visit.ended_at is None:
        raise UnsendableMessage("2402", "dscginfo.endtime", "a stay without an end")
    ids: dict[str, Json] = {"mdtrt_id": att.region_visit_id, "psn_no": att.person.person_no}
    return {
        "dscginfo": {
            **ids,
            "insutype": att.insurance.scheme_code,
            "endtime": stamp(visit.ended_at),
            "dscg_dept_codg": visit.department_code,
            "dscg_dept_name": visit.department_name,
            "dscg_way": dictionary.discharge_way,
        },
        "diseinfo": [{**ids, **row} for row in _inpatient_diagnoses(att, dictionary)],
    }


def presettle(att: Attendance, dictionary: Dictionary) -> Node:
    """门诊预结算 2206 / 住院预结算 2303."""
    return {"data": _settlement(att, dictionary)}


def settle(att: Attendance, dictionary: Dictionary) -> Node:
    """门诊结算 2207 / 住院结算 2304: as the pre-settlement, with the split and the invoice."""
    data = _settlement(att, dictionary)
    data["fulamt_ownpay_amt"] = yuan(att.own_pay_fen)
    data["overlmt_selfpay"] = yuan(att.over_limit_fen)
    data["preselfpay_amt"] = yuan(att.pre_self_pay_fen)
    data["inscp_scp_amt"] = yuan(att.in_scope_fen)
    if att.invoice_no:
        data["invono"] = att.invoice_no
    return {"data": data}


def cancel(order: CancelOrder) -> Node:
    """结算撤销 2208 / 2305."""
    return {
        "data": {
            "mdtrt_id": order.visit_id,
            "setl_id": order.settlement_id,
            "psn_no": order.person_no,
        }
    }


def reverse(order: ReversalOrder) -> Node:
    """冲正 2601: by the original message id and its number as it was sent."""
    return {
        "data": {
            "psn_no": order.person_no,
            "omsgid": order.original_msgid,
            "oinfno": order.original_transaction,
        }
    }


def visited_rows(ctx: CallContext, row: VisitedRow) -> list[Json]:
    """One row shaped like 3260's. OUR ASSUMPTION: no national message tells the visited region."""
    return [
        {
            "seqno": 1,
            "mdtrtarea": ctx.visited_region,
            "medins_no": ctx.institution.code,
            "certno": row.id_number,
            "mdtrt_id": row.visit_id,
            "mdtrt_setl_time": stamp(row.settled_at),
            "setl_sn": row.settlement_no,
            "fulamt_advpay_flag": _NO,
            "medfee_sumamt": yuan(row.total_fen),
            "optins_pay_sumamt": yuan(row.insurance_paid_fen),
        }
    ]


def _settlement(att: Attendance, dictionary: Dictionary) -> dict[str, Json]:
    data: dict[str, Json] = {
        "psn_no": att.person.person_no,
        **_certificate(att.patient, dictionary),
        "medfee_sumamt": yuan(att.bill.total_fen),
        "psn_setlway": dictionary.settlement_way,
        "mdtrt_id": att.region_visit_id,
        "insutype": att.insurance.scheme_code,
        "acct_used_flag": _YES if att.use_account else _NO,
        **_identity(att.patient, att.insurance, dictionary),
    }
    if att.visit.kind.is_inpatient:
        data["mid_setl_flag"] = _NO
    else:
        data["med_type"] = dictionary.visit_kinds[att.visit.kind]
        data["chrg_bchno"] = att.bill.batch_no
    return data


def _certificate(patient: Patient, dictionary: Dictionary) -> dict[str, Json]:
    found: dict[str, Json] = {
        "mdtrt_cert_type": dictionary.certificates[patient.certificate_kind],
        "mdtrt_cert_no": patient.certificate_number,
    }
    if patient.certificate_kind is CertificateKind.SOCIAL_SECURITY_CARD:
        found["card_sn"] = patient.card_serial
    return found


def _identity(patient: Patient, insurance: Insurance, dictionary: Dictionary) -> dict[str, Json]:
    return {
        "psn_cert_type": dictionary.id_card,
        "certno": patient.id_number,
        # As the region itself wrote it: never truncated, never padded.
        "psn_type": insurance.person_kind_code,
        "psn_name": patient.name,
    }


def _line(att: Attendance, line: BillLine) -> dict[str, Json]:
    visit = att.visit
    return {
        "feedetl_sn": line.line_no,
        "mdtrt_id": att.region_visit_id,
        "psn_no": att.person.person_no,
        "fee_ocur_time": stamp(line.occurred_at),
        "med_list_codg": line.item_code,
        "medins_list_codg": line.hospital_item_code,
        "det_item_fee_sumamt": yuan(line.amount_fen),
        "cnt": line.quantity,
        "pric": line.unit_price,
        "bilg_dept_codg": visit.department_code,
        "bilg_dept_name": visit.department_name,
        "bilg_dr_codg": visit.doctor_code,
        "bilg_dr_name": visit.doctor_name,
        "hosp_appr_flag": _APPROVAL[line.hospital_approved],
    }


def _diagnoses(att: Attendance, dictionary: Dictionary) -> list[dict[str, Json]]:
    visit = att.visit
    return [
        {
            "diag_type": dictionary.main_diagnosis if at == 0 else dictionary.other_diagnosis,
            "diag_srt_no": at + 1,
            "diag_code": diagnosis.code,
            "diag_name": diagnosis.name,
            "diag_dept": visit.department_code,
            "dise_dor_no": visit.doctor_code,
            "dise_dor_name": visit.doctor_name,
            "diag_time": stamp(visit.started_at),
        }
        for at, diagnosis in enumerate(visit.diagnoses)
    ]


def _inpatient_diagnoses(att: Attendance, dictionary: Dictionary) -> list[dict[str, Json]]:
    return [
        {**row, "maindiag_flag": _YES if at == 0 else _NO}
        for at, row in enumerate(_diagnoses(att, dictionary))
    ]
