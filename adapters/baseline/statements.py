"""对账: 3201 totals, 3202 detail, 9101 upload and 9102 download, built and read.

Pure. Amounts are integer fen, on the wire yuan with two decimals; days are the centre's. The detail
travels as a TXT in a ZIP (txt_zip.py), its columns in the order of the field table. Nothing here
has an effect on money, so each of these messages may be sent again under a new msgid.
Not here: what a difference means for a claim. Source: national interface, 3201, 3202, 9101, 9102
(fields.csv). OUR ASSUMPTION, printed nowhere: the names of the files, and that a row which only the
institution has comes back without a msgid.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.baseline import txt_zip
from adapters.baseline.amounts import fen, yuan
from adapters.baseline.errors import AnotherReply, BrokenAnswer, UnsendableMessage
from adapters.baseline.fields import FILE, FieldTable
from adapters.baseline.nodes import node, required, text
from adapters.baseline.profile import Dictionary, Files
from adapters.baseline.wire import Json, Node
from gateway.ports import (
    CallContext,
    OurRow,
    StatementKey,
    StatementOrder,
    StatementResult,
    StatementRow,
    StatementTotals,
    StatementVerdict,
)

_REFUND = {None: "", False: "0", True: "1"}
"""退费结算标志, the same in both published dictionaries."""
_REFUND_FLAGS = {"0": False, "1": True}
_RESULT = "9102.file"
_AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at the centre, as its answer named it."""

    query_no: str
    name: str


# --- out ---------------------------------------------------------------------------------


def totals(ours: StatementTotals) -> Node:
    """对总账 3201."""
    key = ours.key
    return {
        "data": {
            "insutype": key.scheme_code,
            **_period(key),
            "medfee_sumamt": yuan(ours.total_fen),
            "fund_pay_sumamt": yuan(ours.fund_fen),
            "acct_pay": yuan(ours.account_fen),
            "fixmedins_setl_cnt": _count(ours),
            "refd_setl_flag": _REFUND[ours.refund],
        }
    }


def detail(ours: StatementTotals, uploaded: RemoteFile) -> Node:
    """对明细账 3202: no scheme, and cash where 3201 has account money."""
    return {
        "data": {
            **_period(ours.key),
            "file_qury_no": uploaded.query_no,
            "medfee_sumamt": yuan(ours.total_fen),
            "fund_pay_sumamt": yuan(ours.fund_fen),
            "cash_payamt": yuan(ours.cash_fen),
            "fixmedins_setl_cnt": _count(ours),
            "refd_setl_flag": _REFUND[ours.refund],
        }
    }


def upload(ctx: CallContext, order: StatementOrder, files: Files, table: FieldTable) -> Node:
    """文件上传 9101: our rows, packed. Raises UnsendableMessage naming the row."""
    name = _name(ctx, order.totals.key)
    try:
        packed = txt_zip.pack(f"{name}.txt", _records(order, files, table))
    except ValueError as cause:
        raise UnsendableMessage("3202", FILE, str(cause)) from cause
    return {
        "fsUploadIn": {
            "in": _as_bytes(packed, files),
            "filename": f"{name}.zip",
            "fixmedins_code": ctx.institution.code,
        }
    }


def download(ctx: CallContext, result: RemoteFile) -> Node:
    """文件下载 9102."""
    return {
        "fsDownloadIn": {
            "file_qury_no": result.query_no,
            "filename": result.name,
            "fixmedins_code": ctx.institution.code,
        }
    }


def _period(key: StatementKey) -> dict[str, Json]:
    return {
        "clr_type": key.clearing_type,
        "setl_optins": key.clearing_office,
        "stmt_begndate": key.first_day.isoformat(),
        "stmt_enddate": key.last_day.isoformat(),
    }


def _count(ours: StatementTotals) -> Json:
    # A Decimal like the amounts: where a province writes those as text, this one too.
    return Decimal(ours.count)


def _name(ctx: CallContext, key: StatementKey) -> str:
    days = f"{key.first_day:%Y%m%d}_{key.last_day:%Y%m%d}"
    return f"{ctx.institution.code}_{days}_{key.clearing_type}_{key.clearing_office}"


def _records(order: StatementOrder, files: Files, table: FieldTable) -> Iterator[list[str]]:
    columns = [name for _, name in table.fields("3202", "file_in")]
    if files.line_of_names:
        yield columns
    for number, row in enumerate(order.rows, start=1):
        record = _record(row)
        table.check_record("3202", "file_in", f"{FILE}[{number}]", record)
        yield [record[name] for name in columns]


