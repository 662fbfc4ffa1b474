"""A good request, an institution and a claim, from which each test makes its own bad ones.

Everyone in here is synthetic: identity numbers begin with 00.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.domain.bill import HospitalLevel, VisitKind
from gateway.domain.breakdown import Breakdown, Fund, WorkingStep
from gateway.domain.catalogue import ItemClass
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, EntryRef, PlannedMessage
from gateway.domain.person import IdMode
from gateway.domain.pricing import PricedLine
from gateway.domain.visit import Institution, Scheme
from gateway.rpc.convert.door import Door
from yrd.claim.v1 import claim_pb2 as pb
from yrd.type.v1 import type_pb2

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ID_NUMBER = "003118195203158882"
QINGPU = Institution(
    code="H00310000001", name="示例青浦医院", region="310118", level=HospitalLevel.TERTIARY,
    valid_from=date(2026, 1, 1),
)  # fmt: skip
WUJIANG = Institution(
    code="H00320000001", name="示例吴江医院", region="320509", level=HospitalLevel.SECONDARY,
    valid_from=date(2026, 1, 1),
)  # fmt: skip
ENDED = Institution(
    code="H00330000001", name="示例嘉善医院", region="330421", level=HospitalLevel.SECONDARY,
    valid_from=date(2020, 1, 1), valid_until=date(2020, 12, 31),
)  # fmt: skip
DOOR = Door(institution=QINGPU, now=NOW, id_mode=IdMode.DEMO)


def stamp(at: datetime) -> Timestamp:
    """An instant as the wire has it."""
    made = Timestamp()
    made.FromDatetime(at)
    return made


def patient() -> pb.Patient:
    """A patient with an identity card."""
    return pb.Patient(
        certificate_kind=type_pb2.CERTIFICATE_KIND_ID_CARD, certificate_number=ID_NUMBER,
        id_number=ID_NUMBER, name="测试甲一",
    )  # fmt: skip


def line(line_no: str, quantity: str, unit_price_yuan: str, amount_fen: int) -> pb.BillLine:
    """One line of a bill."""
    return pb.BillLine(
        line_no=line_no, item_code="SYN-XA01-0001", hospital_item_code="H0001",
        item_name="示例甲类片剂", occurred_at=stamp(NOW - timedelta(hours=1)), quantity=quantity,
        unit_price_yuan=unit_price_yuan, amount_fen=amount_fen,
    )  # fmt: skip


def visit() -> pb.Visit:
    """An outpatient visit with two lines and a refund: 25.00 + 10.01 − 12.50 yuan."""
    refund = line("1003", "-1", "12.5000", -1250)
    refund.refund_of = "1001"
    return pb.Visit(
        kind=pb.VISIT_KIND_OUTPATIENT, visit_no="OP20261124001", batch_no="B001",
        started_at=stamp(NOW - timedelta(hours=2)), department_code="A03", department_name="内科",
        doctor_code="D310000000001", doctor_name="测试医师",
        diagnoses=[pb.Diagnosis(code="J06.900", name="急性上呼吸道感染")],
        lines=[line("1001", "2", "12.5000", 2500), line("1002", "1.5", "6.67", 1001), refund],
    )  # fmt: skip


def settle_request() -> pb.SettleClaimRequest:
    """A request that is right in every respect."""
    return pb.SettleClaimRequest(
        request_id="H001-20261124-0001", visited_region="310118", insured_region="330421",
        patient=patient(), visit=visit(), scheme=type_pb2.SCHEME_EMPLOYEE,
        filing=pb.FILING_KIND_LONG_TERM, use_personal_account=True, invoice_no="F0001",
    )  # fmt: skip


def predetermine_request() -> pb.PredetermineClaimRequest:
    """The same bill, to be estimated."""
    return pb.PredetermineClaimRequest(
        visited_region="310118", insured_region="330421", patient=patient(), visit=visit(),
        scheme=type_pb2.SCHEME_EMPLOYEE,
    )  # fmt: skip


def breakdown() -> Breakdown:
    """35.01 yuan: 20.00 pooled, 5.00 account, the rest cash."""
    return Breakdown(
        total_fen=3501, own_pay_fen=0, over_limit_fen=0, pre_self_pay_fen=100, in_scope_fen=3401,
        deductible_fen=0, funds=((Fund.POOLED, 2000),), account_fen=500, family_account_fen=0,
        cash_fen=1001, working=(WorkingStep("统筹支付", "34.01 × 58.8%", 2000, "330400.x"),),
    )  # fmt: skip


def priced_line() -> PricedLine:
    """One line, split."""
    return PricedLine(
        line_no="1001", item_code="SYN-XB01-0001", name_zh="示例乙类片剂",
        item_class=ItemClass.B, self_pay_ratio=Decimal("0.10"), price_limit=None, amount_fen=1000,
        own_pay_fen=0, over_limit_fen=0, pre_self_pay_fen=100, in_scope_fen=900,
    )  # fmt: skip


def claim(state: ClaimState = ClaimState.SETTLED, claim_id: str = "clm_01") -> ClaimRecord:
    """A claim as the ledger remembers it."""
    return ClaimRecord(
        claim_id=claim_id, request_id="H001-20261124-0001", request_hash="ab" * 32, state=state,
        version=2, institution_code=QINGPU.code, visited_region="310118", insured_region="330421",
        visit_kind=VisitKind.OUTPATIENT, visit_no="OP20261124001", batch_no="B001",
        subject_ref="s_7K3QW2M5", name_masked="测***", id_number_masked="003*************82",
        id_number=ID_NUMBER, scheme=Scheme.EMPLOYEE, person_no="33040000000000000001",
        computed=breakdown(), lines=(priced_line(),), policy_rules=("330400.x",),
        catalogue_version="310000@2026-01-01",
        messages=(
            PlannedMessage("H00310000001202611241015000001", "2207", "330400", "answered"),
        ),
        created_at=NOW, updated_at=NOW, attempt_deadline=NOW,
        entries=(EntryRef("ent_01", "pending", 6), EntryRef("ent_02", "posted", 7)),
        settled=breakdown() if state is ClaimState.SETTLED else None,
        region_settlement_id="S33000000000017", region_settled_at=NOW, window="2026-11",
    )  # fmt: skip
