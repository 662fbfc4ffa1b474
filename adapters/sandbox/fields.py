"""输入字段: what a request must carry, checked before any transaction looks at it.

Facts of names, types, lengths and duty from the published Jiangxi interface specification v1.0
(national baseline XJ-K01-2020), kept in fields_in.csv; required: Y yes, X only cross-region, N no.
Values against dictionaries are the transactions' business.
"""

from __future__ import annotations

from adapters.sandbox.field_tables import FieldFact, Side, facts_of
from adapters.sandbox.wire import BadField, Json, Node, fen_of, node_of, number_of, rows_of

_ROW_NODES = frozenset({"diseinfo", "feedetail"})
_OPTIONAL_NODES = frozenset({"diseinfo"})
_UNMEASURED = frozenset({"psn_type"})
"""C3 in requests and C6 in answers: a platform that answers six characters must take them back."""


def check_input(infno: str, given: Node, *, cross_region: bool) -> None:
    """Raises BadField naming the first field that is missing, too long or of the wrong type."""
    by_node: dict[str, list[FieldFact]] = {}
    for item in facts_of(infno, Side.REQUEST):
        by_node.setdefault(item.node, []).append(item)
    for name, fields in by_node.items():
        if name in _OPTIONAL_NODES and given.get(name) is None:
            continue
        rows = rows_of(given, name) if name in _ROW_NODES else [node_of(given, name)]
        for row in rows:
            for item in fields:
                _check(item, row.get(item.name), cross_region)


def _check(item: FieldFact, value: Json, cross_region: bool) -> None:
    where = f"{item.node}.{item.name} {item.name_zh}"
    if value is None or value == "":
        if item.required == "Y" or (item.required == "X" and cross_region):
            raise BadField(f"{where} 不能为空")
        return
    if item.kind == "bytes":
        return  # base64 or an array: the transaction knows which its province wants
    if isinstance(value, bool | list | dict):
        raise BadField(f"{where} 类型不正确")
    if item.kind == "dec":
        _check_number(item, value, where)
    elif (
        item.length.isdigit()
        and item.name not in _UNMEASURED
        and len(str(value)) > int(item.length)
    ):
        raise BadField(f"{where} 超过最大长度 {item.length}")


def _check_number(item: FieldFact, value: Json, where: str) -> None:
    if item.length == "16,2":
        fen_of(value, where)
        return
    number = number_of(value, where)
    digits, _, decimals = item.length.partition(",")
    exponent = number.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if places > int(decimals or "0") or number.adjusted() >= int(digits) - int(decimals or "0"):
        raise BadField(f"{where} 超过精度 {item.length}")
