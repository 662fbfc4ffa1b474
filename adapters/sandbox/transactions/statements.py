"""对账: 3201 totals, 9101 upload, 3202 detail against the upload, 9102 the result.

A settlement belongs to the day of its setl_time, to the institution of its visit, to the clearing
type and office that its own answer carried. A refund is a row of its own, negative, with the msgid
of the 2208, 2305 or 2601 that made it: OUR ASSUMPTION, like how long a file is kept and that 3202's
header must be the sum of the uploaded rows. Which result codes a province writes is provinces.py's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from adapters.sandbox import files
from adapters.sandbox.context import TIME_FORMAT, Call, Refusal
from adapters.sandbox.records import Booked, StoredFile
from adapters.sandbox.wire import Json, Node, fen_of, node_of, text_of, yuan

_KEPT = timedelta(days=7)
_UPLOAD_COLUMNS = 7
_NAMES = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
_DESCRIPTIONS = {"0": "平", "1": "中心多", "2": "医药机构多", "3": "数据不一致"}


@dataclass(frozen=True, slots=True)
class Ours:
    """One uploaded row, as the institution has it."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    amounts: tuple[int, int, int]
    refund: bool


def totals(call: Call) -> Json:
    """3201: whether the institution's sums are the centre's."""
    data = node_of(call.given, "data")
    rows = _booked(call, data, insutype=text_of(data, "insutype"))
    counted = [row for row in rows if call.rules.refunds_counted or not row.refund]
    theirs = (*_sums(row.amounts for row in rows), len(counted))
    stated = (*(fen_of(data.get(name), name) for name in _NAMES), _count(data))
    code = "0" if theirs == stated else _which_way(theirs[3] - stated[3])
    return {
        "stmtinfo": {
            "setl_optins": text_of(data, "setl_optins"),
            "stmt_rslt": call.province.statements.code(code),
            "stmt_rslt_dscr": _said(call, code),
        }
    }


def _which_way(more: int) -> str:
    """By the number of settlements; where that agrees, the amounts do not."""
    return "1" if more > 0 else "2" if more < 0 else "3"


def upload(call: Call) -> Json:
    """9101: keeps the file under a number."""
    given = node_of(call.given, "fsUploadIn")
    if text_of(given, "fixmedins_code") != call.institution:
        raise Refusal("文件的医药机构编号与报文不一致")
    kept = _keep(call, text_of(given, "filename"), _bytes(call, given.get("in")))
    return {
        "file_qury_no": kept.query_no,
        "filename": kept.filename,
        "fixmedins_code": call.institution,
        "dld_endtime": kept.until,
    }


def detail(call: Call) -> Json:
    """3202: compares the uploaded rows with the centre's own and keeps the result as a file."""
    data = node_of(call.given, "data")
    ours = _uploaded(call, _file(call, text_of(data, "file_qury_no")))
    header = tuple(fen_of(data.get(name), name) for name in _NAMES[:2])
    if header != _sums(row.amounts for row in ours)[:2]:
        raise Refusal("对账汇总金额与上传明细合计不一致")
    rows = [_written(call, row) for row in _compared(call, ours, _booked(call, data))]
    name = f"{call.institution}_{call.now:%Y%m%d%H%M%S}_result"
    kept = _keep(call, f"{name}.zip", files.pack(f"{name}.txt", rows))
    return {
        "fileinfo": {
            "file_qury_no": kept.query_no,
            "filename": kept.filename,
            "dld_endtime": kept.until,
        }
    }


def download(call: Call) -> Json:
    """9102: which file the answer is; the platform answers its bytes."""
    given = node_of(call.given, "fsDownloadIn")
    if text_of(given, "fixmedins_code") != call.institution:
        raise Refusal("文件的医药机构编号与报文不一致")
    return {"file_qury_no": _file(call, text_of(given, "file_qury_no")).query_no}


# --- what the centre has ---------------------------------------------------------------------


def _booked(call: Call, data: Node, insutype: str = "") -> list[Booked]:
    """`insutype` "" is every scheme: 3202 has none."""
    first, last = (_day(data, name) for name in ("stmt_begndate", "stmt_enddate"))
    if last < first:
        raise Refusal("对账结束日期早于开始日期")
    if text_of(data, "setl_optins") != call.province.pool:
        return []
    rows = call.state.booked(call.institution, first.isoformat(), last.isoformat())
    flag, clr_type = text_of(data, "refd_setl_flag"), text_of(data, "clr_type")
    found = [
        row
        for row in rows
        if insutype in ("", row.insutype)
        and clr_type in ("", "21" if row.inpatient else "11")
        and flag in ("", "1" if row.refund else "0")
    ]
    if call.differ_fen and found:
        total, fund, account = found[0].amounts
        found[0] = replace(found[0], amounts=(total, fund - call.differ_fen, account))
    return found


