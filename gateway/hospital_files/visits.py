"""就诊: the visit, its diagnoses and its settlement, from either sequence of messages."""

from __future__ import annotations

from decimal import Decimal

from gateway.hospital_files.agreement import agreed_code, agreed_text
from gateway.hospital_files.codes import FLAGS, INPATIENT_KINDS, OUTPATIENT_KINDS, WHOLE_STAY
from gateway.hospital_files.draft import Draft, put_time
from gateway.hospital_files.envelopes import Sequence
from gateway.hospital_files.lines import add_line
from gateway.hospital_files.node import Node
from gateway.hospital_files.people import add_patient, check_same_visit
from gateway.hospital_files.problem import FileProblem
from yrd.claim.v1 import claim_pb2

OUTPATIENT_FIELDS = (
    ("visit_no", "ipt_otp_no"), ("department_code", "dept_code"), ("department_name", "dept_name"),
    ("doctor_code", "atddr_no"), ("doctor_name", "dr_name"),
)  # fmt: skip
INPATIENT_FIELDS = (
    ("visit_no", "ipt_no"), ("department_code", "adm_dept_codg"),
    ("department_name", "adm_dept_name"), ("doctor_code", "atddr_no"),
    ("doctor_name", "chfpdr_name"),
)  # fmt: skip


def add_outpatient(draft: Draft, sequence: Sequence) -> None:
    """2201, 2203, 2204 …, 2207 → the request's visit."""
    found = draft.found
    registered = [n for e in sequence.of("2201") for n in e.nodes("data", found)]
    described = [n for e in sequence.of("2203") for n in e.nodes("mdtrtinfo", found)]
    rows = [n for e in sequence.of("2204") for n in e.nodes("feedetail", found)]
    settle = sequence.settle.nodes("data", found)
    if not registered or not settle:
        return
    _add_visit(draft, registered[0], OUTPATIENT_FIELDS)
    kind, source = agreed_code("med_type", [*settle, *described], OUTPATIENT_KINDS, required=True)
    draft.request.visit.kind = kind or claim_pb2.VISIT_KIND_UNSPECIFIED
    draft.came_from("visit.kind", source, "med_type")
    batch, source = agreed_text("chrg_bchno", [*settle, *rows], required=True)
    draft.request.visit.batch_no = batch
    draft.came_from("visit.batch_no", source, "chrg_bchno")
    diseases = [n for e in sequence.of("2203") for n in e.nodes("diseinfo", found, required=False)]
    _add_diagnoses(draft, diseases, rows)
    _finish(draft, [*registered, *described, *rows, *settle], registered + settle, rows)


def add_inpatient(draft: Draft, sequence: Sequence) -> None:
    """2401, 2301 …, 2402, 2304 → the request's visit."""
    found = draft.found
    admitted = [n for e in sequence.of("2401") for n in e.nodes("mdtrtinfo", found)]
    rows = [n for e in sequence.of("2301") for n in e.nodes("feedetail", found)]
    discharged = [n for e in sequence.of("2402") for n in e.nodes("dscginfo", found)]
    settle = sequence.settle.nodes("data", found)
    if not admitted or not settle:
        return
    visit = draft.request.visit
    _add_visit(draft, admitted[0], INPATIENT_FIELDS)
    # A stay is charged once, so the stay's own number is its batch.
    visit.batch_no = visit.visit_no
    draft.origins["visit.batch_no"] = draft.origins["visit.visit_no"]
    kind, source = agreed_code("med_type", [*admitted, *rows], INPATIENT_KINDS, required=True)
    visit.kind = kind or claim_pb2.VISIT_KIND_UNSPECIFIED
    draft.came_from("visit.kind", source, "med_type")
    # Without a discharge message the settlement's own time is when the stay ended.
    ending, name = (discharged[0], "endtime") if discharged else (sequence.settle.head, "inf_time")
    put_time(visit.ended_at, ending.moment(name))
    draft.came_from("visit.ended_at", ending, name)
    settle[0].code("mid_setl_flag", WHOLE_STAY, required=False)
    diseases = [n for e in sequence.of("2401") for n in e.nodes("diseinfo", found, required=False)]
    for envelope in sequence.of("2402"):
        envelope.nodes("diseinfo", found, required=False)
    _add_diagnoses(draft, diseases, admitted)
    _finish(draft, [*admitted, *rows, *discharged, *settle], admitted + settle, rows)


def _add_visit(draft: Draft, node: Node, fields: tuple[tuple[str, str], ...]) -> None:
    visit = draft.request.visit
    for attribute, name in fields:
        draft.text(visit, f"visit.{attribute}", node, name, required=attribute == "visit_no")
    put_time(visit.started_at, node.moment("begntime"))
    draft.came_from("visit.started_at", node, "begntime")


def _add_diagnoses(draft: Draft, diseases: list[Node], fallback: list[Node]) -> None:
    """The main diagnosis first, then by 诊断排序号; without any list, the code that rows name."""
    valid = [n for n in diseases if n.values.get("vali_flag") not in ("0", Decimal(0))]
    for node in sorted(valid, key=_rank):
        path = f"visit.diagnoses[{len(draft.request.visit.diagnoses)}]"
        diagnosis = draft.request.visit.diagnoses.add()
        draft.text(diagnosis, f"{path}.code", node, "diag_code", required=True)
        draft.text(diagnosis, f"{path}.name", node, "diag_name", required=True)
        draft.origins[path] = node.path
    if valid:
        return
    code, source = agreed_text("dise_codg", fallback, required=False)
    if not code:
        text = "缺少诊断:门诊由 2203 的 diseinfo 给出,住院由 2401 的 diseinfo 给出。"
        draft.found.append(FileProblem("$", "REQUIRED", text))
        return
    name, _ = agreed_text("dise_name", [source] if source else [], required=False)
    draft.request.visit.diagnoses.add(code=code, name=name or code)
    draft.came_from("visit.diagnoses[0].code", source, "dise_codg")


def _rank(node: Node) -> tuple[bool, Decimal]:
    order = node.decimal("diag_srt_no", places=0, required=False)
    return node.values.get("maindiag_flag") not in ("1", Decimal(1)), order or Decimal(0)


def _finish(draft: Draft, everything: list[Node], people: list[Node], rows: list[Node]) -> None:
    """What both kinds end with: patient, lines, total, account and invoice."""
    check_same_visit(everything)
    add_patient(draft, people)
    inpatient = draft.request.visit.kind == claim_pb2.VISIT_KIND_INPATIENT
    for row in rows:
        add_line(draft, row, inpatient=inpatient)
    settle = people[-1]
    use_account = settle.code("acct_used_flag", FLAGS)
    draft.request.use_personal_account = bool(use_account)
    draft.text(draft.request, "invoice_no", settle, "invono", required=False)
    total = settle.fen("medfee_sumamt")
    lines = draft.request.visit.lines
    if total is not None and not draft.found and total != sum(line.amount_fen for line in lines):
        settle.say("medfee_sumamt", "TOTAL_MISMATCH", "应等于全部费用明细金额之和。")
