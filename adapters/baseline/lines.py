"""费用明细答复: 2204 and 2301 → the region's own split of each of our lines.

Pure. Amounts are integer fen. The answer must speak of exactly the lines we sent, with our amounts;
what the split of a line sums to (I6) is compared by whoever compares, not here.
"""

from __future__ import annotations

from adapters.baseline.amounts import Absent, read_fen
from adapters.baseline.errors import AnotherReply, BrokenAnswer
from adapters.baseline.nodes import rows, text
from adapters.baseline.wire import Node
from gateway.domain.bill import BillLine
from gateway.ports import RegionLine

PATH = "output.result"
PARTS = ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")


def read(output: Node, sent: tuple[BillLine, ...]) -> tuple[RegionLine, ...]:
    """In the order we sent them, but for lines whose split the region did not tell at all: zeros
    would be a difference that nobody claimed. Raises AnotherReply for lines of another call."""
    answered = rows(output, "result", "output")
    if len(answered) != len(sent):
        raise AnotherReply(PATH, f"{len(answered)} rows for {len(sent)} lines")
    ours = {line.line_no: line for line in sent}
    found: dict[str, RegionLine | None] = {}
    for at, row in enumerate(answered):
        # 2301 may leave feedetl_sn out; then the order of the rows is all there is.
        line_no = text(row, "feedetl_sn", PATH) or sent[at].line_no
        line = ours.get(line_no)
        if line is None or line_no in found:
            raise AnotherReply(f"{PATH}[{at}].feedetl_sn", "not a line of this call")
        found[line_no] = _line(row, line, f"{PATH}[{at}]")
    return tuple(split for line in sent if (split := found[line.line_no]) is not None)


def _line(row: Node, line: BillLine, path: str) -> RegionLine | None:
    if _amount(row, "det_item_fee_sumamt", path, default=None) != line.amount_fen:
        raise BrokenAnswer(f"{path}.det_item_fee_sumamt", "not the amount we sent")
    if all(isinstance(read_fen(row, name, path), Absent) for name in PARTS):
        return None
    return RegionLine(
        line_no=line.line_no,
        amount_fen=line.amount_fen,
        # Optional in the interface: a part that is not given is no part of this line.
        own_pay_fen=_amount(row, "fulamt_ownpay_amt", path, default=0),
        over_limit_fen=_amount(row, "overlmt_amt", path, default=0),
        pre_self_pay_fen=_amount(row, "preselfpay_amt", path, default=0),
        in_scope_fen=_amount(row, "inscp_scp_amt", path, default=0),
        item_class_code=text(row, "chrgitm_lv", path),
    )


def _amount(row: Node, name: str, path: str, *, default: int | None) -> int:
    amount = read_fen(row, name, path)
    if not isinstance(amount, Absent):
        return amount
    if default is None:
        raise BrokenAnswer(f"{path}.{name}", f"amount is {amount.value}")
    return default
