"""报文查看: the inspector's pages: which messages came, and one of them field by field.

Pure: exchanges go in, HTML comes out; no script, no resource from elsewhere. Every text that came
from outside is escaped. What is masked is masked before it is kept (masking.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from adapters.sandbox.dissection import Grade, Section, Seen, dissected
from adapters.sandbox.exchanges import Exchange, Wanted
from adapters.sandbox.field_tables import Side, names_zh
from adapters.sandbox.records import Settlement
from adapters.sandbox.sums import Sum, sums_of

PAGE_SIZE = 100
ROOT = "/sandbox/inspector"
OUTCOMES = {
    "ok": "成功", "refused": "业务拒绝", "gate": "验签拒绝", "unreadable": "无法读取",
    "failed": "未处理", "fault": "有故障的",
}  # fmt: skip
_PARTS = (
    ("total", "医疗费总额"), ("fund", "基金支付"), ("hifp", "其中统筹"), ("hifob", "其中大额"),
    ("hifmi", "其中大病"), ("acct", "个人账户"), ("cash", "现金"), ("dedc", "起付线"),
    ("inscp", "符合范围"), ("preself", "先行自付"), ("over", "超限价"), ("own", "全自费"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose messages these are."""

    name_zh: str
    pool: str
    gate: str
    now: str
    kept: int
    faults: list[str]


def list_page(heading: Heading, wanted: Wanted, found: list[Exchange]) -> str:
    """`found`: newest first, one more than fits when there are older ones."""
    shown, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
    rows = "".join(_row(exchange) for exchange in shown)
    if not shown:
        rows = '<tr><td colspan="7" class="none">没有报文。向本平台发一条,再刷新本页。</td></tr>'
    older = ""
    if more:
        query = _query(wanted, before=shown[-1].number)
        older = f'<p class="older"><a href="{escape(f"{ROOT}?{query}")}">更早的报文</a></p>'
    return _document(
        f"{heading.name_zh}仿真平台 报文",
        f"""{_header(heading)}{_filter(wanted)}
<table class="list"><thead><tr><th>时间</th><th>交易</th><th>报文ID与机构</th><th>结果</th>
<th>效果</th><th>故障</th><th>验签</th></tr></thead>
<tbody>{rows}</tbody></table>{older}""",
    )


def message_page(heading: Heading, exchange: Exchange, settlement: Settlement | None) -> str:
    """One exchange: summary, sums, request and answer field by field, raw texts, headers."""
    sent = dissected(exchange.request, exchange.infno, Side.REQUEST)
    came = dissected(exchange.answer, exchange.infno, Side.ANSWER) if exchange.answer else []
    answered = exchange.arrived and not exchange.answer
    way = f'<p class="way">到达对方的是:{escape(exchange.arrived)}</p>' if exchange.arrived else ""
    return _document(
        f"{exchange.infno} {_name(exchange.infno)}",
        f"""<p class="back"><a href="{ROOT}">← 全部报文</a></p>
<h1>{_transaction(exchange.infno)}</h1>{_summary(heading, exchange)}
{_sums(exchange, settlement)}
<h2>请求</h2>{_sections(sent)}{_raw(exchange.request, "请求原文(已解密、已遮盖个人信息)")}
{_headers(exchange)}
<h2>答复</h2>{way}{_sections(came) if came else "" if answered else "<p>没有答复。</p>"}
{_raw(exchange.answer, "答复原文(加密前、已遮盖个人信息)") if exchange.answer else ""}""",
    )


# --- the list --------------------------------------------------------------------------------


def _header(heading: Heading) -> str:
    armed = "、".join(heading.faults) or "无"
    return f"""<h1>{escape(heading.name_zh)}仿真平台 <small>报文查看</small></h1>
<p class="facts">统筹区 {escape(heading.pool)} · 签名 {escape(heading.gate)} · 平台时间
{escape(heading.now)} · 保留 {heading.kept} 条 · 待发生的故障:{escape(armed)}</p>
<p class="note">全部是合成数据;证件号、人员编号只留前 3 位与后 2 位。</p>"""


def _filter(wanted: Wanted) -> str:
    numbers = "".join(
        f'<option value="{number}"{" selected" if number == wanted.infno else ""}>'
        f"{number} {escape(name)}</option>"
        for number, name in names_zh().items()
        if not number.endswith("A")
    )
    outcomes = "".join(
        f'<option value="{key}"{" selected" if key == wanted.outcome else ""}>{name}</option>'
        for key, name in OUTCOMES.items()
    )
    return f"""<form method="get" action="{ROOT}">
<label>交易 <select name="infno"><option value="">全部</option>{numbers}</select></label>
<label>报文ID <input name="msgid" value="{escape(wanted.msgid)}" placeholder="开头即可"></label>
<label>结果 <select name="outcome"><option value="">全部</option>{outcomes}</select></label>
<button>筛选</button> <a href="{ROOT}">清除</a></form>"""


def _row(exchange: Exchange) -> str:
    said = f'<div class="said">{escape(exchange.err_msg)}</div>' if exchange.err_msg else ""
    return f"""<tr class="{escape(exchange.outcome)}">
<td class="time"><a href="{ROOT}/{exchange.number}">{escape(exchange.at[5:])}</a></td>
<td>{_transaction(exchange.infno)}</td>
<td class="id">{escape(exchange.msgid)}<div class="said">{escape(exchange.institution)}</div></td>
<td>{_outcome(exchange)}{_arrival(exchange)}{said}</td><td>{escape(exchange.effect)}</td>
<td class="fault">{escape("、".join(exchange.faults))}</td><td>{_gate(exchange)}</td></tr>
"""


