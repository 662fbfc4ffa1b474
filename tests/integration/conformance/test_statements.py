"""Every province is asked for its statement: what both have, what one has, what differs, and when
a step of the dialogue fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from adapters.national_client import NationalClient
from adapters.registry import PROVINCES
from gateway.domain.bill import VisitKind
from gateway.domain.dictionary import UnknownCode
from gateway.domain.visit import Attendance
from gateway.ports import (
    Accepted,
    Answer,
    CancelOrder,
    Declined,
    NoAnswer,
    NotDelivered,
    OurRow,
    RegionSettlement,
    ReversalOrder,
    SettlementQuery,
    StatementKey,
    StatementOrder,
    StatementResult,
    StatementRow,
    StatementTotals,
)
from tests.integration.conformance.world import NOW, World, accepted, world

ALL = [name for name, _ in PROVINCES.values()]
DAY = date(2025, 9, 10)


def ours(att: Attendance, settled: RegionSettlement) -> OurRow:
    amounts = settled.breakdown
    return OurRow(
        settled.settlement_id,
        att.region_visit_id,
        att.person.person_no,
        amounts.total_fen,
        amounts.fund_total_fen,
        amounts.account_fen,
        refund=amounts.total_fen < 0,
    )


def totals(w: World, *rows: OurRow, scheme: str = "", day: date = DAY) -> StatementTotals:
    key = StatementKey(scheme, "11", w.sandbox.province.pool, day, day)
    return StatementTotals(
        key,
        sum(row.total_fen for row in rows),
        sum(row.fund_fen for row in rows),
        sum(row.account_fen for row in rows),
        sum(row.total_fen - row.fund_fen - row.account_fen for row in rows),
        len(rows),
        None,
    )


async def ask_detail(w: World, *rows: OurRow) -> Answer[tuple[StatementRow, ...]]:
    msgids = (w.ctx().msgid, w.ctx().msgid, w.ctx().msgid)
    return await w.client.statement_detail(w.ctx(), StatementOrder(totals(w, *rows), rows, msgids))


async def differences(w: World, *rows: OurRow) -> tuple[StatementRow, ...]:
    found = accepted(await ask_detail(w, *rows))
    return tuple(row for row in found if row.result is not StatementResult.BALANCED)


def meant(w: World, result: StatementResult) -> StatementResult:
    """A province with a plain 不平 says of every difference that it is one."""
    return result if w.sandbox.province.statements.splits else StatementResult.DIFFER


@pytest.mark.parametrize("province", ALL)
async def test_a_day_of_which_both_know_the_same_balances(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        att, settled = await w.settled(VisitKind.OUTPATIENT)
        own = ours(att, settled)
        same = totals(w, own, scheme=att.insurance.scheme_code)
        verdict = accepted(await w.client.statement_totals(w.ctx(), same))
        assert (verdict.balanced, verdict.code, verdict.text) == (True, "0", "平")
        empty = totals(w, scheme=att.insurance.scheme_code, day=date(2025, 9, 9))
        assert accepted(await w.client.statement_totals(w.ctx(), empty)).balanced
        found = accepted(await ask_detail(w, own))
        listed = [(row.result, row.settlement_id) for row in found]
        expected = [(StatementResult.BALANCED, settled.settlement_id)]
        assert listed == (expected if w.sandbox.province.statements.lists_balanced else [])


@pytest.mark.parametrize("province", ALL)
async def test_what_only_the_centre_has_is_known_by_its_msgid(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path, "lose-reply=1") as w:
        att, ctx = await w.ready(VisitKind.OUTPATIENT), w.ctx()
        assert isinstance(await w.client.settle(ctx, att), NoAnswer)
        verdict = accepted(
            await w.client.statement_totals(w.ctx(), totals(w, scheme=att.insurance.scheme_code))
        )
        assert not verdict.balanced
        (row,) = await differences(w)
        assert (row.msgid, row.person_no) == (ctx.msgid, att.person.person_no)
        assert (row.settlement_id, row.visit_id, row.refund) == ("", "", False)
        assert row.result is meant(w, StatementResult.CENTRE_MORE)


@pytest.mark.parametrize("province", ALL)
async def test_a_refund_is_a_row_of_its_own_under_the_message_that_made_it(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        att, settled = await w.settled(VisitKind.OUTPATIENT)
        person, visit = att.person.person_no, att.region_visit_id
        ctx = w.ctx()
        order = CancelOrder(VisitKind.OUTPATIENT, person, visit, settled.settlement_id)
        cancelled = accepted(await w.client.cancel(ctx, order))
        negative = ours(att, cancelled)
        assert negative.total_fen == -settled.breakdown.total_fen
        assert await differences(w, ours(att, settled), negative) == ()
        (row,) = await differences(w, ours(att, settled))
        assert (row.msgid, row.refund) == (ctx.msgid, True)
        assert row.total_fen in (negative.total_fen, None)


@pytest.mark.parametrize("province", ALL)
async def test_a_reversal_of_a_lost_settlement_leaves_two_rows_of_the_centre(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path, "lose-reply=1") as w:
        att, lost = await w.ready(VisitKind.OUTPATIENT), w.ctx()
        assert isinstance(await w.client.settle(lost, att), NoAnswer)
        number = w.home.settle[VisitKind.OUTPATIENT]
        back = w.ctx()
        order = ReversalOrder(att.person.person_no, lost.msgid, number)
        accepted(await w.client.reverse(back, order))
        found = await differences(w)
        assert [(row.msgid, row.refund) for row in found] == [
            (lost.msgid, False),
            (back.msgid, True),
        ]
        # Together they are nothing: the totals of a day without us agree but for their number.
        assert sum(row.total_fen or 0 for row in found) == 0


@pytest.mark.parametrize("province", ALL)
async def test_what_only_we_have_comes_back_without_a_msgid(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        imagined = OurRow("A9", "S9", "900000009", 1000, 700, 0, refund=False)
        (row,) = await differences(w, imagined)
        assert (row.settlement_id, row.visit_id, row.msgid) == ("A9", "S9", "")
        assert row.result is meant(w, StatementResult.OURS_MORE)


@pytest.mark.parametrize("province", ALL)
async def test_other_amounts_are_a_difference_with_both_keys(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path, "differ=100@3202") as w:
        att, settled = await w.settled(VisitKind.OUTPATIENT)
        own = ours(att, settled)
        (row,) = await differences(w, own)
        assert row.result is StatementResult.DIFFER
        assert (row.settlement_id, row.visit_id) == (own.settlement_id, own.visit_id)
        assert row.msgid
        assert row.fund_fen in (own.fund_fen - 100, None)


@pytest.mark.parametrize("province", ALL)
async def test_a_person_can_look_at_one_settlement_and_at_its_refund(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        att, settled = await w.settled(VisitKind.OUTPATIENT)
        own = ours(att, settled)
        query = SettlementQuery(own.person_no, own.visit_id, own.settlement_id)
        shown = accepted(await w.client.settlement_record(w.ctx(), query))
        assert (shown.total_fen, shown.fund_fen) == (own.total_fen, own.fund_fen)
        assert (shown.account_fen, shown.cash_fen) == (own.account_fen, settled.breakdown.cash_fen)
        assert (shown.msgid != "", shown.refund) == (True, False)
        assert (shown.settled_at, shown.clearing_type) == (settled.settled_at, "11")
        order = CancelOrder(VisitKind.OUTPATIENT, own.person_no, own.visit_id, own.settlement_id)
        cancelled = accepted(await w.client.cancel(w.ctx(), order))
        of_it = replace(query, settlement_id=cancelled.settlement_id)
        back = accepted(await w.client.settlement_record(w.ctx(), of_it))
        assert (back.refund, back.total_fen) == (True, -own.total_fen)
        nobody = replace(query, settlement_id="A0")
        assert isinstance(await w.client.settlement_record(w.ctx(), nobody), Declined)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("lose-reply=2@9101", NoAnswer, "9101 connection_lost"),
        ("garbage@3202", NoAnswer, "3202 broken_answer"),
        ("http500@9102", NoAnswer, "9102 server_error"),
        ("broken@9102", NoAnswer, "9102 BrokenAnswer"),
        ("garbage@9102", NoAnswer, "9102 broken_answer"),
        ("refuse=3202", Declined, "业务拒绝"),
        ("refuse=9102", Declined, "业务拒绝"),
    ],
)
async def test_a_step_that_fails_is_named_and_asked_again_from_the_beginning(
    fault: str, kind: type[object], says: str, tmp_path: Path
) -> None:
    async with world("shanghai", tmp_path, fault) as w:
        own = ours(*await w.settled(VisitKind.OUTPATIENT))
        answer = await ask_detail(w, own)
        assert isinstance(answer, kind)
        assert isinstance(answer, Declined | NoAnswer)
        assert says in (answer.text if isinstance(answer, Declined) else answer.cause)
        w.sandbox.faults.clear()
        assert isinstance(await ask_detail(w, own), Accepted)


async def test_a_result_code_that_our_profile_lacks_is_kept_and_told(tmp_path: Path) -> None:
    told: list[UnknownCode] = []
    async with world("jiangsu", tmp_path, tell_unknown=told.append) as w:
        client = w.client
        assert isinstance(client, NationalClient)
        full = client.codec_at(NOW)
        words = replace(full.profile.dictionary, statement_results={"0": StatementResult.BALANCED})
        narrow = type(full)(replace(full.profile, dictionary=words), full.scheme)
        narrowed = replace(w, client=client.reading_with(lambda _: narrow))
        imagined = OurRow("A9", "S9", "900000009", 1000, 700, 0, refund=False)
        verdict = accepted(
            await narrowed.client.statement_totals(w.ctx(), totals(w, imagined, scheme="310"))
        )
        assert (verdict.balanced, verdict.code) == (False, "1")
        (row,) = await differences(narrowed, imagined)
        assert (row.result, row.result_code) == (None, "1")
        assert [(code.field, code.code, code.transaction) for code in told] == [
            ("stmt_rslt", "1", "3201"),
            ("stmt_rslt", "1", "3202"),
        ]


async def test_an_upload_whose_reply_was_lost_once_is_sent_again_by_itself(tmp_path: Path) -> None:
    async with world("jiangsu", tmp_path, "lose-reply=1@9101") as w:
        own = ours(*await w.settled(VisitKind.OUTPATIENT))
        assert await differences(w, own) == ()


async def test_the_three_steps_share_the_callers_time(tmp_path: Path) -> None:
    async with world("shanghai", tmp_path, "delay=0.25s@9101", "delay=0.25s@3202") as w:
        own = ours(*await w.settled(VisitKind.OUTPATIENT))
        order = StatementOrder(
            totals(w, own), (own,), (w.ctx().msgid, w.ctx().msgid, w.ctx().msgid)
        )
        answer = await w.client.statement_detail(replace(w.ctx(), timeout_s=0.4), order)
        assert isinstance(answer, NoAnswer)
        assert answer.cause.startswith("3202 timeout")


async def test_an_office_that_is_not_known_is_not_asked_for(tmp_path: Path) -> None:
    async with world("shanghai", tmp_path) as w:
        nowhere = totals(w, scheme="310")
        unknown = replace(nowhere, key=replace(nowhere.key, clearing_office=""))
        answer = await w.client.statement_totals(w.ctx(), unknown)
        assert isinstance(answer, NotDelivered)
        assert answer.cause == "unsendable 3201 data.setl_optins: required and empty"
