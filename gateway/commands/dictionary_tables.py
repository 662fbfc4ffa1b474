"""`yrd dictionary show | unknown`: what regions told of their codes, and the codes nobody knew.

Reads one snapshot of the database, which blocks nobody. What a code means to us comes from the
province's profile, as it is in force on the day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from adapters import registry
from adapters.baseline.dictionary import DECIDING
from adapters.baseline.dictionary_check import understood
from adapters.baseline.fields import dictionary_name
from adapters.baseline.profile import ProfileBook, ProfileError
from gateway.config import Settings
from gateway.database import Postgresql
from gateway.domain.business_day import SHANGHAI
from gateway.domain.dictionary import CodeTable, Dictionaries, Standing
from gateway.store.dictionaries import SeenCode
from gateway.store.engine import read_engine
from gateway.store.migrate import refuse_unmigrated
from gateway.store.open_store import refuse_missing
from gateway.store.postgresql import refuse_unreachable

T = TypeVar("T")
ADVICE_DECIDING = "相关结算单在待人工核对:向平台问清含义,补入配置档 [[dictionary]] 后重启"
ADVICE_OTHER = "重新装载该字典;仍没有的,向平台询问,补入配置档 [[dictionary]]"


def reading(settings: Settings, look: Callable[[Connection], T]) -> T:
    """One snapshot. Raises StoreRefused."""
    if isinstance(settings.database, Path):
        refuse_missing(settings.database)
    engine = read_engine(settings.database)
    try:
        if isinstance(settings.database, Postgresql):
            refuse_unreachable(engine, settings.database)
        with engine.connect() as connection, connection.begin():
            refuse_unmigrated(connection)
            return look(connection)
    finally:
        engine.dispose()


class Ours:
    """What the profiles in force on a day understand."""

    def __init__(self, settings: Settings, day: date) -> None:
        files = {code: region.profile_file for code, region in settings.regions.items()}
        self._known = {
            code: _understood(registry.book_of(name, files.get(code)), day)
            for code, name in registry.DECLARED.items()
            if code in files
        }

    def knows(self, province: str, kind: str, code: str) -> bool:
        return code in self._known.get(province, {}).get(kind, ())


def _understood(book: ProfileBook, day: date) -> Mapping[str, frozenset[str]]:
    try:
        return understood(book.at(day).dictionary)
    except ProfileError:
        # The file was read: before its first section began, nothing was understood.
        return {}


# --- what was loaded ---------------------------------------------------------------------------


def summary_rows(
    table: CodeTable, loaded: dict[str, date], province: str, day: date, ours: Ours
) -> list[dict[str, Any]]:
    """One line a dictionary."""
    found = []
    for kind in table.kinds(day):
        codes = table.rows(kind, day)
        valid = [one.row.code for one in codes if one.row.valid]
        found.append(
            {
                "kind": kind,
                "name_zh": dictionary_name(kind),
                "codes": len(valid),
                "withdrawn": len(codes) - len(valid),
                "understood": sum(ours.knows(province, kind, code) for code in valid),
                "loaded_as_of": loaded[kind].isoformat(),
            }
        )
    return found


def summary_table(rows: Iterable[dict[str, Any]]) -> Table:
    shown = _table("字典", "名称", "有效代码", "已停用", "配置档已用", "最近装载")
    for row in rows:
        shown.add_row(
            row["kind"], row["name_zh"], str(row["codes"]), str(row["withdrawn"] or ""),
            str(row["understood"] or ""), row["loaded_as_of"],
        )  # fmt: skip
    return shown


def code_rows(
    table: CodeTable, kind: str, province: str, day: date, ours: Ours
) -> list[dict[str, Any]]:
    """One line a code of one dictionary."""
    return [
        {
            "code": one.row.code,
            "label": one.row.label,
            "valid": one.row.valid,
            "since": one.valid_from.isoformat(),
            "version": one.row.version,
            "understood": ours.knows(province, kind, one.row.code),
        }
        for one in table.rows(kind, day)
    ]


def code_table(rows: Iterable[dict[str, Any]]) -> Table:
    shown = _table("代码", "名称", "状态", "自", "配置档")
    for row in rows:
        state = Text("有效", "green") if row["valid"] else Text("已停用", "yellow")
        shown.add_row(
            row["code"], row["label"], state, row["since"], "已用" if row["understood"] else ""
        )
    return shown


# --- what nobody knew --------------------------------------------------------------------------


def still_unknown(
    seen: Iterable[SeenCode], loaded: Dictionaries, ours: Ours, day: date
) -> list[SeenCode]:
    """Without those that a profile or a dictionary has learnt since."""
    return [
        one
        for one in seen
        if not ours.knows(one.province, one.kind, one.code)
        and loaded.of(one.province).standing(one.kind, one.code, day) is not Standing.VALID
    ]


def unknown_row(seen: SeenCode) -> dict[str, Any]:
    return {
        "region": seen.province,
        "field": seen.field,
        "name_zh": dictionary_name(seen.kind),
        "code": seen.code,
        "count": seen.count,
        "first": _shanghai(seen.first),
        "last": _shanghai(seen.last),
        "msgid": seen.msgid,
        "claim_id": seen.claim_id,
        "decides_posting": seen.kind in DECIDING,
    }


def unknown_table(rows: Iterable[dict[str, Any]]) -> Table:
    """One line a code, and below it where it came last and what to do."""
    shown = _table("地区", "字段", "代码", "次数", "首次", "最近")
    for row in rows:
        advice = ADVICE_DECIDING if row["decides_posting"] else ADVICE_OTHER
        where = row["claim_id"] or f"报文 {row['msgid']}"
        field = Text(f"{row['name_zh']} {row['field']}")
        field.append(f"\n例:{where}\n{advice}", style="dim")
        code = Text(row["code"], "bold red" if row["decides_posting"] else "yellow")
        shown.add_row(
            registry.DECLARED.get(row["region"], row["region"]), field, code, str(row["count"]),
            row["first"][:16], row["last"][:16],
        )  # fmt: skip
    return shown


def _shanghai(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _table(*names: str) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        shown.add_column(name, overflow="fold")
    return shown
