"""演示结果: a story as people read it, in Chinese, amounts in yuan. Prints; decides nothing."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.counter import wording
from gateway.counter.limit_words import STATES, account_zh, state_of
from gateway.counter.tables import breakdown_table, state_text
from gateway.demo import cases
from gateway.demo.story import ClaimTold, Story
from ledger.checkpoint import parse_checkpoint
from ledger.limits import Standing
from ledger.money import format_yuan
from yrd.claim.v1 import claim_pb2

PARTS = (
    ("total_fen", "总额"), ("own_pay_fen", "全自费"), ("over_limit_fen", "超限价"),
    ("pre_self_pay_fen", "先行自付"), ("deductible_fen", "起付线"), ("fund_total_fen", "基金支付"),
    ("account_fen", "账户"), ("cash_fen", "现金"),
)  # fmt: skip
ESTIMATED = frozenset({"fund_total_fen", "account_fen", "cash_fen"})
ESSENTIAL = ESTIMATED | {"total_fen", "deductible_fen"}
WIDE = 100
"""Columns that the whole table needs; a narrower terminal gets the essential parts."""


def show(console: Console, story: Story, *, kept: Path | None) -> None:
    """Everything, from the claims to what to try next."""
    console.print()
    if story.claims:
        console.print(_claims(story, console.width))
        console.print(_legend(story))
        console.print()
    for told in story.claims:
        if told.case is cases.INPATIENT:
            console.print(_example(told))
            console.print()
    if story.refused:
        console.print(_refused(story))
    if story.checkpoint_note:
        _proofs(console, story)
    _verdict(console, story)
    _next_steps(console, kept)


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )


def _claims(story: Story, width: int) -> Table:
    table = _table("结算结果(元)")
    table.padding = (0, 0, 0, 0)  # the box's own gap is enough between numbers
    table.add_column("", no_wrap=True)
    shown = [part for part in PARTS if width >= WIDE or part[0] in ESSENTIAL]
    for _, label in shown:
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column(" 状态", no_wrap=True)
    for number, told in enumerate(story.claims, start=1):
        settled = told.claim.settled if told.claim.HasField("settled") else None
        amounts = [_yuan(settled, field) for field, _ in shown]
        state = Text(" ").append_text(state_text(told.claim))
        table.add_row(f"{number} {told.case.short_zh}", *amounts, state)
    return table


def _yuan(breakdown: claim_pb2.Breakdown | None, field: str) -> str:
    if breakdown is None:
        return "—"
    amount = int(getattr(breakdown, field))
    return format_yuan(amount) if amount else "·"


def _legend(story: Story) -> Table:
    """What each row was, and what is worth saying beyond its amounts."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right")
    grid.add_column(overflow="fold", ratio=1)
    for number, told in enumerate(story.claims, start=1):
        grid.add_row(str(number), _sentence(told.case.title_zh, *_notes(told)))
    if story.estimate is not None:
        b = story.estimate.region
        agree = "与网关核算一致" if not story.estimate.differences else "与网关核算不一致"
        amounts = "、".join(
            f"{label} {format_yuan(getattr(b, f))}" for f, label in PARTS if f in ESTIMATED
        )
        note = f"参保地估算:{amounts},{agree};未结算,未入账"
        grid.add_row("·", _sentence("预结算:第 5 笔的账单", note))
    if story.replay_case:
        same = "逐字节相同,没有第二笔结算" if story.replay_identical else "不相同"
        grid.add_row("·", _sentence("重复提交:第 1 笔", f"两次答复{same}"))
    return grid


def _sentence(head: str, *notes: str) -> Text:
    text = Text(head, style="bold")
    for note in notes:
        text.append(f"。{note}", style="not bold")
    return text


def _notes(told: ClaimTold) -> list[str]:
    claim, notes = told.claim, []
    if claim.refusal.reason and claim.refusal.by == "region":
        notes.append(f"参保地答复“{claim.refusal.text_zh}”,未发生结算")
    if claim.differences:
        rows = [
            f"{_part(d.part)}核算 {format_yuan(d.computed_fen)}、结算 {format_yuan(d.region_fen)}"
            for d in claim.differences
            if not d.part.startswith("fund.")
        ]
        notes.append(f"以参保地为准,差异已标记:{';'.join(rows)}")
    if told.first_state == "UNKNOWN":
        reversal = [m for m in claim.messages if m.transaction == "2601"][-1:]
        sent = f"已按原报文号冲正(2601 {reversal[0].msgid})" if reversal else "尚未冲正"
        notes.append(f"首次答复“结果未知”;{sent};暂定,以对账为准")
    if wording.state_name(claim) == "REVERSED":
        notes.append("账上一正一负,均有回执")
    return notes


def _part(part: str) -> str:
    return dict(wording.PARTS).get(part, part)