def _record(row: OurRow) -> dict[str, str]:
    return {
        "setl_id": row.settlement_id,
        "mdtrt_id": row.visit_id,
        "psn_no": row.person_no,
        "medfee_sumamt": format(yuan(row.total_fen), "f"),
        "fund_pay_sumamt": format(yuan(row.fund_fen), "f"),
        "acct_pay": format(yuan(row.account_fen), "f"),
        "refd_setl_flag": _REFUND[row.refund],
    }


def _as_bytes(data: bytes, files: Files) -> Json:
    if files.file_bytes == "base64":
        return base64.b64encode(data).decode("ascii")
    return [byte - 256 if byte > 127 else byte for byte in data]


# --- back --------------------------------------------------------------------------------


def read_verdict(output: Node, ours: StatementTotals, dictionary: Dictionary) -> StatementVerdict:
    """3201. Raises AnotherReply for another office's statement."""
    info, path = node(output, "stmtinfo", "output"), "output.stmtinfo"
    if text(info, "setl_optins", path) not in ("", ours.key.clearing_office):
        raise AnotherReply(f"{path}.setl_optins", "belongs to another office's statement")
    code = required(info, "stmt_rslt", path)
    result = dictionary.statement_results.get(code)
    said = text(info, "stmt_rslt_dscr", path)
    return StatementVerdict(result is StatementResult.BALANCED, code, said, result)


def read_upload(output: Node, ctx: CallContext) -> RemoteFile:
    """9101: under which number the centre keeps what we sent."""
    if text(output, "fixmedins_code", "output") not in ("", ctx.institution.code):
        raise AnotherReply("output.fixmedins_code", "belongs to another institution's file")
    return _remote(output, "output")


def read_detail(output: Node) -> RemoteFile:
    """3202: where the result lies. Until when it may be fetched is not needed: we fetch at once."""
    return _remote(node(output, "fileinfo", "output"), "output.fileinfo")


def _remote(info: Node, path: str) -> RemoteFile:
    return RemoteFile(required(info, "file_qury_no", path), required(info, "filename", path))


def read_result(
    data: bytes, files: Files, table: FieldTable, dictionary: Dictionary
) -> tuple[StatementRow, ...]:
    """9102's file. Raises BrokenAnswer naming the row that cannot be trusted.

    With seven columns (Hunan) or with the three amounts after them (Jiangxi), one or the other
    throughout: a TAB inside a memo would otherwise move an amount into its neighbour's place.
    """
    columns = [name for _, name in table.fields("3202", "file_out")]
    widths = (len(columns) - len(_AMOUNTS), len(columns))
    found: list[StatementRow] = []
    width = 0
    for number, cells in txt_zip.rows(data, _RESULT):
        path = f"{_RESULT}[{number}]"
        width = width or len(cells)
        if len(cells) not in widths or len(cells) != width:
            raise BrokenAnswer(path, f"{len(cells)} columns")
        if files.line_of_names and number == 1:
            if cells != columns[:width]:
                raise BrokenAnswer(path, "not the names of the columns")
            continue
        found.append(_result(dict(zip(columns, cells, strict=False)), path, dictionary))
    return tuple(found)


def _result(row: Mapping[str, str], path: str, dictionary: Dictionary) -> StatementRow:
    code, refund = row["stmt_rslt"], _REFUND_FLAGS.get(row["refd_setl_flag"])
    if not code:
        raise BrokenAnswer(f"{path}.stmt_rslt", "missing")
    if refund is None:
        raise BrokenAnswer(f"{path}.refd_setl_flag", "neither 0 nor 1")
    if not row["msgid"] and not row["setl_id"]:
        raise BrokenAnswer(path, "neither msgid nor setl_id: nothing to join it by")
    total, fund, account = (_amount(row.get(name, ""), f"{path}.{name}") for name in _AMOUNTS)
    return StatementRow(
        msgid=row["msgid"],
        settlement_id=row["setl_id"],
        visit_id=row["mdtrt_id"],
        person_no=row["psn_no"],
        result_code=code,
        refund=refund,
        memo=row["memo"],
        total_fen=total,
        fund_fen=fund,
        account_fen=account,
        result=dictionary.statement_results.get(code),
    )


def _amount(cell: str, path: str) -> int | None:
    """Not given is not 0."""
    return fen(cell, path) if cell else None