def _arrival(exchange: Exchange) -> str:
    """What the other side got, where that is not what the platform answered."""
    if exchange.status == 0:
        return ' <span class="bad">对方什么也没有收到</span>'
    if exchange.arrived and exchange.answer:
        return f' <span class="bad">对方收到的是 HTTP {exchange.status}</span>'
    return ""


def _outcome(exchange: Exchange) -> str:
    word = OUTCOMES.get(exchange.outcome, exchange.outcome)
    return f'<span class="mark {escape(exchange.outcome)}">{escape(word)}</span>'


def _gate(exchange: Exchange) -> str:
    kind = "good" if exchange.admitted else "bad"
    return f'<span class="{kind}">{escape(exchange.gate)}</span>'


def _transaction(infno: str) -> str:
    if not infno:
        return "无法读取的报文"
    return f"<b>{escape(infno)}</b> {escape(_name(infno))}"


def _name(infno: str) -> str:
    known = names_zh()
    if infno == "visited-settlement":
        return "告知就医地(本项目的假设)"
    return known.get(infno) or known.get(infno.rstrip("A"), "")


def _query(wanted: Wanted, before: int) -> str:
    kept = {"infno": wanted.infno, "msgid": wanted.msgid, "outcome": wanted.outcome}
    return urlencode({key: value for key, value in kept.items() if value} | {"before": before})


# --- one message -----------------------------------------------------------------------------


def _summary(heading: Heading, exchange: Exchange) -> str:
    arrived = f"HTTP {exchange.status}" if exchange.status else "什么也没有到达"
    facts = (
        ("结果", _outcome(exchange) + (f" {escape(exchange.err_msg)}" if exchange.err_msg else "")),
        ("效果", escape(exchange.effect)),
        ("故障", escape("、".join(exchange.faults) or "无")),
        ("请求验签", f"{_gate(exchange)}({escape(heading.gate)})"),
        ("答复签名", escape(exchange.answer_signature or "没有答复")),
        ("发送方报文ID", f'<span class="id">{escape(exchange.msgid)}</span>'),
        ("机构", f'<span class="id">{escape(exchange.institution)}</span>'),
        ("收到", escape(exchange.at)),
        ("答复", escape(exchange.answered_at)),
        ("到达", escape(arrived)),
        ("路径", f'<span class="id">{escape(exchange.path)}</span>'),
        ("字节", f"请求 {exchange.request_bytes},答复 {exchange.answer_bytes}"),
    )
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<dl class="summary">{cells}</dl>'


def _sums(exchange: Exchange, settlement: Settlement | None) -> str:
    found = sums_of(exchange.answer)
    if not found and settlement is None:
        return ""
    lines = "".join(_sum(item) for item in found)
    table = f'<table class="sums"><tbody>{lines}</tbody></table>' if found else ""
    return f"<h2>结算合计</h2>{_booked(settlement)}{table}"


def _sum(item: Sum) -> str:
    kind, word = {True: ("good", "成立"), False: ("bad", "不成立"), None: ("note", "无法核对")}[
        item.holds
    ]
    return (
        f"<tr><td>{escape(item.rule)}</td><td class='raw'>{escape(item.working)}</td>"
        f"<td><span class='{kind}'>{word}</span></td></tr>"
    )


def _booked(settlement: Settlement | None) -> str:
    if settlement is None:
        return "<p>本平台没有以这个报文ID入账的结算。</p>"
    now = "有效"
    if settlement.cancels:
        now = f"冲销 {settlement.cancels}"
    elif settlement.reversed_by:
        now = f"已被 {settlement.reversed_by} 冲销"
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{_yuan(settlement.amounts.get(part, 0))}</dd></div>"
        for part, name in _PARTS
    )
    return (
        f"<p>平台入账 <span class='id'>{escape(settlement.setl_id)}</span>:{escape(now)}"
        f"(元)</p><dl class='summary amounts'>{cells}</dl>"
    )


def _yuan(fen: int) -> str:
    sign, whole = "-" if fen < 0 else "", abs(fen)
    return f"{sign}{whole // 100:,}.{whole % 100:02}"


def _sections(sections: list[Section]) -> str:
    return "".join(_section(section) for section in sections)


def _section(section: Section) -> str:
    note = f' <small class="note">{escape(section.note)}</small>' if section.note else ""
    rows = "".join(_field(field) for field in section.fields)
    if not rows:
        return f"<h3>{escape(section.title)}{note}</h3>"
    return f"""<h3>{escape(section.title)}{note}</h3>
<table class="fields"><thead><tr><th>字段</th><th>名称</th><th>原文</th><th>应为</th><th>判定</th>
</tr></thead><tbody>{rows}</tbody></table>"""


def _field(field: Seen) -> str:
    kind = {Grade.GOOD: "good", Grade.NOTE: "note", Grade.BAD: "bad"}[field.grade]
    return f"""<tr class="{kind}"><td class="id">{escape(field.name)}</td>
<td>{escape(field.name_zh)}</td><td class="raw">{escape(field.raw)}</td>
<td class="wanted">{escape(field.wanted)}</td><td><span class="{kind}">{escape(field.verdict)}
</span></td></tr>
"""


def _raw(text: str, title: str) -> str:
    return f"<details><summary>{title}</summary><pre>{escape(text)}</pre></details>"


def _headers(exchange: Exchange) -> str:
    rows = "".join(
        f'<tr><td class="id">{escape(name)}</td><td class="raw">{escape(value)}</td></tr>'
        for name, value in exchange.headers.items()
    )
    return (
        f"<details><summary>请求头({len(exchange.headers)} 项)</summary>"
        f'<table class="fields"><tbody>{rows}</tbody></table></details>'
    )


def _document(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{ROOT}/inspector.css"></head>
<body><main>{body}</main></body></html>
"""
