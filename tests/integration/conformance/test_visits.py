"""Every province settles, pre-settles, cancels and reverses a visit, and says so in one way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.registry import PROVINCES
from gateway.domain.bill import Bill, VisitKind
from gateway.domain.breakdown import Fund
from gateway.domain.visit import PersonKind, Scheme
from gateway.ports import (
    CancelOrder,
    Declined,
    ReversalOrder,
    Verb,
    VisitedRow,
)
from tests.integration.conformance.world import BILL, NOW, accepted, line, world

pytestmark = pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
KINDS = [VisitKind.OUTPATIENT, VisitKind.EMERGENCY, VisitKind.INPATIENT]


async def test_a_person_is_found_with_codes_mapped_to_ours(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        person = accepted(await w.client.find_person(w.ctx(), w.patient()))
        insurance = person.insurances[0]
        assert insurance.scheme is Scheme.EMPLOYEE
        assert insurance.person_kind is PersonKind.ACTIVE
        assert insurance.insured_region == w.home.insured_region
        assert insurance.active
        assert insurance.account_fen == 300_000
        assert person.birth is not None


async def test_an_unknown_person_is_refused_in_words(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        stranger = w.patient("003118195203158882", "测试无名")
        answer = await w.client.find_person(w.ctx(), stranger)
        assert isinstance(answer, Declined)
        assert answer.code == "-1"
        assert answer.text == "未查询到该参保人员信息"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_visit_is_settled_and_cancelled_to_nothing(
    province: str, kind: VisitKind, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        att = await w.ready(kind)
        foreseen = accepted(await w.client.predetermine(w.ctx(), att))
        settled = accepted(await w.client.settle(w.ctx(), att))
        assert settled.breakdown == foreseen.breakdown
        assert settled.broken == settled.unknown_codes == ()
        assert settled.breakdown.total_fen == BILL.total_fen
        assert settled.breakdown.own_pay_fen == att.own_pay_fen
        assert settled.breakdown.in_scope_fen == att.in_scope_fen
        assert settled.breakdown.fund_fen(Fund.POOLED) > 0
        assert settled.settled_at == NOW
        assert settled.clearing_type_code == ("21" if kind.is_inpatient else "11")
        assert w.effective() == 1

        order = CancelOrder(kind, att.person.person_no, settled.visit_id, settled.settlement_id)
        cancelled = accepted(await w.client.cancel(w.ctx(), order))
        assert cancelled.breakdown == settled.breakdown.negated()
        assert cancelled.broken == cancelled.unknown_codes == ()
        assert w.effective() == 0


async def test_accumulators_follow_a_settlement(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        att, settled = await w.settled(VisitKind.OUTPATIENT)
        day = NOW.date()
        used = accepted(await w.client.accumulators(w.ctx(), att.person, att.insurance, day))
        assert used.outpatient_deductible_used_fen == settled.breakdown.deductible_fen
        assert used.pooled_paid_fen == settled.breakdown.fund_fen(Fund.POOLED)
        assert used.outpatient_in_scope_fen == settled.breakdown.in_scope_fen
        assert used.stays_so_far == 0


async def test_a_stay_goes_up_in_hundreds_with_its_refund(province: str, tmp_path: Path) -> None:
    rows = tuple(line(no, "SYN-XA01-0001", "1", "8.50") for no in range(1, 121))
    bill = Bill("S0001", (*rows, line(121, "SYN-XA01-0001", "-1", "8.50", refund_of="120")))
    async with world(province, tmp_path) as w:
        plan = w.client.plan(VisitKind.INPATIENT, len(bill.lines))
        uploads = [step for step in plan if step.verb is Verb.UPLOAD_LINES]
        assert [(u.first_line, u.end_line) for u in uploads] == [(0, 100), (100, 121)]
        att = await w.ready(VisitKind.INPATIENT, bill)
        settled = accepted(await w.client.settle(w.ctx(), att))
        assert settled.breakdown.total_fen == bill.total_fen
        assert att.in_scope_fen == bill.total_fen


@pytest.mark.parametrize("kind", KINDS)
async def test_the_plan_ends_with_this_province_s_settle(
    province: str, kind: VisitKind, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        pivot = w.client.plan(kind, 3)[-1]
        assert pivot.verb is Verb.SETTLE
        assert pivot.transaction == w.home.settle[kind] == w.client.transaction(Verb.SETTLE, kind)
        assert w.client.transaction(Verb.CANCEL, kind) == w.home.cancel[kind]


async def test_a_settlement_is_reversed_by_its_msgid_alone(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        ctx = w.ctx()
        accepted(await w.client.settle(ctx, att))
        order = ReversalOrder(
            att.person.person_no, ctx.msgid, w.client.transaction(Verb.SETTLE, att.visit.kind)
        )
        accepted(await w.client.reverse(w.ctx(), order))
        assert w.effective() == 0
        # Whether a second one is harmless is not stated anywhere; here it must not count twice.
        await w.client.reverse(w.ctx(), order)
        assert w.effective() == 0


async def test_an_admission_is_taken_back_by_its_msgid_alone(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        att = await w.attendance(VisitKind.INPATIENT)
        ctx = w.ctx()
        att = replace(att, region_visit_id=accepted(await w.client.register(ctx, att)))
        number = w.client.transaction(Verb.REGISTER, VisitKind.INPATIENT)
        order = ReversalOrder(att.person.person_no, ctx.msgid, number)
        accepted(await w.client.reverse(w.ctx(), order))
        assert isinstance(await w.client.upload_lines(w.ctx(), att, att.bill.lines), Declined)


async def test_the_visited_region_is_told_twice_and_counts_once(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        region = w.home.insured_region
        ctx = w.ctx()
        told = type(ctx)(ctx.msgid, ctx.institution, region, "310118", NOW, 5.0)
        row = VisitedRow("clm_01", "V1", w.home.id_number, NOW, 12_345, 10_000)
        accepted(await w.client.tell_visited(told, row))
        accepted(await w.client.tell_visited(told, row))
        rows = w.sandbox.state()["visited_settlements"]
        assert isinstance(rows, list)
        assert [r["times"] for r in rows] == [2]


async def test_a_paused_insurance_is_seen_before_anything_is_sent(
    province: str, tmp_path: Path
) -> None:
    paused = {
        "shanghai": ("003118197901010446", "测试甲四"),
        "jiangsu": ("003209197901010445", "测试乙四"),
        "zhejiang": ("003321197901010445", "测试丙四"),
        "anhui": ("003488197901010441", "测试丁四"),
    }
    async with world(province, tmp_path) as w:
        patient = w.patient(*paused[province])
        person = accepted(await w.client.find_person(w.ctx(), patient))
        assert [row.active for row in person.insurances] == [False]


async def test_both_insurance_rows_of_one_person_come_out(province: str, tmp_path: Path) -> None:
    two = {
        "shanghai": ("003118199007040551", "测试甲五"),
        "jiangsu": ("003209199007040550", "测试乙五"),
        "zhejiang": ("003321199007040550", "测试丙五"),
        "anhui": ("003488199007040557", "测试丁五"),
    }
    async with world(province, tmp_path) as w:
        person = accepted(await w.client.find_person(w.ctx(), w.patient(*two[province])))
        assert {row.scheme for row in person.insurances} == {Scheme.EMPLOYEE, Scheme.RESIDENT}