def _example(told: ClaimTold) -> Panel:
    """One bill with its working: why this was paid."""
    working = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    working.add_column("核算过程", overflow="fold")
    working.add_column("算式", overflow="fold", style="dim")
    working.add_column("元", justify="right", no_wrap=True)
    for step in told.claim.computed.working:
        # A step that settles a ratio has no amount: "0.00" beside it would be read as money.
        ratio = not step.amount_fen and step.formula.endswith("%") and "×" not in step.formula
        amount = "" if ratio else format_yuan(step.amount_fen)
        working.add_row(step.label_zh, step.formula, amount)
    grid = Table.grid()
    grid.add_row(breakdown_table(told.claim))
    grid.add_row(Text())
    grid.add_row(working)
    return Panel(grid, title="第 2 笔的账单与核算", title_align="left", padding=(0, 1))


def _refused(story: Story) -> Table:
    table = _table("网关拒绝的请求(未写入,未发送)")
    table.add_column("情形", overflow="fold", ratio=2)
    table.add_column("原因码 / 字段", no_wrap=True)
    table.add_column("给收费员的提示", overflow="fold", ratio=3)
    rows = [(r.title_zh, r.reason, r.field, r.text_zh) for r in story.refused]
    if story.file_problems:
        first, more = story.file_problems[0], len(story.file_problems)
        rows.append((f"医院文件有误(共 {more} 处)", first.reason, first.path, first.text_zh))
    for title, reason, field, text in rows:
        where = Text(reason)
        if field:
            where.append(f"\n{field}", style="dim")
        table.add_row(title, where, Text(text))
    return table


def _proofs(console: Console, story: Story) -> None:
    ok = sum(told.receipt_ok for told in story.claims)
    head = parse_checkpoint(story.checkpoint_note)
    checked = sum(story.verify_checked.values())
    verdict = "通过" if story.verify_ok else "发现问题"
    published = "通过" if story.log_ok else "未通过"
    for name, text in (
        ("回执", f"{ok}/{len(story.claims)} 份,仅凭日志公钥离线核验通过"),
        ("检查点", f"{head.origin} · {head.size} 条 · 根 {head.root.hex()[:16]}…"),
        ("见证", f"{story.witnesses}/{story.witnesses_asked} 家平台会签了最后的检查点"),
        ("公开", f"日志导出为静态文件,由不含本系统代码的程序按公开格式核验{published}"),
        ("查账", f"从原始记录重新推导 {checked} 项,{verdict}"),
        (
            "对方",
            f"三地平台有效结算 {story.platforms_effective} 笔,"
            f"就医地收到通知 {story.visited_told} 条",
        ),
        ("各省", story.conformance_zh or "一致性检验未执行"),
        *(("预付金", _prepayment(standing)) for standing in story.prepayments),
    ):
        console.print(Text(f"\n{name} " if name == "回执" else f"{name} ", style="bold"), text)
    for problem in story.verify_problems:
        console.print(f"    {problem}", markup=False, style="red")


def _prepayment(standing: Standing) -> str:
    limit = standing.limit
    return (
        f"{account_zh(limit.account).removesuffix(' 预付金')}:"
        f"拨付 {format_yuan(standing.balance_fen)},可用 {format_yuan(standing.available_fen)},"
        f"下限 {format_yuan(limit.floor_fen)},{STATES[state_of(standing)]}(合成协议)"
    )


def _verdict(console: Console, story: Story) -> None:
    console.print()
    if story.broken:
        console.print(f"✗ 有 {len(story.broken)} 项没有成立:", style="bold red")
        for promise in story.broken:
            console.print(f"    {promise}", markup=False, style="red")
    else:
        seconds = f"{story.milliseconds / 1000:.1f}"
        console.print(f"✓ 全部成立,用时 {seconds} 秒。", style="bold green")


def _next_steps(console: Console, kept: Path | None) -> None:
    console.print()
    if kept is None:
        console.print("数据已随演示结束删除。留下来看:[b]./yrd demo --keep /tmp/yrd[/b]")
        return
    console.print(Text(f"数据在 {kept}(数据库、密钥、日志、回执、检查点)。接着可以:"))
    for command, why in (
        (f"./yrd settle examples/08-*.json --data {kept}", "结算一份新的医院文件"),
        (f"./yrd settle --dir examples --data {kept}", "整批提交:已结算的得到原结果"),
        (f"./yrd verify --data {kept}", "重新查账"),
        (f"./yrd limits --data {kept}", "预付金余额"),
        (f"./yrd verify-receipt {kept}/receipts/*.json --key {kept}/vkey", "离线核验回执"),
        (
            f"./yrd serve --data {kept}",
            "启动网关(结算还需三地平台:./yrd sandbox shanghai 等),另开终端用 ./yrd call 调用",
        ),
    ):
        console.print(f"  {command}", markup=False, soft_wrap=True)
        console.print(f"      {why}", style="dim")