def _day(data: Node, name: str) -> date:
    try:
        return date.fromisoformat(text_of(data, name))
    except ValueError as error:
        raise Refusal(f"{name} 应为 yyyy-MM-dd") from error


def _count(data: Node) -> int:
    fen = fen_of(data.get("fixmedins_setl_cnt"), "fixmedins_setl_cnt")
    if fen % 100:
        raise Refusal("fixmedins_setl_cnt 应为整数")
    return fen // 100


def _sums(rows: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    total = fund = account = 0
    for row in rows:
        total, fund, account = total + row[0], fund + row[1], account + row[2]
    return total, fund, account


# --- the comparison --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Difference:
    code: str
    """0 balanced, 1 centre more, 2 institution more, 3 differ."""
    ours: Ours | None
    theirs: Booked | None


def _uploaded(call: Call, kept: StoredFile) -> list[Ours]:
    rows: list[Ours] = []
    for number, cells in enumerate(files.unpack(kept.data, _UPLOAD_COLUMNS), start=1):
        setl_id, mdtrt_id, psn_no, *amounts, refund = cells
        if not setl_id or not mdtrt_id or not psn_no or refund not in ("0", "1"):
            raise Refusal(f"上传文件第 {number} 行缺少必填列")
        where = f"上传文件第 {number} 行"
        total, fund, account = (fen_of(amount, where) for amount in amounts)
        rows.append(Ours(setl_id, mdtrt_id, psn_no, (total, fund, account), refund == "1"))
    if len({row.setl_id for row in rows}) != len(rows):
        raise Refusal("上传文件中结算ID重复")
    return rows


def _compared(call: Call, ours: Sequence[Ours], theirs: Sequence[Booked]) -> Iterator[_Difference]:
    """The centre's rows in its order, then what only the institution has."""
    waiting = {row.setl_id: row for row in ours}
    for row in theirs:
        own = waiting.pop(row.setl_id, None)
        if own is None:
            yield _Difference("1", None, row)
            continue
        told = (own.mdtrt_id, own.psn_no, own.amounts, own.refund)
        if told != (row.mdtrt_id, row.psn_no, row.amounts, row.refund):
            yield _Difference("3", own, row)
        elif call.province.statements.lists_balanced:
            yield _Difference("0", own, row)
    for own in waiting.values():
        yield _Difference("2", own, None)


def _written(call: Call, found: _Difference) -> list[str]:
    """A result row; one that only the centre has goes without setl_id and mdtrt_id."""
    own, row = found.ours, found.theirs
    shown = row or own
    if shown is None:
        raise ValueError("a difference of nothing")
    cells = [
        shown.psn_no,
        own.mdtrt_id if own else "",
        own.setl_id if own else "",
        row.msgid if row else "",
        call.province.statements.code(found.code),
        "1" if shown.refund else "0",
        _said(call, found.code),
    ]
    if call.province.statements.amounts:
        cells += [format(yuan(amount), "f") for amount in shown.amounts]
    return cells


def _said(call: Call, code: str) -> str:
    if call.province.statements.splits or code == "0":
        return _DESCRIPTIONS[code]
    return "不平"


# --- files -----------------------------------------------------------------------------------


def _bytes(call: Call, value: Json) -> bytes:
    """As this province wants a file inside JSON: base64, or the numbers of a Java byte[]."""
    if call.province.statements.signed_bytes:
        if not isinstance(value, list) or not all(_is_byte(item) for item in value):
            raise Refusal("in 文件数据应为字节数组")
        return bytes(int(str(item)) % 256 for item in value)
    try:
        return base64.b64decode(text_of({"in": value}, "in"), validate=True)
    except ValueError as error:
        raise Refusal("in 文件数据应为 Base64") from error


def _is_byte(item: Json) -> bool:
    return isinstance(item, int) and not isinstance(item, bool) and -128 <= item <= 127


def _keep(call: Call, filename: str, data: bytes) -> StoredFile:
    """Under a number of its own; what nobody may fetch any more goes."""
    call.state.drop_files(call.now.strftime(TIME_FORMAT))
    kept = StoredFile(
        query_no=call.serial("F"),
        institution=call.institution,
        filename=filename,
        until=(call.now + _KEPT).strftime(TIME_FORMAT),
        data=data,
    )
    call.state.add_file(kept)
    return kept


def _file(call: Call, query_no: str) -> StoredFile:
    kept = call.state.file(query_no)
    late = kept is not None and kept.until < call.now.strftime(TIME_FORMAT)
    if kept is None or late or kept.institution != call.institution:
        raise Refusal("文件查询号不存在或已过下载截止时间")
    return kept
