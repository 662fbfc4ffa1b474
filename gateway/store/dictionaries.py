"""字典存储: the regions' dictionaries as loaded, and the codes that nobody knew.

Functions on an open connection: the load is one transaction, reading one snapshot. What an answer
adds is decided in gateway/domain/dictionary.py; a row that is there is never changed (trigger).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from gateway.domain.dictionary import (
    Change,
    CodeSince,
    CodeTable,
    Dictionaries,
    DictionaryRow,
    UnknownCode,
    change,
    code_in_clear,
)
from gateway.domain.errors import Refused
from gateway.store.tables import DICTIONARY_CODE, DICTIONARY_LOAD, MESSAGE, UNKNOWN_CODE
from ledger.reads import from_us, to_us

_LOAD, _CODE = DICTIONARY_LOAD.c, DICTIONARY_CODE.c
_NEWEST = (
    select(_LOAD.kind, func.max(_LOAD.day))
    .where(_LOAD.region == bindparam("province"))
    .group_by(_LOAD.kind)
)
_SEEN = (
    update(UNKNOWN_CODE)
    .where(
        UNKNOWN_CODE.c.region == bindparam("region_"),
        UNKNOWN_CODE.c.field == bindparam("field_"),
        UNKNOWN_CODE.c.code == bindparam("code_"),
    )
    .values(
        last_us=bindparam("at"),
        count=UNKNOWN_CODE.c.count + bindparam("times"),
        msgid=bindparam("msgid_"),
    )
)


DISTINCT_MAX = 1_000
"""Most different codes of one region that are listed: one that answers noise is known by then."""


@dataclass(frozen=True, slots=True)
class SeenCode:
    """One row of the list of unknown codes."""

    province: str
    field: str
    kind: str
    code: str
    first: datetime
    last: datetime
    count: int
    msgid: str
    claim_id: str
    """Empty where the message was about no claim, e.g. a look-up."""


def read_dictionaries(connection: Connection) -> Dictionaries:
    """All that was ever loaded."""
    by_region: dict[str, list[CodeSince]] = defaultdict(list)
    for row in connection.execute(select(DICTIONARY_CODE)):
        said = DictionaryRow(
            row.kind, row.code, row.label, row.parent, bool(row.valid), row.version
        )
        by_region[row.region].append(CodeSince(said, date.fromisoformat(row.valid_from)))
    return Dictionaries({region: CodeTable(codes) for region, codes in by_region.items()})


def loaded_days(connection: Connection, province: str) -> dict[str, date]:
    """Dictionary → the newest day as of which the region was asked for it."""
    rows = connection.execute(_NEWEST, {"province": province})
    return {kind: date.fromisoformat(day) for kind, day in rows}


def take_over(
    connection: Connection,
    province: str,
    kind: str,
    answered: tuple[DictionaryRow, ...],
    *,
    day: date,
    msgid: str,
    at: datetime,
) -> Change:
    """Add what the answer brings. Raises Refused; nothing is then kept.

    An earlier day than one that was loaded is refused: what the region said later would then have
    to be changed."""
    newest = loaded_days(connection, province).get(kind)
    if newest is not None and day < newest:
        raise Refused(
            f"{kind} is loaded as of {newest}",
            reason="DICTIONARY_OLDER",
            text_zh=f"字典 {kind} 已按 {newest} 装载,不能再装载更早的 {day}。",
        )
    made = change(read_dictionaries(connection).of(province), kind, answered, day)
    load = {
        "msgid": msgid, "region": province, "kind": kind, "day": day.isoformat(),
        "codes": len(answered), "loaded_us": to_us(at),
    }  # fmt: skip
    connection.execute(insert(DICTIONARY_LOAD), load)
    if made.added:
        connection.execute(
            insert(DICTIONARY_CODE), [_row(code, province, msgid) for code in made.added]
        )
    return made


def _row(code: CodeSince, province: str, msgid: str) -> dict[str, object]:
    said = code.row
    return {
        "region": province, "kind": said.kind, "code": said.code,
        "valid_from": code.valid_from.isoformat(), "label": said.label, "parent": said.parent,
        "valid": int(said.valid), "version": said.version, "msgid": msgid,
    }  # fmt: skip


def note_unknown(
    connection: Connection, found: Iterable[tuple[UnknownCode, int]], *, at: datetime
) -> None:
    """Count codes that came in; of each its newest message and how often it came."""
    for code, times in found:
        key = {"region": code.province, "field": code.field, "code": code_in_clear(code.code)}
        seen = {f"{name}_": value for name, value in key.items()}
        changed = connection.execute(
            _SEEN, {**seen, "at": to_us(at), "times": times, "msgid_": code.msgid}
        )
        if not changed.rowcount:
            if _distinct(connection, code.province) >= DISTINCT_MAX:
                continue
            moments = {"first_us": to_us(at), "last_us": to_us(at), "count": times}
            row = {**key, **moments, "kind": code.kind, "msgid": code.msgid}
            connection.execute(insert(UNKNOWN_CODE), row)


def _distinct(connection: Connection, province: str) -> int:
    query = select(func.count()).where(UNKNOWN_CODE.c.region == province)
    return connection.execute(query).scalar_one()


def unknown_codes(connection: Connection) -> tuple[SeenCode, ...]:
    """By region and field, the most frequent first."""
    u = UNKNOWN_CODE.c
    query = (
        select(UNKNOWN_CODE, MESSAGE.c.claim_id)
        .outerjoin(MESSAGE, MESSAGE.c.msgid == u.msgid)
        .order_by(u.region, u.field, u.count.desc(), u.code)
    )
    return tuple(
        SeenCode(
            row["region"], row["field"], row["kind"], row["code"], from_us(row["first_us"]),
            from_us(row["last_us"]), row["count"], row["msgid"], row["claim_id"] or "",
        )
        for row in connection.execute(query).mappings()
    )  # fmt: skip
