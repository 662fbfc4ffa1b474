"""The bills that are settled: outpatient visits of three lines in 青浦, insured in 嘉善 or 吴江.

Synthetic people of the stand-in platforms, taken in turn; no two requests are the same claim. What
their policies pay changes as their year's accumulators grow; that they settle does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, cycle

from yrd.claim.v1 import claim_pb2
from yrd.type.v1 import type_pb2

INSTITUTION = "H00310000001"
_PEOPLE = (
    ("003321198503120117", "测试丙一", "330421"),
    ("003209198503120117", "测试乙一", "320509"),
    ("003321195203150222", "测试丙二", "330421"),
    ("003209195203150222", "测试乙二", "320509"),
)
"""(identity number, name, insured county)."""
_LINES = (
    ("1001", "SYN-TA01-0001", "示例普通门诊诊查费", "1", "25.00", 2500),
    ("1002", "SYN-XA01-0001", "示例甲类片剂", "10", "52.40", 52400),
    ("1003", "SYN-XB01-0001", "示例乙类胶囊", "3", "88.8800", 26664),
)
"""(line_no, item_code, name, quantity, unit_price_yuan, amount_fen)."""


def bills(run: str, now: datetime) -> Iterator[claim_pb2.SettleClaimRequest]:
    """Requests without end; `run` must differ between two iterators on one database."""
    drafts = [_draft(*person, started=now - timedelta(hours=1)) for person in _PEOPLE]
    for number, draft in zip(count(1), cycle(drafts), strict=False):
        request = claim_pb2.SettleClaimRequest()
        request.CopyFrom(draft)
        request.request_id = f"bench-{run}-{number:06d}"
        request.visit.visit_no = f"{run}-{number:06d}"
        request.visit.batch_no = f"B{number:06d}"
        yield request


def _draft(
    id_number: str, name: str, county: str, *, started: datetime
) -> claim_pb2.SettleClaimRequest:
    request = claim_pb2.SettleClaimRequest(
        visited_region="310118", insured_region=county,
        filing=claim_pb2.FILING_KIND_TEMPORARY, use_personal_account=True,
    )  # fmt: skip
    request.patient.certificate_kind = type_pb2.CERTIFICATE_KIND_ID_CARD
    request.patient.certificate_number = request.patient.id_number = id_number
    request.patient.name = name
    visit = request.visit
    visit.kind = claim_pb2.VISIT_KIND_OUTPATIENT
    visit.started_at.FromDatetime(started)
    visit.department_code, visit.department_name = "A03", "内科"
    visit.doctor_code, visit.doctor_name = "D310000000001", "测试医师"
    visit.diagnoses.add(code="J06.900", name="急性上呼吸道感染")
    for line_no, item, item_name, quantity, price, fen in _LINES:
        line = visit.lines.add(
            line_no=line_no, item_code=item, hospital_item_code=f"Y{line_no}", item_name=item_name,
            quantity=quantity, unit_price_yuan=price, amount_fen=fen,
        )  # fmt: skip
        line.occurred_at.FromDatetime(started)
    return request
