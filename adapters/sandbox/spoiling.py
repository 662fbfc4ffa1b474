"""改坏答复: what a fault makes of an answer's output before it is signed.

Pure: a stored answer goes in, another comes out; what is stored and booked stays as it was. Not
here: what happens to the bytes on their way (delivery.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from decimal import Decimal

from adapters.sandbox.faults import FaultName
from adapters.sandbox.records import StoredAnswer
from adapters.sandbox.wire import Json, Node, dump, number_of, parse, yuan

_DIGITS = re.compile(r"0|[1-9][0-9]{0,29}")


def spoiled(answer: StoredAnswer, hit: Container[FaultName]) -> StoredAnswer:
    """Faults that spoil values, in a fixed order: sums first, then how numbers are written."""
    output = parse(answer.output.encode()) if answer.output != "null" else None
    if output is None:
        return answer
    before = dump(output)
    if FaultName.BROKEN in hit:
        _break_sums(output)
    if FaultName.OTHER_MSGID in hit:
        _name_another(output)
    changed: Json = output
    for name, change in _REWRITTEN:
        if name in hit:
            changed = _each(changed, change)
    after = dump(changed)
    if after == before:
        return answer
    return StoredAnswer(answer.refmsgid, answer.infcode, answer.err_msg, after)


def _break_sums(output: Node) -> None:
    """Fen too many for the patient, and not the same number twice: neither I1 nor I3 holds."""
    info = output.get("setlinfo")
    for name, extra in (("psn_cash_pay", 1), ("psn_part_amt", 2)):
        value = info.get(name) if isinstance(info, dict) else None
        if isinstance(info, dict) and value is not None:
            more = number_of(value, name) + yuan(extra)
            info[name] = str(more) if isinstance(value, str) else more


def _name_another(output: Node) -> None:
    """Another message of the same institution and second: the last digit is another."""
    info = output.get("setlinfo")
    if isinstance(info, dict):
        named = str(info.get("medins_setl_id") or "")
        if named:
            info["medins_setl_id"] = named[:-1] + ("1" if named[-1] != "1" else "2")


def _each(value: Json, change: Callable[[Json], Json]) -> Json:
    """The same shape with every scalar changed."""
    if isinstance(value, dict):
        return {name: _each(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    return change(value)


def _blank(value: Json) -> Json:
    return "" if _is_number(value) else value


def _as_text(value: Json) -> Json:
    return dump(value) if _is_number(value) else value


def _as_number(value: Json) -> Json:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_REWRITTEN: tuple[tuple[FaultName, Callable[[Json], Json]], ...] = (
    (FaultName.TEXT_AS_NUMBER, _as_number),
    (FaultName.BLANK_NUMBERS, _blank),
    (FaultName.NUMBER_AS_TEXT, _as_text),
)
