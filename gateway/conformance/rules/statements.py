"""对账与字典: whether a platform's statement says what took effect, and its dictionaries answer.

3201/3202 have the last word on every unknown outcome, so what is tried here is that word itself: a
row that we lost is named by its msgid, a row that only we have is named, an amount that differs by
a fen is seen, and what was taken back stands there with both its rows. Other traffic of the same
institution on the same day does not disturb: only the trial's own msgids are looked at.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.baseline.dictionary_check import sent
from gateway.conformance.answers import unknown, yes
from gateway.conformance.count import totals_of
from gateway.conformance.relay import Back, Fault
from gateway.conformance.rule import Broken, Group, NotRun, rule
from gateway.conformance.stand import Sent, Stand
from gateway.domain.business_day import business_day
from gateway.ports import (
    Declined,
    OurRow,
    RegionSettlement,
    StatementResult,
    StatementRow,
    StatementTotals,
)


@rule(
    "C80",
    Group.STATEMENT,
    "总账相符时答平,差一分即答不平",
    why="总账平了才不必对明细(3201 [solid]);退费是否计入笔数没有文件说明 [unverified]",
    does="结算后以正确的合计对总账(3201),再把合计多报一分",
    quick=True,
)
async def totals(stand: Stand) -> None:
    _, value = await stand.settled()
    stated = await _totals(stand, value)
    if not (await stand.statement.verdict(stated)).balanced:
        forward = replace(stated, count=await _forward(stand))
        if not (await stand.statement.verdict(forward)).balanced:
            raise Broken("合计正确,3201 却答不平")
        stated = forward
    off = replace(stated, total_fen=stated.total_fen + 1, cash_fen=stated.cash_fen + 1)
    if (await stand.statement.verdict(off)).balanced:
        raise Broken("合计多报了一分,3201 仍答平")


@rule(
    "C81",
    Group.STATEMENT,
    "回执丢失的结算在明细对账里,以报文 ID 可查",
    why="结算号随回执丢失,报文 ID 是唯一的连接键 [solid]",
    does="丢失一笔结算的回执,再对明细账(9101、3202、9102)",
    quick=True,
)
async def lost_is_found(stand: Stand) -> None:
    await stand.learn_key()
    att = await stand.ready()
    stand.relay.arm(Fault(back=Back.LOSE))
    unknown(await stand.settle(att), "回执丢失")
    await stand.relay.quiet()
    msgid = stand.settling(att).ctx.msgid
    found = [row for row in await _rows(stand) if row.msgid == msgid]
    if len(found) != 1:
        raise Broken(f"明细对账里该报文 ID 应有一行,实有 {len(found)} 行")
    _told(stand, found[0], {StatementResult.CENTRE_MORE, StatementResult.DIFFER}, "中心多")


@rule(
    "C82",
    Group.STATEMENT,
    "只有医药机构有的一行,明细对账会指出",
    why="本方记了而平台没有的结算,基金不会付 [solid]",
    does="在上传的明细里添一行不存在的结算",
)
async def ours_only(stand: Stand) -> None:
    sent, value = await stand.settled()
    real = _row(sent, value)
    made_up = replace(real, settlement_id="X" + real.settlement_id[1:])
    rows = await _rows(stand, real, made_up)
    found = [row for row in rows if row.settlement_id == made_up.settlement_id]
    if len(found) != 1:
        raise Broken(f"不存在的结算应在结果里有一行,实有 {len(found)} 行")
    _told(stand, found[0], {StatementResult.OURS_MORE, StatementResult.DIFFER}, "医药机构多")
    for row in rows:
        if row.settlement_id == real.settlement_id:
            _told(stand, row, {StatementResult.BALANCED}, "相符的一行")


@rule(
    "C83",
    Group.STATEMENT,
    "金额差一分的一行,明细对账会指出",
    why="金额不一致必须逐笔看得到 [solid]",
    does="上传的明细里一笔结算的总额多一分",
)
async def amounts_differ(stand: Stand) -> None:
    sent, value = await stand.settled()
    real = _row(sent, value)
    rows = await _rows(stand, replace(real, total_fen=real.total_fen + 1))
    found = [row for row in rows if real.settlement_id in (row.settlement_id,)]
    if len(found) != 1:
        raise Broken(f"差一分的结算应在结果里有一行,实有 {len(found)} 行")
    _told(stand, found[0], {StatementResult.DIFFER}, "金额不一致")


@rule(
    "C84",
    Group.STATEMENT,
    "冲正过的结算在明细对账里正负两行都在",
    why="退费要两行,一正一负;只去掉正的一行就对不平 [solid]",
    does="结算、冲正,再对明细账",
)
async def both_rows(stand: Stand) -> None:
    sent, _ = await stand.settled()
    yes(await stand.reverse(sent), "冲正(2601)")
    msgids = {sent.ctx.msgid, stand.last.ctx.msgid}
    rows = [row for row in await _rows(stand) if row.msgid in msgids]
    if sorted(row.refund for row in rows) != [False, True]:
        raise Broken(f"应有正负各一行,实有 {len(rows)} 行")
    if sum(row.total_fen or 0 for row in rows):
        raise Broken("正负两行的总额相加不为零")


@rule(
    "C85",
    Group.STATEMENT,
    "明细对账与平台账面一致",
    why="对账单少一行,未知的结算就永远未知 [rule]",
    does="结算两次、撤销一次,比较 3202 与平台自己的账面",
    sandbox_only=True,
)
async def statement_is_the_books(stand: Stand) -> None:
    first, value = await stand.settled()
    second, _ = await stand.settled()
    yes(await stand.cancel(first, value), "撤销")
    for att, number in ((first.att, 0), (second.att, 1)):
        by_statement, by_books = await stand.by_statement(att), await stand.by_books(att)
        if not by_statement == by_books == number:
            raise Broken(f"应为 {number} 笔:对账单 {by_statement} 笔,账面 {by_books} 笔")


@rule(
    "C86",
    Group.STATEMENT,
    "字典可查,本方自行发出的代码都在其中",
    why="不认识的代码从不发出,本省没有的代码发出也会被拒(代码表因省而异 [unverified])",
    does="逐个查询有代码要发出的字典(1901),比较代码",
)
async def dictionaries(stand: Stand) -> None:
    day = business_day(stand.target.now)
    answered = 0
    for kind, codes in sent(stand.profile.dictionary).items():
        answer = await stand.client.dictionary(stand.ctx(), kind, day)
        if isinstance(answer, Declined):
            continue
        rows = yes(answer, f"字典 {kind}(1901)")
        answered += 1
        missing = sorted(codes - {row.code for row in rows if row.valid})
        if missing:
            listed = "、".join(missing)
            stand.differs(f"平台的字典 {kind} 没有本方发出的代码 {listed}", "dictionary")
    if not answered:
        raise Broken("平台对每个字典都答拒绝")


async def _totals(stand: Stand, value: RegionSettlement) -> StatementTotals:
    """What 3201 should find balanced: everything of the key, of which `value` alone stands."""
    key = stand.statement.key(inpatient=False)
    rows = await _rows(stand)
    b = value.breakdown
    one = totals_of(
        key,
        (OurRow("", "", "", b.total_fen, b.fund_total_fen, b.account_fen, refund=False),),
    )
    if all(row.msgid in stand.msgids for row in rows):
        return replace(one, count=len(rows))
    if any(row.total_fen is None or row.fund_fen is None for row in rows):
        raise NotRun("该机构当日另有结算,而平台的对账结果不带金额,得不出合计")
    every = tuple(
        OurRow("", "", "", r.total_fen or 0, r.fund_fen or 0, r.account_fen or 0, r.refund)
        for r in rows
    )
    return totals_of(key, every)


async def _forward(stand: Stand) -> int:
    return sum(not row.refund for row in await _rows(stand))


async def _rows(stand: Stand, *ours: OurRow) -> tuple[StatementRow, ...]:
    return await stand.statement.rows(stand.statement.key(inpatient=False), ours)


def _row(sent: Sent, value: RegionSettlement) -> OurRow:
    b = value.breakdown
    return OurRow(
        settlement_id=value.settlement_id,
        visit_id=value.visit_id,
        person_no=sent.att.person.person_no,
        total_fen=b.total_fen,
        fund_fen=b.fund_total_fen,
        account_fen=b.account_fen,
        refund=False,
    )


def _told(stand: Stand, row: StatementRow, wanted: set[StatementResult], what_zh: str) -> None:
    if row.result is None:
        stand.differs(f"对账结果代码 {row.result_code} 不在配置中", "dictionary.statement_results")
    elif row.result not in wanted:
        raise Broken(f"{what_zh},对账结果却是 {row.result}({row.result_code})")


RULES = (
    totals,
    lost_is_found,
    ours_only,
    amounts_differ,
    both_rows,
    statement_is_the_books,
    dictionaries,
)
