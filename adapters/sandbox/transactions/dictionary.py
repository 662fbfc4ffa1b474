"""1901 字典表查询: one whole dictionary on a day. A read, without effect."""

from __future__ import annotations

from datetime import date

from adapters.sandbox.context import Call, Refusal, day_of
from adapters.sandbox.dictionaries import Entry
from adapters.sandbox.wire import Json, Node, node_of, text_of


def dictionary(call: Call) -> Json:
    """valiFlag 1: what holds on that day; 0: what held before it and does no more."""
    data = node_of(call.given, "data")
    kind, day = text_of(data, "type"), day_of(text_of(data, "date"))
    if text_of(data, "admdvs")[:2] != call.province.pool[:2]:
        raise Refusal("行政区划不属于本省")
    known = {name.lower(): name for name in call.books.dictionaries}
    if kind.lower() not in known:
        raise Refusal(f"本平台没有字典 {kind}")
    entries = call.books.dictionaries[known[kind.lower()]]
    wanted = text_of(data, "valiFlag")
    rows: list[Json] = [
        _row(kind, entry, at, wanted)
        for at, entry in enumerate(entries, 1)
        if entry.parent == text_of(data, "parentValue") and _asked(entry, entries, day, wanted)
    ]
    return {"list": rows}


def _asked(entry: Entry, entries: tuple[Entry, ...], day: date, wanted: str) -> bool:
    if wanted == "1":
        return entry.holds_on(day)
    if any(other.holds_on(day) for other in entries if other.code == entry.code):
        return False
    return entry.last_day is not None and entry.last_day < day


def _row(kind: str, entry: Entry, at: int, valid: str) -> Node:
    return {
        "type": kind,
        "label": entry.label,
        "value": entry.code,
        "parentValue": entry.parent,
        "sort": at,
        "valiFlag": valid,
        "createUser": "platform",
        "createDate": entry.first_day.isoformat(),
        "version": 1,
    }
