"""报文: the envelopes of one file, their order, and what they all have to agree on.

Two sequences are read: 2201, 2203, 2204 … 2207 (outpatient) and 2401, 2301 …, 2402, 2304
(inpatient). "A" variants count as their baseline. Queries and predeterminations (1101, 2206, 2303
…) may stand between them and are passed over: they settle nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.hospital_files import known_fields
from gateway.hospital_files.json_text import refuse
from gateway.hospital_files.known_fields import ENVELOPE
from gateway.hospital_files.node import Node
from gateway.hospital_files.problem import FileProblem, HospitalFileRefused

OUTPATIENT = ("2201", "2203", "2204", "2207")
INPATIENT = ("2401", "2301", "2402", "2304")
PASSED_OVER = frozenset({"9001", "1101", "2001", "2206", "2303", "5206", "1312", "1318", "1319"})
OPTIONAL = frozenset({"2203", "2402"})
REPEATED = frozenset({"2204", "2301"})
NAMES_ZH = {
    "2201": "门诊挂号", "2203": "门诊就诊信息", "2204": "门诊费用明细", "2207": "门诊结算",
    "2401": "入院办理", "2301": "住院费用明细", "2402": "出院办理", "2304": "住院结算",
}  # fmt: skip
ENVELOPES_MAX = 200


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request envelope."""

    txn: str
    """Baseline transaction: 2207 for 2207A too."""
    head: Node
    input_path: str
    input: Mapping[str, Any]

    def nodes(self, name: str, found: list[FileProblem], *, required: bool = True) -> list[Node]:
        """The objects of one input node: an array of rows, or a single object."""
        path = f"{self.input_path}.{name}"
        value = self.input.get(name)
        rows: Iterable[tuple[str, Any]]
        if isinstance(value, list):
            rows = [(f"{path}[{i}]", row) for i, row in enumerate(value)]
        else:
            rows = [] if value is None else [(path, value)]
        nodes = []
        for row_path, row in rows:
            if isinstance(row, dict):
                nodes.append(Node(row_path, row, found, table=(self.txn, name)))
            else:
                found.append(FileProblem(row_path, "NOT_AN_OBJECT", "应为 JSON 对象。"))
        if not nodes and required:
            found.append(FileProblem(path, "REQUIRED", f"{self.txn} 缺少节点 {name}。"))
        for node in nodes:
            node.check_names()
        return nodes


@dataclass(frozen=True, slots=True)
class Sequence:
    """The envelopes of one settlement, in order, all of one kind."""

    inpatient: bool
    envelopes: tuple[Envelope, ...]

    def of(self, txn: str) -> list[Envelope]:
        return [e for e in self.envelopes if e.txn == txn]

    @property
    def settle(self) -> Envelope:
        """2207 or 2304."""
        return self.envelopes[-1]


def read_sequence(document: Any, found: list[FileProblem]) -> Sequence:
    """Sort the file's envelopes. Raises HospitalFileRefused if there is nothing to go on with."""
    if isinstance(document, dict):
        places = [("$", document)]
    elif isinstance(document, list) and document:
        places = [(f"$[{i}]", value) for i, value in enumerate(document)]
    else:
        refuse("NOT_AN_ARRAY", "文件应为按时间顺序排列的报文数组 [ {…}, {…} ]。")
    if len(places) > ENVELOPES_MAX:
        refuse("TOO_MANY", f"一个文件最多 {ENVELOPES_MAX} 个报文。")
    opened = [_open(path, value, found) for path, value in places]
    envelopes = tuple(e for e in opened if e is not None)
    inpatient = any(e.txn in INPATIENT for e in envelopes)
    order = INPATIENT if inpatient else OUTPATIENT
    if not _in_order(envelopes, order, found):
        raise HospitalFileRefused(tuple(found))
    return Sequence(inpatient, envelopes)


def _open(path: str, value: Any, found: list[FileProblem]) -> Envelope | None:
    if not isinstance(value, dict):
        found.append(FileProblem(path, "NOT_AN_OBJECT", "报文应为 JSON 对象。"))
        return None
    head = Node(path, value, found, table=(ENVELOPE, ""))
    number = value.get("infno")
    written = number.strip() if isinstance(number, str) else str(number)
    txn = written.removesuffix("A")
    if txn in PASSED_OVER:
        return None
    if txn not in NAMES_ZH:
        known = "、".join((*OUTPATIENT, *INPATIENT))
        head.say("infno", "UNKNOWN_TRANSACTION", f"不处理的交易编号;可用:{known}。")
        return None
    head.check_names()
    body = value.get("input")
    if not isinstance(body, dict):
        head.say("input", "REQUIRED", "缺少交易输入,或不是 JSON 对象。")
        return None
    expected = known_fields.nodes(txn)
    for name in body:
        if name not in expected:
            text = f"{txn} 没有节点 {name[:40]},应为:{'、'.join(sorted(expected))}。"
            found.append(FileProblem(f"{path}.input.{name[:40]}", "UNKNOWN_NODE", text))
    return Envelope(txn, head, f"{path}.input", body)


def _missing(txn: str) -> FileProblem:
    return FileProblem("$", "MISSING_ENVELOPE", f"缺少 {txn}({NAMES_ZH[txn]})报文。")


def _in_order(
    envelopes: tuple[Envelope, ...], order: tuple[str, ...], found: list[FileProblem]
) -> bool:
    """Whether the envelopes make one settlement, so that reading their content makes sense."""
    last = -1
    seen: set[str] = set()
    unreadable = bool(found) and not all(txn in {e.txn for e in envelopes} for txn in order)
    before = len(found)
    for envelope in envelopes:
        txn = envelope.txn
        if txn not in order:
            envelope.head.say("infno", "MIXED_KINDS", "门诊与住院报文不能在同一文件中。")
            continue
        if txn in seen and txn not in REPEATED:
            envelope.head.say("infno", "REPEATED_ENVELOPE", f"{txn} 在一个文件中只能出现一次。")
        elif order.index(txn) < last:
            envelope.head.say("infno", "OUT_OF_ORDER", f"顺序应为 {' → '.join(order)}。")
        seen.add(txn)
        last = max(last, order.index(txn))
    # An envelope that could not be opened is named already; it is not missing as well.
    if not unreadable:
        found += [_missing(txn) for txn in order if txn not in seen | OPTIONAL]
    return len(found) == before and not unreadable
